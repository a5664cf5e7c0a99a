package blobstore_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gocloud.dev/blob"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/blobstore"
)

var shown = time.Date(2026, 5, 6, 9, 8, 9, 123456789, time.FixedZone("", 2*60*60))

func still(stream, id string, data []byte) *capture.Still {
	return &capture.Still{Stream: stream, ID: id, Type: "image/jpeg", Data: data, Time: shown}
}

func noise(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.Read(data) // never fails
	return data
}

// found wants a bucket to have just these bytes.
func found(t *testing.T, bucket *blob.Bucket, want ...[]byte) {
	t.Helper()
	files, err := filesIn(t, bucket)()
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range want {
		there := len(files)
		maps.DeleteFunc(files, func(_ string, found []byte) bool { return bytes.Equal(found, data) })
		if len(files) != there-1 {
			t.Errorf("%d bytes are there %d times", len(data), there-len(files))
		}
	}
	if len(files) != 0 {
		t.Errorf("there are %d files that should not be", len(files))
	}
}

func TestPutFails(t *testing.T) {
	g := startGateway(t)
	const reset = "connection reset|broken pipe" // who writes on after a reset is told of a broken pipe
	for _, test := range []struct {
		mode   mode
		says   string // the error, as a regular expression
		stored bool   // nevertheless
	}{
		{refuse, reset, false},
		{fail, "InternalError", false},
		{deny, "AccessDenied", false},
		{cut, reset, true},
		{damage, "SHA256Mismatch", false},
	} {
		t.Run(test.mode.String(), func(t *testing.T) {
			bucket, proxy := g.newBucket(t)
			b := &blobstore.Store{Bucket: bucket}
			s := still("live/alice", "ID", noise(100_000))
			proxy.Set(test.mode)
			at, err := b.Put(t.Context(), s)
			if err == nil || errors.Is(err, capture.ErrRejected) || at != "" {
				t.Errorf("Put returned %q, %v", at, err)
			} else if text := err.Error(); !regexp.MustCompile(test.says).MatchString(text) || !strings.HasPrefix(text, `blobstore: put "live/alice/20260506_070809.123_ID.jpg": `) {
				t.Errorf("Put says %q, not %q", text, test.says)
			}
			proxy.Set(pass)
			if test.stored {
				found(t, bucket, s.Data)
			} else {
				found(t, bucket)
			}
			if _, err := b.Put(t.Context(), s); err != nil {
				t.Error(err)
			}
			found(t, bucket, s.Data)
		})
	}
}

func TestPutEndsWithItsContext(t *testing.T) {
	g := startGateway(t)
	for _, m := range []mode{hang, fail, slow} {
		t.Run(m.String(), func(t *testing.T) {
			_, proxy := g.newBucket(t)
			b := &blobstore.Store{Bucket: open(t, client(t, proxy.URL, secret, true), first)}
			proxy.Set(m)
			<-proxy.Seen // that the bucket was made
			cause := errors.New("the caller has gone")
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() {
				<-proxy.Seen
				cancel(cause)
			}()
			began := time.Now()
			if _, err := b.Put(ctx, still("live/alice", "ID", noise(8<<20))); !errors.Is(err, cause) || errors.Is(err, capture.ErrRejected) {
				t.Errorf("Put returned %v", err)
			}
			if took := time.Since(began); took > soon {
				t.Errorf("Put returned after %v", took)
			}
		})
	}
}

func TestWrongCredentials(t *testing.T) {
	g := startGateway(t)
	bucket, proxy := g.newBucket(t)
	b := &blobstore.Store{Bucket: open(t, client(t, proxy.URL, "not the secret", false), first)}
	_, err := b.Put(t.Context(), still("live/alice", "ID", noise(8)))
	if err == nil || errors.Is(err, capture.ErrRejected) || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
		t.Errorf("Put returned %v", err)
	}
	found(t, bucket)
}

