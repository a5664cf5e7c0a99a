package flv_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
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
		type shown struct {
			at      time.Duration
			picture int
		}
		var all []shown
		var timeline flv.Timeline
		var clock frame.Clock
		for _, u := range p.Units {
			dts := timeline.Next(uint32(u.DTS / time.Millisecond))
			unit := frame.AccessUnit{DTS: dts, PTS: dts + (u.PTS - u.DTS).Truncate(time.Millisecond)}
			clock.Stamp(&unit, begin.Add(u.Arrival))
			all = append(all, shown{unit.Shown().Sub(begin), u.Picture})
		}
		slices.SortStableFunc(all, func(a, b shown) int { return cmp.Compare(a.at, b.at) })
		for range 200 {
			at := time.Duration(r.Int64N(int64(p.Units[len(p.Units)-1].Arrival)))
			from, to, ok := p.Saw(at)
			if !ok {
				continue // the stream begins
			}
			i, _ := slices.BinarySearchFunc(all, at+1, func(s shown, at time.Duration) int { return cmp.Compare(s.at, at) })
			if i == 0 || all[i-1].picture < from || all[i-1].picture > to {
				t.Errorf("%s: at %v the %dth to be shown was on show, to a viewer pictures %d to %d", p.About, at, i-1, from, to)
				break
			}
		}
	}
}
