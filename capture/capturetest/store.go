// Package capturetest checks hooks for package capture, yours and the ready-made ones, against what their interfaces promise.
package capturetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
)

// A StoreCase is a Store to test, and what the test needs to look behind it.
type StoreCase struct {
	Store capture.Store

	// Files returns the bytes of each still that whoever reads the medium
	// finds there now, by the location that Put returned. Anything else
	// that is to be found there counts as a still too; leave out what the
	// Store keeps about stills for Open.
	Files func() (map[string][]byte, error)

	// Break makes the medium fail, or not answer, until mend is called. Nil
	// leaves out the tests that need it.
	Break func() (mend func())
}

// endTimeout is how long a Put may take after its context has ended. It is no measure of speed.
const endTimeout = 5 * time.Minute

// TestStore checks a Store against the contract of capture.Store, and of capture.Locator, Lister, Deleter, DeleteWatcher and Opener as far as it
// is one, and its Stats if it has them. Whether it is one, the compiler tells: var _ capture.Deleter = (*MyStore)(nil). newStore is called for
// each part of the test; it returns an empty store that no other test uses, and cleans up after itself with t.Cleanup.
func TestStore(t *testing.T, newStore func(t *testing.T) StoreCase) {
	for _, part := range []struct {
		name string
		test func(t storeTest)
	}{
		{"Finds", storeTest.finds}, {"Names", storeTest.names}, {"Replaces", storeTest.replaces}, {"Concurrent", storeTest.concurrent},
		{"NothingHalf", storeTest.nothingHalf}, {"Context", storeTest.endedContext}, {"Rejects", storeTest.rejects},
		{"Fails", storeTest.fails}, {"Hangs", storeTest.hangs}, {"Lists", storeTest.lists}, {"Deletes", storeTest.deletes},
		{"Churns", storeTest.churns}, {"Opens", storeTest.opens}, {"OpensWhole", storeTest.opensWhole}, {"Labels", storeTest.labels},
		{"Counts", storeTest.counts},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(storeTest{t, newStore(t)}) })
	}
}

// A storeTest is a part of the test, with its store.
type storeTest struct {
	*testing.T
	StoreCase
}

var shown = time.Date(2026, 5, 6, 7, 8, 9, 123e6, time.UTC)

// still makes a still with size random bytes.
func still(stream, id string, size int) *capture.Still {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	return &capture.Still{
		ID: id, Stream: stream, Request: capture.Request{Stream: stream, ID: id}, Data: data, Type: "image/jpeg", Time: shown, Wanted: shown,
	}
}

// put puts a still that has to be taken, and returns its location.
func (t storeTest) put(s *capture.Still) string {
	t.Helper()
	before, _ := json.Marshal(s)
	location, err := t.Store.Put(t.Context(), s)
	if err != nil || location == "" {
		t.Fatalf("Put of %q %q: location %q, %v", s.Stream, s.ID, location, err)
	}
	if after, _ := json.Marshal(s); !bytes.Equal(after, before) {
		t.Errorf("Put changed the still: %s, was %s", after, before)
	}
	if l, ok := t.Store.(capture.Locator); ok {
		if located, err := l.Locate(s); !errors.Is(err, errors.ErrUnsupported) && (err != nil || located != location) {
			t.Errorf("Locate says %q, %v; Put %q", located, err, location)
		}
	}
	return location
}

// want compares what is found with what has to be.
func (t storeTest) want(want map[string][]byte) {
	t.Helper()
	got, err := t.Files()
	if err != nil {
		t.Fatal(err)
	}
	for location, data := range want {
		if found, ok := got[location]; !ok {
			t.Errorf("nothing is at %q", location)
		} else if !bytes.Equal(found, data) {
			t.Errorf("%d bytes at %q are not the %d that were put", len(found), location, len(data))
		}
	}
	for location := range got {
		if _, ok := want[location]; !ok {
			t.Errorf("%q was never put", location)
		}
	}
}

func (t storeTest) finds() {
	want := make(map[string][]byte)
	t.want(want)
	for i, size := range []int{1, 100, 1 << 20, 9 << 20} {
		s := still("live/alice", fmt.Sprint("size", i), size)
		want[t.put(s)] = s.Data
	}
	t.want(want)
}

// names puts what is not called as paths, URLs and file systems like it. All are different, so all are there in the end.
func (t storeTest) names() {
	long := strings.Repeat("long", 500)
	want := make(map[string][]byte)
	count := 0
	for _, stream := range []string{
		"", "a", "a/b", "a//b", "/a", "a/", ".", "..", "../..", "../../etc", "/etc/passwd", "a\\b", "a\x00b", "a\nb", "a b", "a+b", "a%2Fb",
		"a%b", "ü", "u\u0308", "\xff\xfe", "~", "~a", ".hidden", "-rf", "C:", "c:/x", "*", "a?b#c", "<a>", "\"a\"", "a'b", "a;b|c&d$e`f`",
		long, long + "x", long + "/y", strings.Repeat("d/", 300) + "e", "stream.", "stream ", "日本/東京", "{stream}", "https://a:b@c/d?e=f",
	} {
		for _, id := range []string{"ID", "../x", long} {
			s := still(stream, id, 8)
			location := t.put(s)
			if other, ok := want[location]; ok && !bytes.Equal(other, s.Data) {
				t.Errorf("stream %.50q, ID %.10q is where another is, at %q", stream, id, location)
			}
			want[location] = s.Data
			count++
		}
	}
	for _, other := range []func(s *capture.Still){
		func(s *capture.Still) { s.Variant = "thumb" },
		func(s *capture.Still) { s.Variant = "../../thumb" },
		func(s *capture.Still) { s.Type = "image/png" },
		func(s *capture.Still) { s.Time = s.Time.Add(-time.Hour) },
		func(s *capture.Still) { s.Request.By = "bob" },
	} {
		s := still("a", "ID", 8)
		other(s)
		want[t.put(s)] = s.Data
		count++
	}
	if len(want) != count {
		t.Errorf("%d stills are at %d locations", count, len(want))
	}
	t.want(want)
}

