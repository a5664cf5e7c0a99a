package blobstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/blobstore"
)

// get returns what is at an URL.
func get(t *testing.T, link string) (status int, contentType string, data []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if data, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), data
}

// opens wants a link to lead to a still, without credentials.
func opens(t *testing.T, link string, s *capture.Still) {
	t.Helper()
	status, contentType, data := get(t, link)
	if status != http.StatusOK || contentType != s.Type || !bytes.Equal(data, s.Data) {
		t.Errorf("%s: status %d, %d bytes of %s", link, status, len(data), contentType)
	}
}

// hostile are streams whose keys are hard to write in URLs, or that a driver might write otherwise.
var hostile = []string{"live/alice", "", "a/b//c/", "../x", "a%2Fb", "日本 ~?#&+", "\n", "a__0x2f__b", "____0x41__", strings.Repeat("x/", 1000)}

func TestLinks(t *testing.T) {
	g := startGateway(t)
	bucket, _ := g.newBucket(t)
	plain := &blobstore.Store{Bucket: bucket, Base: "https://cdn.example.com/"}
	links := &blobstore.Store{Bucket: bucket, Links: time.Hour}
	for i, stream := range hostile {
		s := still(stream, fmt.Sprint("ID%/ü", i), noise(1000))
		if at, err := links.Locate(s); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("a link before there is a still: %q, %v", at, err)
		}
		link, err := links.Put(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		opens(t, link, s)
		for listed, err := range links.List(t.Context(), capture.Selection{Stream: stream, ID: s.ID}) {
			if err != nil {
				t.Fatal(err)
			}
			opens(t, listed.Location, s)
		}
		at, err := plain.Put(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if link, err = plain.Link(t.Context(), at, time.Hour); err != nil {
			t.Fatal(err)
		}
		opens(t, link, s)
		longer := strings.Replace(link, "X-Amz-Expires=3600&", "X-Amz-Expires=7200&", 1)
		unsigned, _, _ := strings.Cut(link, "?")
		for _, link := range []string{longer, unsigned} {
			if status, _, _ := get(t, link); status != http.StatusForbidden {
				t.Errorf("%s: status %d", link, status)
			}
		}
	}
}

func TestLinkEnds(t *testing.T) {
	g := startGateway(t)
	bucket, _ := g.newBucket(t)
	b := &blobstore.Store{Bucket: bucket, Links: time.Second}
	link, err := b.Put(t.Context(), still("live/alice", "ID", noise(1000)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for status := http.StatusOK; status != http.StatusForbidden; status, _, _ = get(t, link) {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("a link for a second works after %v: status %d", soon, status)
		}
	}
}

func TestLinkRefused(t *testing.T) {
	g := startGateway(t)
	bucket, _ := g.newBucket(t)
	b := &blobstore.Store{Bucket: bucket, Base: "https://cdn.example.com/"}
	for _, valid := range []time.Duration{-1, 0, time.Second - 1, 7*24*time.Hour + 1} {
		if link, err := b.Link(t.Context(), "https://cdn.example.com/a", valid); err == nil {
			t.Errorf("a link for %v: %s", valid, link)
		}
	}
	for _, location := range []string{"", "a", "https://example.com/a", "https://cdn.example.com/%"} {
		if link, err := b.Link(t.Context(), location, time.Minute); err == nil {
			t.Errorf("a link to %q: %s", location, link)
		}
	}
	b = &blobstore.Store{Bucket: memory(t), Links: time.Minute}
	_, err := b.Put(t.Context(), still("live/alice", "ID", noise(8)))
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "signs no links") {
		t.Errorf("a link to memory: %v", err)
	}
	found(t, b.Bucket) // no still without a location
}

func TestBase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bucket")
	bucket := folder(t, dir)
	web := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer web.Close()
	b := &blobstore.Store{Bucket: bucket, Base: web.URL + "/", Template: "stills of/{stream}/{id}"}
	for i, stream := range hostile {
		s := still(stream, fmt.Sprint("ID%/ü", i), noise(1000))
		at, err := b.Put(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		opens(t, at, s)
		var listed []string
		for s, err := range b.List(t.Context(), capture.Selection{Stream: stream, ID: s.ID}) {
			if err != nil {
				t.Fatal(err)
			}
			listed = append(listed, s.Location)
		}
		if !slices.Equal(listed, []string{at}) {
			t.Errorf("%.20q is at %q, but listed at %q", stream, at, listed)
		}
	}
}
