package ingest_test

import (
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/internal/ingest"
)

// TestGuesses has an address guess as fast as it is answered, beside others, and then leave it.
func TestGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g ingest.Guesses
		guesser, typist := tcp("192.0.2.1"), tcp("192.0.2.2")
		guesses := 0
		for begin := time.Now(); time.Since(begin) < 10*time.Minute; guesses++ {
			g.Wrong(guesser)
			time.Sleep(g.Wait(guesser))
		}
		if guesses > 300 {
			t.Errorf("%d guesses in ten minutes", guesses)
		}
		for range 3 {
			g.Wrong(typist)
		}
		if one, other := g.Wait(guesser), g.Wait(typist); one > 3*time.Second || other != 0 {
			t.Errorf("a right password waits for %v, and for %v where three were wrong", one, other)
		}
		time.Sleep(6 * time.Minute)
		if wait := g.Wait(guesser); wait != 0 {
			t.Errorf("six minutes later it waits for %v", wait)
		}
	})
}

// TestGuessesOfMany remembers no more addresses than there is memory for: those that guessed last.
func TestGuessesOfMany(t *testing.T) {
	var g ingest.Guesses
	addr := func(n int) net.Addr { return tcp(fmt.Sprintf("10.0.%d.%d", n/256, n%256)) }
	for n := range 10_000 {
		for range 20 {
			g.Wrong(addr(n))
		}
		if n%100 == 0 {
			g.Wrong(addr(0))
		}
	}
	if g.Wait(addr(0)) == 0 || g.Wait(addr(1)) != 0 || g.Wait(addr(9999)) == 0 {
		t.Errorf("they wait for %v, %v and %v", g.Wait(addr(0)), g.Wait(addr(1)), g.Wait(addr(9999)))
	}
}