// TestPutIsTwoRequests: one for what is told of the still, and one for the still.
func TestPutIsTwoRequests(t *testing.T) {
	g := startGateway(t)
	bucket, proxy := g.newBucket(t)
	b := &blobstore.Store{Bucket: bucket}
	for _, test := range []struct{ size, puts, posts int }{
		{0, 2, 0},
		{1, 2, 0},
		{9 << 20, 2, 0},
		{16<<20 - 1, 2, 0},
		{17 << 20, 2, 2}, // in one part, with a request before and one after it
	} {
		s := still("live/alice", "ID", noise(test.size))
		puts, posts := proxy.Count(http.MethodPut), proxy.Count(http.MethodPost)
		if _, err := b.Put(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		puts, posts = proxy.Count(http.MethodPut)-puts, proxy.Count(http.MethodPost)-posts
		if puts != test.puts || posts != test.posts {
			t.Errorf("%d bytes took %d and %d requests, not %d and %d", test.size, puts, posts, test.puts, test.posts)
		}
		found(t, bucket, s.Data)
	}
}

func TestMetadata(t *testing.T) {
	g := startGateway(t)
	long := strings.Repeat("東京\n\r\x00\xff/%20", 200)
	for _, test := range []struct {
		about, text string
		whole       bool
	}{
		{"a plain name", "live/alice", true},
		{"control characters and what is no UTF-8", "a\nb\r\x00\xff%41", true},
		{"other scripts", "日本/東京 ü", true},
		{"ASCII just short enough", strings.Repeat("a", 347), true},
		{"too long", strings.Repeat("a", 348), false},
		{"2000 bytes of it all", long, false},
	} {
		bucket, _ := g.newBucket(t)
		b := &blobstore.Store{Bucket: bucket, CacheControl: "private"}
		s := &capture.Still{
			ID: test.text, Stream: test.text, Variant: test.text, Request: capture.Request{By: "carol"}, Data: noise(8), Type: "image/webp",
			Time: shown, Wanted: shown.Add(-time.Second / 3), PTS: time.Hour - 1, Key: true, QP: 30.126, Frozen: time.Hour - 1, Blank: true, Off: -1000,
			Merged: 1000, Refined: true, Instead: errors.New(test.text),
		}
		key, err := b.Put(t.Context(), s)
		if err != nil {
			t.Fatalf("%s: %v", test.about, err)
		}
		a, err := bucket.Attributes(t.Context(), key)
		if err != nil {
			t.Fatalf("%s: %v", test.about, err)
		}
		if a.ContentType != "image/webp" || a.CacheControl != "private" {
			t.Errorf("%s: content type %q, cache control %q", test.about, a.ContentType, a.CacheControl)
		}
		size := 0
		for name, value := range a.Metadata {
			size += len("x-amz-meta-") + len(name) + len(url.PathEscape(value))
			if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) || strings.Contains(value, "carol") {
				t.Errorf("%s: %s is %q", test.about, name, value)
			}
		}
		if size > 2048 {
			t.Errorf("%s: %d bytes of metadata", test.about, size)
		}
		for _, name := range []string{"id", "stream", "variant", "instead"} {
			value, more := strings.CutSuffix(a.Metadata[name], "...")
			text, err := url.PathUnescape(value)
			if err != nil || !strings.HasPrefix(test.text, text) || more == test.whole || test.whole != (text == test.text) {
				t.Errorf("%s: %s is %q, %v", test.about, name, a.Metadata[name], err)
			}
			delete(a.Metadata, name)
		}
		if sum := sha256.Sum256(s.Data); a.Metadata["sha256"] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: sha256 is %q", test.about, a.Metadata["sha256"])
		}
		delete(a.Metadata, "sha256")
		if want := map[string]string{
			"time": "2026-05-06T07:08:09.123456789Z", "wanted": "2026-05-06T07:08:08.790123456Z", "pts": "59m59.999999999s", "off": "-1000",
			"keypicture": "true", "qp": "30.13", "frozen": "59m59.999999999s", "blank": "true", "merged": "1000", "refined": "true",
		}; !maps.Equal(a.Metadata, want) {
			t.Errorf("%s: %v, want %v", test.about, a.Metadata, want)
		}
	}
}

