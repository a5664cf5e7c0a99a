// Package capturetest holds hooks for package capture, yours and the ready-made ones, to what their interfaces promise.
package capturetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
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

	// Files returns the bytes of each still that whoever reads the medium finds there now, by the location that Put returned. Anything
	// else that is to be found there counts as a still too.
	Files func() (map[string][]byte, error)

	// Break makes the medium fail, or not answer, until mend is called. Nil leaves out the tests that need it.
	Break func() (mend func())
}

// patience is how long a Put may take after its context has ended. It is no measure of speed.
const patience = 20 * time.Second

// TestStore holds a Store to the contract of capture.Store, and of capture.Locator, Lister and Deleter as far as it is one; whether it is
// one, the compiler tells: var _ capture.Deleter = (*MyStore)(nil). newStore is called for each part of the test; it returns an empty store that no other test uses, and cleans up after itself with t.Cleanup.
func TestStore(t *testing.T, newStore func(t *testing.T) StoreCase) {
	for _, part := range []struct {
		name string
		test func(t storeTest)
	}{
		{"Finds", storeTest.finds}, {"Names", storeTest.names}, {"Replaces", storeTest.replaces}, {"Concurrent", storeTest.concurrent},
		{"NothingHalf", storeTest.nothingHalf}, {"Context", storeTest.endedContext}, {"Rejects", storeTest.rejects},
		{"Fails", storeTest.fails}, {"Hangs", storeTest.hangs}, {"Lists", storeTest.lists}, {"Deletes", storeTest.deletes},
		{"Churns", storeTest.churns},
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

// concurrent puts many at once, each by three.
func (t storeTest) concurrent() {
	var wait sync.WaitGroup
	var mu sync.Mutex
	want := make(map[string][]byte)
	for n := range 20 {
		s := still(fmt.Sprint("live/", n%4), fmt.Sprint("ID", n), 100_000)
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
	case <-time.After(patience):
		t.Errorf("Put has not returned %v after its context ended", patience)
	}
}

// population puts stills of two streams by two users, one with two variants, and returns their locations.
func (t storeTest) population() (all []*capture.Still, at map[*capture.Still]string) {
	t.Helper()
	at = make(map[*capture.Still]string)
	for i, s := range []*capture.Still{
		still("live/alice", "A", 10), still("live/alice", "B", 20), still("live/alice", "B", 30), still("live/alice/b", "C", 40),
		still("live/al", "A", 50), still("", "D", 60), still("live/alice", "A", 70),
	} {
		s.Request.By = [7]string{"bob", "bob", "bob", "carol", "", "bob/carol", "dave"}[i]
		s.Time = shown.Add(time.Duration(i) * time.Hour)
		switch i {
		case 2:
			s.Variant, s.Time = "thumb", all[1].Time
		case 6:
			s.Time = all[0].Time // by another; else they are the same
		}
		all, at[s] = append(all, s), t.put(s)
	}
	return all, at
}

// selections select of the population those that are named by their places.
var selections = []struct {
	about string
	which capture.Selection
	want  []int
}{
	{"all", capture.Selection{}, []int{0, 1, 2, 3, 4, 5, 6}},
	{"a stream, and no other whose name begins so", capture.Selection{Stream: "live/alice"}, []int{0, 1, 2, 6}},
	{"an ID of one stream", capture.Selection{Stream: "live/al", ID: "A"}, []int{4}},
	{"an ID of any stream", capture.Selection{ID: "A"}, []int{0, 4, 6}},
	{"an ID with all its variants", capture.Selection{ID: "B"}, []int{1, 2}},
	{"a user", capture.Selection{By: "bob"}, []int{0, 1, 2}},
	{"a user with a slash", capture.Selection{By: "bob/carol"}, []int{5}},
	{"a user in one stream", capture.Selection{By: "carol", Stream: "live/alice"}, nil},
	{"what is not there", capture.Selection{Stream: "live"}, nil},
	{"from an instant on", capture.Selection{Since: shown.Add(4 * time.Hour)}, []int{4, 5}},
	{"before an instant", capture.Selection{Before: shown.Add(time.Hour)}, []int{0, 6}},
}

func (t storeTest) lists() {
	l, ok := t.Store.(capture.Lister)
	if !ok || unsupported(l.List(t.Context(), capture.Selection{})) {
		return
	}
	all, at := t.population()
	for _, test := range selections {
		got := make(map[string]capture.Stored)
		for s, err := range l.List(t.Context(), test.which) {
			if err != nil {
				t.Fatalf("List of %s: %v", test.about, err)
			}
			got[s.Location] = s
		}
		if len(got) != len(test.want) {
			t.Errorf("List of %s: %d stills, want %d", test.about, len(got), len(test.want))
		}
		for _, i := range test.want {
			s := all[i]
			want := capture.Stored{
				Location: at[s], Stream: s.Stream, ID: s.ID, Variant: s.Variant, Time: s.Time, Type: s.Type, Size: int64(len(s.Data)),
			}
			listed := got[at[s]]
			listed.By = "" // may be anything
			if listed != want {
				t.Errorf("List of %s: %+v, want %+v", test.about, listed, want)
			}
		}
	}
	for _, err := range l.List(t.Context(), capture.Selection{}) {
		if err != nil {
			t.Error(err)
		}
		break // a List that goes on yielding panics
	}
	cause := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	var err error
	for _, err = range l.List(ctx, capture.Selection{}) {
	}
	if !errors.Is(err, cause) {
		t.Errorf("List with an ended context: %v, want %v", err, cause)
	}
}

func (t storeTest) deletes() {
	d, ok := t.Store.(capture.Deleter)
	if !ok {
		return
	}
	if _, err := d.Delete(t.Context(), capture.Selection{ID: "none"}); errors.Is(err, errors.ErrUnsupported) {
		return
	}
	if n, err := d.Delete(t.Context(), capture.Selection{}); !errors.Is(err, capture.ErrSelectsAll) {
		t.Errorf("Delete of all: %d, %v, want ErrSelectsAll", n, err)
	}
	for _, test := range selections[1:] {
		all, at := t.population()
		left := make(map[string][]byte)
		for _, s := range all {
			left[at[s]] = s.Data
		}
		for _, i := range test.want {
			delete(left, at[all[i]])
		}
		if n, err := d.Delete(t.Context(), test.which); err != nil || (n == 0) != (len(test.want) == 0) {
			t.Errorf("Delete of %s: %d, %v", test.about, n, err)
		}
		t.want(left)
		if n, err := d.Delete(t.Context(), test.which); n != 0 || err != nil {
			t.Errorf("Delete of %s again: %d, %v", test.about, n, err)
		}
	}
	cause := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := d.Delete(ctx, capture.Selection{Stream: "live/alice"}); !errors.Is(err, cause) {
		t.Errorf("Delete with an ended context: %v, want %v", err, cause)
	}
}

// churns has each of several delete what it put, so that the folder of their stream, if there is one, comes and goes. That may fail, and
// is tried again.
func (t storeTest) churns() {
	d, ok := t.Store.(capture.Deleter)
	if !ok {
		return
	}
	if _, err := d.Delete(t.Context(), capture.Selection{ID: "none"}); errors.Is(err, errors.ErrUnsupported) {
		return
	}
	try := func(do func() error) {
		err := do()
		for range 10 {
			if err == nil {
				return
			}
			err = do()
		}
		t.Errorf("Put and Delete beside others: %v", err)
	}
	var wait sync.WaitGroup
	for n := range 3 {
		wait.Go(func() {
			for i := range 10 {
				s := still("live/alice", fmt.Sprint(n, "-", i), 8)
				try(func() error { _, err := t.Store.Put(t.Context(), s); return err })
				try(func() error {
					_, err := d.Delete(t.Context(), capture.Selection{Stream: s.Stream, ID: s.ID})
					return err
				})
			}
		})
	}
	wait.Wait()
	t.want(nil)
}

func unsupported(all iter.Seq2[capture.Stored, error]) bool {
	for _, err := range all {
		return errors.Is(err, errors.ErrUnsupported)
	}
	return false
}
