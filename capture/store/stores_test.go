package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/capturetest"
	"github.com/livestill/livestill/capture/store"
)

var errDown = errors.New("the store is down")

// flaky is a Mem that can be broken: then it does not answer before the context ends, or fails at once.
type flaky struct {
	store.Mem
	err  atomic.Pointer[error] // of Put, if not nil
	hang atomic.Bool
	puts atomic.Int64
}

func (f *flaky) Put(ctx context.Context, s *capture.Still) (string, error) {
	f.puts.Add(1)
	if f.hang.Load() {
		<-ctx.Done()
		return "", context.Cause(ctx)
	}
	if err := f.err.Load(); err != nil {
		return "", *err
	}
	return f.Mem.Put(ctx, s)
}

func (f *flaky) fail(err error) { f.err.Store(&err) }
func (f *flaky) mend()          { f.err.Store(nil) }

func (f *flaky) files() (map[string][]byte, error) {
	files := make(map[string][]byte)
	for s, err := range f.List(context.Background(), capture.Selection{}) {
		if err != nil {
			return nil, err
		}
		files[s.Location], _ = f.Get(s.Location)
	}
	return files, nil
}

func (f *flaky) stall() (mend func()) {
	f.hang.Store(true)
	return func() { f.hang.Store(false) }
}

func TestMem(t *testing.T) {
	capturetest.TestStore(t, func(*testing.T) capturetest.StoreCase {
		f := new(flaky)
		return capturetest.StoreCase{Store: f, Files: f.files, Break: f.stall}
	})
	m := &store.Mem{MaxBytes: 10}
	for _, test := range []struct {
		id   string
		size int
		want error
	}{{"a", 6, nil}, {"b", 5, store.ErrFull}, {"b", 4, nil}, {"a", 7, store.ErrFull}, {"a", 1, nil}, {"c", 5, nil}} {
		if _, err := m.Put(t.Context(), still("s", test.id, make([]byte, test.size))); !errors.Is(err, test.want) {
			t.Errorf("%d bytes of %s: %v, want %v", test.size, test.id, err, test.want)
		}
	}
	if n, err := m.Delete(t.Context(), capture.Selection{ID: "c"}); n != 1 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	if _, err := m.Put(t.Context(), still("s", "d", make([]byte, 5))); err != nil {
		t.Errorf("room made by deleting: %v", err)
	}
}

func TestFunc(t *testing.T) {
	capturetest.TestStore(t, func(*testing.T) capturetest.StoreCase {
		f := new(flaky)
		return capturetest.StoreCase{Store: capture.StoreFunc(f.Put), Files: f.files, Break: f.stall}
	})
}

func TestTee(t *testing.T) {
	capturetest.TestStore(t, func(*testing.T) capturetest.StoreCase {
		a, b := new(flaky), new(flaky)
		return capturetest.StoreCase{Store: store.Tee{a, b}, Files: func() (map[string][]byte, error) {
			inA, _ := a.files()
			inB, _ := b.files()
			if len(inA) != len(inB) {
				return inA, fmt.Errorf("%d files in one, %d in the other", len(inA), len(inB))
			}
			return inB, nil
		}, Break: b.stall}
	})
}

func TestFailover(t *testing.T) {
	capturetest.TestStore(t, func(*testing.T) capturetest.StoreCase {
		a, b := new(flaky), new(flaky)
		down := flakyStore{a, func(ctx context.Context, s *capture.Still) (string, error) {
			if _, err := new(store.Mem).Put(ctx, s); errors.Is(err, capture.ErrRejected) {
				return "", err
			}
			return "", errDown
		}}
		return capturetest.StoreCase{Store: store.Failover{down, b}, Files: b.files, Break: b.stall}
	})
}

func TestRetry(t *testing.T) {
	capturetest.TestStore(t, func(*testing.T) capturetest.StoreCase {
		f := new(flaky)
		var n atomic.Int64
		every := capture.StoreFunc(func(ctx context.Context, s *capture.Still) (string, error) {
			if n.Add(1)%3 != 0 && s.ID != "" { // each third works
				return "", errDown
			}
			return f.Put(ctx, s)
		})
		r := &store.Retry{Store: flakyStore{f, every}, First: time.Microsecond, Attempts: 1000}
		return capturetest.StoreCase{Store: r, Files: f.files, Break: f.stall}
	})
}

// flakyStore is a flaky whose Put is another.
type flakyStore struct {
	*flaky
	put capture.StoreFunc
}

func (f flakyStore) Put(ctx context.Context, s *capture.Still) (string, error) { return f.put(ctx, s) }

