package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/internal/fakeclock"
	"github.com/livestill/livestill/internal/ingest"
)

const longest = time.Minute // more than any site waits

// guess guesses once, and tells whether it was looked at.
func guess(t *testing.T, g *ingest.Guesses, peer net.Addr, wrong bool) bool {
	t.Helper()
	done, err := g.Begin(t.Context(), peer, longest)
	if err != nil {
		if !errors.Is(err, ingest.ErrGuessing) {
			t.Error(err)
		}
		return false
	}
	done(wrong)
	return true
}

// took returns how long a right guess takes.
func took(t *testing.T, g *ingest.Guesses, peer net.Addr) time.Duration {
	t.Helper()
	begin := time.Now()
	if !guess(t, g, peer, false) {
		t.Error("it was not looked at")
	}
	return time.Since(begin)
}

// TestGuesses has an address guess as fast as it is answered, by one connection and by many, beside others, and then leave it.
func TestGuesses(t *testing.T) {
	for _, conns := range []int{1, 50} {
		t.Run(fmt.Sprint(conns), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g ingest.Guesses
				guesser, typist := tcp("192.0.2.1"), tcp("192.0.2.2")
				var mu sync.Mutex
				var all sync.WaitGroup
				looked := 0
				for range conns {
					all.Go(func() {
						for begin := time.Now(); time.Since(begin) < 10*time.Minute; {
							if guess(t, &g, guesser, true) {
								mu.Lock()
								looked++
								mu.Unlock()
							} else {
								fakeclock.Pass(time.Second)
							}
						}
					})
				}
				all.Wait()
				if looked > 300 {
					t.Errorf("%d guesses in ten minutes", looked)
				}
				for range 3 {
					guess(t, &g, typist, true)
				}
				if one, other := took(t, &g, guesser), took(t, &g, typist); one > 3*time.Second || other != 0 {
					t.Errorf("a right password waits for %v, and for %v where three were wrong", one, other)
				}
				fakeclock.Pass(6 * time.Minute)
				if wait := took(t, &g, guesser); wait != 0 {
					t.Errorf("six minutes later it waits for %v", wait)
				}
			})
		})
	}
}

// TestGuessThatIsEvicted ends while it waits: it is not looked at, and the next of its address has the turn.
func TestGuessThatIsEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g ingest.Guesses
		peer := tcp("192.0.2.1")
		for range 40 {
			guess(t, &g, peer, true)
		}
		life, end := context.WithCancelCause(t.Context())
		first := make(chan error)
		go func() {
			_, err := g.Begin(life, peer, longest)
			first <- err
		}()
		synctest.Wait()
		if guess(t, &g, peer, false) {
			t.Error("the second is looked at while the first waits")
		}
		end(net.ErrClosed)
		if err := <-first; !errors.Is(err, net.ErrClosed) {
			t.Errorf("the first ends with %v", err)
		}
		if wait := took(t, &g, peer); wait == 0 {
			t.Error("the next does not wait")
		}
		begin := time.Now()
		if done, err := g.Begin(t.Context(), peer, time.Second); err != nil || time.Since(begin) > time.Second {
			t.Errorf("it waits for %v: %v", time.Since(begin), err)
		} else {
			done(false)
		}
	})
}

// TestGuessesThatDoNotCount are those behind a proxy, those without an address, and those that are taken back.
func TestGuessesThatDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		off, on := ingest.Guesses{Off: true}, ingest.Guesses{}
		for range 40 {
			guess(t, &off, tcp("192.0.2.1"), true)
			guess(t, &on, &net.UnixAddr{Name: "pipe"}, true)
			guess(t, &on, tcp("192.0.2.1"), true)
			on.Forgive(tcp("192.0.2.1"))
		}
		if on.Slow(tcp("192.0.2.1")) || took(t, &off, tcp("192.0.2.1")) != 0 || took(t, &on, &net.UnixAddr{Name: "pipe"}) != 0 {
			t.Error("they are slow")
		}
	})
}

// TestGuessesOfMany remembers no more addresses than there is memory for: those that guessed last.
func TestGuessesOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g ingest.Guesses
		addr := func(n int) net.Addr { return tcp(fmt.Sprintf("10.0.%d.%d", n/256, n%256)) }
		for n := range 10_000 {
			for range 6 {
				guess(t, &g, addr(n), true)
			}
			if n%1000 == 0 {
				guess(t, &g, addr(0), true)
			}
		}
		if !g.Slow(addr(0)) || g.Slow(addr(1)) || !g.Slow(addr(9999)) {
			t.Errorf("they are slow: %v, %v and %v", g.Slow(addr(0)), g.Slow(addr(1)), g.Slow(addr(9999)))
		}
	})
}
