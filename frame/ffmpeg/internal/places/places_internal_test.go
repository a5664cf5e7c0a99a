package places

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/fakeclock"
)

// none is how many children take long where there are none.
func none() int { return 0 }

// work takes places for a stream, a few units' time each, until so much work is done.
func work(t *testing.T, ps *Places, stream string, unit time.Duration, units int) (took time.Duration) {
	t.Helper()
	began := time.Now()
	p, err := ps.Reserve(t.Context(), stream)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer p.Release()
	for range units {
		if err := p.Yield(t.Context()); err != nil {
			t.Error(err)
		}
		fakeclock.Pass(unit)
	}
	return time.Since(began)
}

// TestPlacesAreFairByTime has a stream of large pictures work all the time, in many GOPs at once. Another that needs little is delayed by
// no more than the units under way, and as long as both work they have the same time.
func TestPlacesAreFairByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := New(1, none)
		var large sync.WaitGroup
		for range 20 {
			large.Go(func() { work(t, ps, "large", 40*time.Millisecond, 50) })
		}
		defer large.Wait()
		fakeclock.Pass(time.Second)
		for range 10 {
			// Sixty units of 5 ms: once the other has its 40 ms, this has as much, so that it takes twice as long as alone, and a unit.
			if took := work(t, ps, "small", 5*time.Millisecond, 60); took > 2*300*time.Millisecond+80*time.Millisecond {
				t.Errorf("it took %v of what takes 300 ms alone", took)
			}
			fakeclock.Pass(100 * time.Millisecond)
		}
	})
}

// TestFailingStreamsComeLast has many that fail work all the time: another takes a ninth longer than alone, and a unit of theirs.
func TestFailingStreamsComeLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := New(1, none)
		var failing sync.WaitGroup
		for range 20 {
			failing.Go(func() { work(t, ps, frame.Failing, 10*time.Millisecond, 100) })
		}
		defer failing.Wait()
		fakeclock.Pass(time.Second)
		for range 10 {
			if took := work(t, ps, "good", 5*time.Millisecond, 60); took > 300*time.Millisecond*10/9+20*time.Millisecond {
				t.Errorf("it took %v of what takes 300 ms alone", took)
			}
			fakeclock.Pass(100 * time.Millisecond)
		}
	})
}

// TestALongCallDelaysNobody has two calls that do not end, of the two that may be made at once.
func TestALongCallDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := New(2, none)
		var stuck []frame.Place
		for range 2 {
			p, err := ps.Reserve(t.Context(), "stuck")
			if err != nil {
				t.Fatal(err)
			}
			stuck = append(stuck, p)
		}
		began := time.Now()
		p, err := ps.Reserve(t.Context(), "quick")
		if err != nil || time.Since(began) > HandOff {
			t.Fatalf("it came after %v, %v", time.Since(began), err)
		}
		for range 2 { // and no more than twice as many places as there are
			q, err := ps.Reserve(t.Context(), "quick")
			if err == nil {
				stuck = append(stuck, q)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			if len(stuck) == 4 {
				if _, err := ps.Reserve(ctx, "quick"); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a fifth place: %v", err)
				}
			}
			cancel()
			if len(stuck) == 3 {
				p.Release()
			}
		}
		for _, p := range stuck {
			p.Release()
			p.Release() // again, which is nothing
		}
		if n := len(ps.taken) + len(ps.waiting) + len(ps.used); n != 0 {
			t.Errorf("%d things are left of places that nobody has", n)
		}
	})
}

// TestAPlaceIsLostWithItsContext yields to a stream that keeps the place until the context ends.
func TestAPlaceIsLostWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := New(1, none)
		mine, _ := ps.Reserve(t.Context(), "mine")
		fakeclock.Pass(time.Millisecond)
		got := make(chan frame.Place)
		go func() {
			p, err := ps.Reserve(t.Context(), "other")
			if err != nil {
				t.Error(err)
			}
			got <- p
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		lost := make(chan error)
		go func() { lost <- mine.Yield(ctx) }()
		p := <-got
		if err := <-lost; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("yielding ended with %v", err)
		}
		mine.Release()
		if n := len(ps.taken); n != 1 {
			t.Errorf("%d places are taken, want the other's", n)
		}
		p.Release()
	})
}

// TestCallsOfChildrenDelayNobody has many calls that do not end, each of which the operating system can put behind others.
func TestCallsOfChildrenDelayNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := 0
		ps := New(1, func() int { return stuck })
		var taken []frame.Place
		began := time.Now()
		for range 10 {
			p, err := ps.Reserve(t.Context(), "stuck")
			if err != nil {
				t.Fatal(err)
			}
			taken = append(taken, p)
			stuck++
		}
		p, err := ps.Reserve(t.Context(), "quick")
		if took := time.Since(began); err != nil || took > 10*HandOff {
			t.Errorf("it came after %v, %v", took, err)
		}
		// Who was stuck for so long comes last.
		first := make(chan string, 2)
		for _, stream := range []string{"stuck", "quick"} {
			go func() {
				p, err := ps.Reserve(t.Context(), stream)
				if err != nil {
					t.Error(err)
				}
				first <- stream
				p.Release()
			}()
			synctest.Wait()
		}
		p.Release()
		if got := <-first; got != "quick" {
			t.Errorf("%s came first", got)
		}
		for _, p := range taken {
			p.Release()
		}
		<-first
	})
}