func TestSeveralStores(t *testing.T) {
	rejecting := capture.StoreFunc(func(context.Context, *capture.Still) (string, error) {
		return "", capture.Reject(errors.New("too large"))
	})
	down := capture.StoreFunc(func(context.Context, *capture.Still) (string, error) { return "", errDown })
	for _, test := range []struct {
		about    string
		store    capture.Store
		rejected bool
		want     string // in the error; empty if there is none
	}{
		{"none", store.Tee{}, false, "none in the list"},
		{"none", store.Failover{}, false, "none in the list"},
		{"none", &store.Retry{}, false, "no Store"},
		{"none", &store.Spool{Path: t.TempDir()}, false, "no Store"},
		{"one of two fails", store.Tee{new(store.Mem), down}, false, "store 2 of 2, a capture.StoreFunc: the store is down"},
		{"one of two rejects", store.Tee{new(store.Mem), rejecting}, true, "too large"},
		{"all fail", store.Failover{down, down}, false, "store 2 of 2"},
		{"all reject", store.Failover{rejecting, rejecting}, true, "too large"},
		{"one rejects, one may take it yet", store.Failover{rejecting, down}, false, "too large"},
		{"one rejects, one takes it", store.Failover{rejecting, new(store.Mem)}, false, ""},
	} {
		location, err := test.store.Put(t.Context(), still("s", "id", nil))
		switch {
		case test.want == "" && (err != nil || location == ""):
			t.Errorf("%T, %s: %q, %v", test.store, test.about, location, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%T, %s: %v, want %q", test.store, test.about, err, test.want)
		case errors.Is(err, capture.ErrRejected) != test.rejected:
			t.Errorf("%T, %s: rejected is not %v: %v", test.store, test.about, test.rejected, err)
		}
	}
}

// TestErasureIsNeverHalf: a store that cannot delete is no reason to say that all is deleted.
func TestErasureIsNeverHalf(t *testing.T) {
	kept, mute := new(store.Mem), capture.StoreFunc(new(store.Mem).Put)
	for _, s := range []capture.Store{
		store.Tee{kept, mute}, store.Failover{kept, mute}, &store.Retry{Store: mute}, &store.Spool{Path: t.TempDir(), Store: mute},
	} {
		if _, err := kept.Put(t.Context(), still("s", "id", nil)); err != nil {
			t.Fatal(err)
		}
		if n, err := store.Delete(t.Context(), s, capture.Selection{ID: "id"}); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%T deleted %d: %v", s, n, err)
		}
		var err error
		for _, err = range store.List(t.Context(), s, capture.Selection{}) {
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%T lists: %v", s, err)
		}
		if at, err := store.Locate(s, still("s", "id", nil)); err == nil && at == "" {
			t.Errorf("%T locates nowhere", s)
		}
	}
}

func TestRetryPauses(t *testing.T) {
	for _, test := range []struct {
		about string
		fail  int // attempts that fail
		err   error
		want  int           // attempts
		least time.Duration // in all
		most  time.Duration
		ok    bool
	}{
		{"works", 0, errDown, 1, 0, 0, true},
		{"works at last", 3, errDown, 4, 350 * time.Millisecond, 700 * time.Millisecond, true},
		{"fails", 4, errDown, 4, 350 * time.Millisecond, 700 * time.Millisecond, false},
		{"rejects", 9, capture.Reject(errDown), 1, 0, 0, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			r := store.Retry{First: 100 * time.Millisecond, Store: capture.StoreFunc(func(context.Context, *capture.Still) (string, error) {
				if n++; n <= test.fail {
					return "", test.err
				}
				return "there", nil
			})}
			start := time.Now()
			_, err := r.Put(t.Context(), still("s", "id", nil))
			took := time.Since(start)
			if n != test.want || took < test.least || took > test.most || (err == nil) != test.ok || err != nil && !errors.Is(err, test.err) {
				t.Errorf("%s: %d attempts in %v, %v", test.about, n, took, err)
			}
		})
	}
}

func TestRetryIsEndedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hanging := new(flaky)
		hanging.stall()
		r := store.Retry{Store: hanging, Timeout: time.Second, First: time.Millisecond, Attempts: 3}
		start := time.Now()
		_, err := r.Put(t.Context(), still("s", "id", nil))
		if took := time.Since(start); err == nil || !strings.Contains(err.Error(), "no answer in time") || took.Truncate(time.Second) != 3*time.Second {
			t.Errorf("after %v: %v", took, err)
		}

		cause := errors.New("the caller has gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Second, func() { cancel(cause) })
		r = store.Retry{Store: capture.StoreFunc(func(context.Context, *capture.Still) (string, error) { return "", errDown }), First: time.Hour}
		start = time.Now()
		_, err = r.Put(ctx, still("s", "id", nil))
		if took := time.Since(start); took != 10*time.Second || !errors.Is(err, cause) || !errors.Is(err, errDown) {
			t.Errorf("after %v: %v", took, err)
		}
	})
}
