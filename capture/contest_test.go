package capture_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
)

// TestPromising has it become known at random how the pictures of a window are coded, many of them alike, and compares which are worth their
// pixels with what a look at all of them says.
func TestPromising(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		n := 1 + r.IntN(60)
		p := capture.PromisingOf(n, r.IntN(n), time.Duration(r.IntN(n))*time.Second)
		kinds := 1 + r.IntN(40)
		for _, i := range r.Perm(n) {
			qp := float32(r.IntN(kinds))
			if r.IntN(20) == 0 {
				qp = []float32{-1e6, 1e6}[r.IntN(2)] // errors that are zero, or without end
			}
			p.Know(i, r.IntN(8) > 0, qp)
			if got, want := p.Chosen(), p.ChosenOfAll(); !slices.Equal(got, want) {
				t.Fatalf("seed %d, window of %d: %v are chosen, want %v", seed, n, got, want)
			}
		}
		if p.Kept() > 11 {
			t.Errorf("seed %d: %d pictures are kept in mind", seed, p.Kept())
		}
	}
}

// TestWideBestTakesLittle: what a Best takes does not grow with the square of its window.
func TestWideBestTakesLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &decoder{}
		c := &capture.Camera{Decoder: d, History: frame.History{MaxAge: time.Hour}}
		const many = 2000
		for n := range many {
			at := time.Duration(n) * time.Millisecond
			data := []byte{0, 30}
			c.History.Add(frame.AccessUnit{Codec: frame.H264, Key: n == 0, DTS: at, PTS: at, Time: time.Now().Add(at), Data: data})
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		score := func(p *frame.Picture) float64 { return -float64(p.EffectiveQP) }
		if _, err := c.Capture(t.Context(), capture.Request{Moment: capture.Best(time.Hour, score)}); err != nil {
			t.Error(err)
		}
		runtime.ReadMemStats(&after)
		if took := (after.TotalAlloc - before.TotalAlloc) / many; took > 8<<10 {
			t.Errorf("a picture of the window took %d bytes", took)
		}
	})
}