func (t storeTest) replaces() {
	s := still("live/alice", "ID", 1000)
	at := t.put(s)
	if again := t.put(s); again != at {
		t.Errorf("the same still is at %q, and then at %q", at, again)
	}
	t.want(map[string][]byte{at: s.Data})

	better := still("live/alice", "ID", 2000)
	if again := t.put(better); again != at {
		t.Errorf("the same key is at %q, and then at %q", at, again)
	}
	t.want(map[string][]byte{at: better.Data})
}

// concurrent puts many at once, each by three: stills, and a variant of each.
func (t storeTest) concurrent() {
	var wait sync.WaitGroup
	var mu sync.Mutex
	want := make(map[string][]byte)
	for n := range 20 {
		s := still(fmt.Sprint("live/", n%2), fmt.Sprint("ID", n%10), 100_000)
		if n >= 10 {
			s.Variant = "thumb"
		}
		for range 3 {
			wait.Go(func() {
				location, err := t.Store.Put(t.Context(), s)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				want[location] = s.Data
			})
		}
	}
	wait.Wait()
	t.want(want)
}

// nothingHalf reads while one key's file is replaced again and again: each time the file is one of those that were put.
func (t storeTest) nothingHalf() {
	const size = 1 << 20
	versions := [4]*capture.Still{}
	for i := range versions {
		versions[i] = still("live/alice", "ID", 0)
		versions[i].Data = bytes.Repeat([]byte{byte(i)}, size+i)
	}
	at := t.put(versions[0])
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 4 {
			for _, s := range versions {
				if _, err := t.Store.Put(t.Context(), s); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		got, err := t.Files()
		if err != nil {
			t.Error(err)
			continue
		}
		data := got[at]
		if len(data) < size || len(data) != size+int(data[0]) || bytes.Count(data, data[:1]) != len(data) || len(got) != 1 {
			t.Errorf("found %d files, one of %d bytes, mixed or short", len(got), len(data))
		}
	}
	<-done
}

func (t storeTest) endedContext() {
	cause := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := t.Store.Put(ctx, still("live/alice", "ID", 8)); !errors.Is(err, cause) {
		t.Errorf("Put with an ended context: %v, want %v", err, cause)
	} else if errors.Is(err, capture.ErrRejected) {
		t.Errorf("Put with an ended context rejects the still: %v", err)
	}
	t.want(nil)
}

func (t storeTest) rejects() {
	if _, err := t.Store.Put(t.Context(), still("live/alice", "", 8)); !errors.Is(err, capture.ErrRejected) {
		t.Errorf("Put of a still without an ID: %v, want ErrRejected", err)
	}
	t.want(nil)
}

// counts looks at the Stats, if there are any.
func (t storeTest) counts() {
	s, ok := t.Store.(interface{ Stats() capture.StoreStats })
	if !ok {
		return
	}
	t.put(still("live/alice", "A", 1000))
	t.put(still("live/alice", "B", 30))
	_, rejected := t.Store.Put(t.Context(), still("live/alice", "", 8))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, failed := t.Store.Put(ctx, still("live/alice", "C", 8))
	got := s.Stats()
	got.Took = 0
	if want := (capture.StoreStats{Put: 2, Failed: 1, Rejected: 1, Bytes: 1030}); got != want {
		t.Errorf("Stats: %+v, want %+v; Puts failed with %v, %v", got, want, rejected, failed)
	}
}

// fails has the medium fail between two that are taken.
func (t storeTest) fails() {
	if t.Break == nil {
		return
	}
	first, second := still("live/alice", "first", 1000), still("live/alice", "second", 1000)
	want := map[string][]byte{t.put(first): first.Data}

	mend := t.Break()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := t.Store.Put(ctx, second)
	mend()
	if err == nil || errors.Is(err, capture.ErrRejected) {
		t.Errorf("Put into a broken medium: %v, want an error that is no ErrRejected", err)
	}
	want[t.put(second)] = second.Data
	t.want(want)
}

// hangs ends the context of a Put that the medium does not let through.
func (t storeTest) hangs() {
	if t.Break == nil {
		return
	}
	mend := t.Break()
	defer mend()
	cause := errors.New("the caller has gone")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, cause) // so that Put has got as far as it gets
	defer cancel()
	result := make(chan error, 1)
	go func() {
		_, err := t.Store.Put(ctx, still("live/alice", "ID", 1000))
		result <- err
	}()
	select {
	case err := <-result:
		if err == nil {
			t.Error("Put into a broken medium, and no error")
		}
	case <-time.After(endTimeout):
		t.Errorf("Put has not returned %v after its context ended", endTimeout)
	}
}
