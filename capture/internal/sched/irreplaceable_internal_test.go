package sched

import (
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
)

// TestSentIsBounded: what a decoding knows of units that it was given does not grow with an endless GOP.
func TestSentIsBounded(t *testing.T) {
	const interval = 40 * time.Millisecond
	h := &frame.History{MaxBytes: 32 << 10}
	d := &decoding{s: &Scheduler{Source: Source{History: h}}, out: -1, warm: true}
	for n := range 100_000 {
		at := time.Duration(n) * interval
		h.Add(frame.AccessUnit{Key: n == 0, DTS: at, PTS: at, Time: time.Unix(1000, 0).Add(at), Data: []byte{0}})
		if n == 0 {
			d.gop = h.GOPs()[0]
		}
		if over := d.grow(); over || d.forgotten {
			t.Fatalf("after %d units: over %v, lost %v", n, over, d.forgotten)
		}
		d.sent.Add(sentUnit{d.unsent().PTS, true})
		if kept := d.sent.Len() - d.sent.First(); kept > 200 || d.sent.Len() != n+1 {
			t.Fatalf("after %d units: %d of %d are kept", n, kept, d.sent.Len())
		}
	}
}