func TestTypeThatIsNone(t *testing.T) {
	b := &blobstore.Store{Bucket: memory(t)}
	s := still("live/alice", "ID", []byte("\xff\xd8\xff\xe0 a JPEG's beginning"))
	s.Type = "image/jpeg; \n"
	key, err := b.Put(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := b.Bucket.Attributes(t.Context(), key); err != nil || a.ContentType != "image/jpeg" {
		t.Errorf("%v, %v", a, err)
	}
}

func TestImmutable(t *testing.T) {
	g := startGateway(t)
	s3, proxy := g.newBucket(t)
	for name, bucket := range map[string]*blob.Bucket{"S3": s3, "memory": memory(t), "folder": folder(t, filepath.Join(t.TempDir(), "bucket"))} {
		b := &blobstore.Store{Bucket: bucket, Immutable: true}
		first := still("live/alice", "ID", noise(100_000))
		at, err := b.Put(t.Context(), first)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again, err := b.Put(t.Context(), first); err != nil || again != at {
			t.Errorf("%s: the same again is at %q, %v, not at %q", name, again, err, at)
		}
		for about, data := range map[string][]byte{"as long": noise(100_000), "shorter": noise(1), "empty": nil} {
			_, err := b.Put(t.Context(), still("live/alice", "ID", data))
			if !errors.Is(err, blobstore.ErrExists) || !errors.Is(err, capture.ErrRejected) {
				t.Errorf("%s: another still, %s: %v", name, about, err)
			}
		}
		found(t, bucket, first.Data)
	}

	b := &blobstore.Store{Bucket: s3, Immutable: true}
	lost := still("live/alice", "lost", noise(100_000))
	proxy.Set(cut)
	if _, err := b.Put(t.Context(), lost); err == nil {
		t.Error("an answer was lost, and no error")
	}
	proxy.Set(pass)
	if _, err := b.Put(t.Context(), lost); err != nil {
		t.Errorf("again, after its answer was lost: %v", err)
	}
}

func TestImmutableTakesOneOfMany(t *testing.T) {
	g := startGateway(t)
	s3, _ := g.newBucket(t)
	for name, bucket := range map[string]*blob.Bucket{"S3": s3, "memory": memory(t)} {
		b := &blobstore.Store{Bucket: bucket, Immutable: true}
		var wait sync.WaitGroup
		won := make(chan []byte, 10)
		for range cap(won) {
			wait.Go(func() {
				data := noise(100_000)
				switch _, err := b.Put(t.Context(), still("live/alice", "ID", data)); {
				case err == nil:
					won <- data
				case !errors.Is(err, blobstore.ErrExists):
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wait.Wait()
		if len(won) != 1 {
			t.Fatalf("%s: %d have won", name, len(won))
		}
		found(t, bucket, <-won)
	}
}

func TestNoBucket(t *testing.T) {
	b := &blobstore.Store{}
	_, put := b.Put(t.Context(), still("live/alice", "ID", nil))
	_, located := b.Locate(still("live/alice", "ID", nil))
	_, link := b.Link(t.Context(), "a", time.Minute)
	_, deleted := b.Delete(t.Context(), capture.Selection{ID: "ID"})
	for _, err := range []error{put, located, link, deleted} {
		if err == nil || err.Error() != "blobstore: no Bucket" {
			t.Error(err)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	for _, test := range []struct {
		name   string
		bucket func() *blob.Bucket
	}{
		{"memory", func() *blob.Bucket { return memory(b) }},
		{"S3", func() *blob.Bucket { bucket, _ := startGateway(b).newBucket(b); return bucket }},
	} {
		b.Run(test.name, func(b *testing.B) {
			s := still("live/alice", "ID", noise(8<<20))
			to := &blobstore.Store{Bucket: test.bucket()}
			b.SetBytes(int64(len(s.Data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := to.Put(b.Context(), s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
