package flv_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/flv"
	"github.com/livestill/livestill/internal/publishers"
)

// TestTimelineShowsWhatAViewerSaw has publishers of all kinds stamp in milliseconds, as RTMP does. At any instant the picture is one that a
// viewer without delay saw no more than 150 ms before or after.
func TestTimelineShowsWhatAViewerSaw(t *testing.T) {
	begin := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	seed := uint64(0)
	for p := range publishers.All(20, 30*time.Second) {
		seed++
		if !p.Honest && p.Depth > 0 {
			continue // what is reordered where timestamps step may be off by as much
		}
		r := rand.New(rand.NewPCG(seed, 6))
		var all []publishers.Shown
		var timeline flv.Timeline
		var clock frame.Clock
		for _, u := range p.Units {
			dts := timeline.Next(uint32(u.DTS / time.Millisecond))
			unit := frame.AccessUnit{DTS: dts, PTS: dts + (u.PTS - u.DTS).Truncate(time.Millisecond)}
			clock.Stamp(&unit, begin.Add(u.Arrival))
			all = append(all, publishers.Shown{At: unit.Shown().Sub(begin), Picture: u.Picture})
		}
		if why := p.Wrong(r, all, 150*time.Millisecond); why != "" {
			t.Error(why)
		}
	}
}
