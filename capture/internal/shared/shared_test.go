package shared_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/livestill/livestill/capture/internal/shared"
	"github.com/livestill/livestill/internal/fakeclock"
)

var errCause = errors.New("it was enough")

// TestWaitIsForThoseBefore has a goroutine begin while another is waited for: it is not waited for.
func TestWaitIsForThoseBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g shared.Group
		g.Wait() // for none
		began := time.Now()
		g.Go(func() { fakeclock.Pass(time.Second) }) // on the clock of the bubble, as all here
		var later sync.WaitGroup
		later.Go(func() {
			fakeclock.Pass(time.Second / 2)
			g.Go(func() { fakeclock.Pass(time.Minute) })
		})
		if g.Wait(); time.Since(began) != time.Second {
			t.Errorf("waited %v", time.Since(began))
		}
		later.Wait()
		if g.Wait(); time.Since(began) != time.Minute+time.Second/2 {
			t.Errorf("waited %v for both", time.Since(began))
		}
	})
}

// TestCalls has callers come and give up while a call is under way, which takes a second.
func TestCalls(t *testing.T) {
	second := time.Second
	for _, test := range []struct {
		about   string
		give    []time.Duration // of each caller, when it gives up; all come at once
		after   time.Duration   // when one more comes, that does not give up; zero is never
		calls   int64           // how many are made
		ended   time.Duration   // when the context of the first ends; zero is when it has returned
		results int             // how many get a result
	}{
		{"one call for all", []time.Duration{2 * second, 2 * second, 2 * second}, 0, 1, 0, 3},
		{"some give up", []time.Duration{second / 4, second / 2, 2 * second}, 0, 1, 0, 1},
		{"all give up", []time.Duration{second / 4, second / 2}, 0, 1, second / 2, 0},
		{"one comes late", []time.Duration{second / 2}, second / 4, 1, 0, 1},
		{"one comes when all have given up", []time.Duration{second / 2}, 3 * second / 4, 2, second / 2, 1},
		{"one comes when it has returned", []time.Duration{2 * second}, second + shared.Retention - 1, 1, 0, 2},
		{"one comes when it is forgotten", []time.Duration{2 * second}, second + shared.Retention + 1, 2, 0, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			var g shared.Group
			var c shared.Calls[string, int64]
			var calls atomic.Int64
			var results atomic.Int64
			began := time.Now()
			ended := time.Duration(-1)
			do := func(ctx context.Context) (int64, error) {
				n := calls.Add(1)
				select {
				case <-time.After(second):
				case <-ctx.Done():
					if n == 1 {
						ended = time.Since(began)
					}
					return 0, context.Cause(ctx)
				}
				return n, nil
			}
			call := func(ctx context.Context) {
				n, err := c.Do(ctx, &g, "key", do)
				switch {
				case err == nil && n == calls.Load():
					results.Add(1)
				case !errors.Is(err, errCause):
					t.Errorf("%s: %d, %v", test.about, n, err)
				}
			}
			var callers sync.WaitGroup
			for _, at := range test.give {
				ctx, cancel := context.WithTimeoutCause(t.Context(), at, errCause)
				defer cancel()
				callers.Go(func() { call(ctx) })
			}
			if test.after > 0 {
				fakeclock.Pass(test.after)
				call(t.Context())
			}
			callers.Wait()
			g.Wait()
			want := test.ended
			if want == 0 {
				want = -1
			}
			if calls.Load() != test.calls || int(results.Load()) != test.results || ended != want {
				t.Errorf("%s: %d calls, %d results, cancelled after %v", test.about, calls.Load(), results.Load(), ended)
			}
		})
	}
}

// TestFailedCalls: an error, a panic and an exit reach all who wait, and the next one calls again.
func TestFailedCalls(t *testing.T) {
	for about, harm := range map[string]func() error{
		"error": func() error { return errCause },
		"panic": func() error { panic(errCause) },
		"exit":  func() error { runtime.Goexit(); return nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			var g shared.Group
			var c shared.Calls[int, bool]
			var callers sync.WaitGroup
			for range 3 {
				callers.Go(func() {
					_, err := c.Do(t.Context(), &g, 1, func(context.Context) (bool, error) {
						fakeclock.Pass(time.Second)
						return false, harm()
					})
					if want := map[string]error{"exit": shared.ErrExit}[about]; !errors.Is(err, errCause) && (want == nil || !errors.Is(err, want)) {
						t.Errorf("%s: %v", about, err)
					}
				})
			}
			callers.Wait()
			if ok, err := c.Do(t.Context(), &g, 1, func(context.Context) (bool, error) { return true, nil }); !ok || err != nil {
				t.Errorf("%s: the next call: %v, %v", about, ok, err)
			}
		})
	}
}

// TestFewResultsAreKept makes many at once: only the newest are kept.
func TestFewResultsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g shared.Group
		var c shared.Calls[int, bool]
		made := 0
		for range 2 {
			for n := range 10 {
				_, _ = c.Do(t.Context(), &g, n, func(context.Context) (bool, error) { made++; return true, nil })
			}
		}
		if made != 20 {
			t.Errorf("%d calls, want 20: each result is pushed out before it is asked for again", made)
		}
		for n := 6; n < 10; n++ {
			_, _ = c.Do(t.Context(), &g, n, func(context.Context) (bool, error) { made++; return true, nil })
		}
		if made != 20 {
			t.Errorf("%d of the newest four results were not kept", made-20)
		}
	})
}

// TestValues: a call has no values of any caller's context, since what it makes is for all of them.
func TestValues(t *testing.T) {
	type key struct{}
	var g shared.Group
	var c shared.Calls[int, any]
	v, err := c.Do(context.WithValue(t.Context(), key{}, "first"), &g, 1, func(ctx context.Context) (any, error) { return ctx.Value(key{}), nil })
	if v != nil || err != nil {
		t.Errorf("%v, %v", v, err)
	}
}

// TestSemaphore has room for one.
func TestSemaphore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := make(shared.Semaphore, 1)
		if err := s.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errCause)
		defer cancel()
		if err := s.Acquire(ctx); !errors.Is(err, errCause) {
			t.Errorf("there is none: %v", err)
		}
		time.AfterFunc(time.Second, s.Release)
		if err := s.Acquire(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestDroppedResultsAreFree: of many results made within the time for which they are kept, those that are too many live no longer.
func TestDroppedResultsAreFree(t *testing.T) {
	var calls shared.Calls[int, *[1 << 20]byte]
	var running shared.Group
	calls.Most = 2
	var made []weak.Pointer[[1 << 20]byte]
	for i := range 20 {
		result, err := calls.Do(t.Context(), &running, i, func(context.Context) (*[1 << 20]byte, error) { return new([1 << 20]byte), nil })
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, weak.Make(result))
	}
	running.Wait()
	runtime.GC()
	alive := 0
	for _, result := range made {
		if result.Value() != nil {
			alive++
		}
	}
	if alive > 3 { // those that are kept, and one that the loop may still have
		t.Errorf("%d of %d results are there", alive, len(made))
	}
	runtime.KeepAlive(&calls)
}
