package frame_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/publishers"
)

// A dated picture is a unit as a Clock has it.
type dated struct {
	publishers.Unit
	shown, backlog time.Duration
	newest         bool // in the order of presentation, of all before it
}

// date has a Clock date the units of a publisher, in the order that they arrive in.
func date(p *publishers.Publisher) (all []dated) {
	begin := time.Unix(1000, 0)
	var c frame.Clock
	newest := -1
	for _, u := range p.Units {
		unit := frame.AccessUnit{PTS: u.PTS, DTS: u.DTS}
		c.Stamp(&unit, begin.Add(u.Arrival))
		all = append(all, dated{u, unit.Shown().Sub(begin), unit.Backlog(), u.Picture > newest})
		newest = max(newest, u.Picture)
	}
	return all
}

// TestClockShowsWhatAViewerSaw dates the units of publishers of all kinds. At any instant the picture is one that a viewer without delay saw no
// more than 150 ms before or after: package publishers says what that is.
func TestClockShowsWhatAViewerSaw(t *testing.T) {
	seed := uint64(0)
	for p := range publishers.All(40, 40*time.Second) {
		seed++
		r := rand.New(rand.NewPCG(seed, 7))
		var all []publishers.Shown
		for _, d := range date(p) {
			all = append(all, publishers.Shown{At: d.shown, Picture: d.Picture})
		}
		if why := p.Wrong(r, all, 150*time.Millisecond); why != "" {
			t.Error(why)
		}
	}
}

// TestClockStaysNearArrival: no unit is dated later than it arrived, except for what it takes that times rise; nor one that is shown after all before
// it more than a second earlier, or before those.
func TestClockStaysNearArrival(t *testing.T) {
	for p := range publishers.All(40, 40*time.Second) {
		last := -time.Hour
		for i, d := range date(p) {
			if late := d.shown - d.Arrival; late > 50*time.Microsecond || d.newest && late < -time.Second {
				t.Errorf("%s: unit %d is dated %v after it arrived", p.About, i, late)
				break
			}
			if d.newest && d.shown <= last {
				t.Errorf("%s: unit %d is dated %v before the one before", p.About, i, last-d.shown)
				break
			}
			if d.newest {
				last = d.shown
			}
		}
	}
}

// TestClockIsSmooth: of a publisher whose timestamps are the time, pictures are as far apart as they were made, after a while.
func TestClockIsSmooth(t *testing.T) {
	n := 0
	for p := range publishers.All(100, 60*time.Second) {
		if !p.Steady || p.Adaptive && p.Depth > 200*time.Millisecond {
			continue
		}
		n++
		earliest, latest, counted := time.Hour, -time.Hour, 0
		for _, d := range date(p) {
			if d.newest && d.Arrival > 30*time.Second {
				counted++
				earliest, latest = min(earliest, d.shown-d.Made), max(latest, d.shown-d.Made)
			}
		}
		within := 2*time.Millisecond + p.Jitter/3 // of 32 pictures some came with little of the jitter
		if counted < 150 {                        // in half a minute
			within = 20*time.Millisecond + p.Jitter/2
		}
		if latest-earliest > within {
			t.Errorf("%s: pictures are dated %v to %v after they were made", p.About, earliest, latest)
		}
	}
	if n < 100 {
		t.Errorf("%d publishers", n)
	}
}

// TestBacklog: it is told of publishers whose pictures arrive later than they were made, as their timestamps say, and of none that is as it
// should be.
func TestBacklog(t *testing.T) {
	const jitter, slack = time.Second, 4 // less than this is not told; so much of the time that passes is taken off
	told := 0
	for p := range publishers.All(40, 40*time.Second) {
		for i, d := range date(p) {
			late := d.Arrival - d.Made
			seen := late - p.Units[0].Arrival // how late the first was cannot be known
			switch {
			case d.backlog == 0:
			case p.Steady || d.backlog < jitter:
				t.Errorf("%s: unit %d has a backlog of %v", p.About, i, d.backlog)
			default:
				told++
			}
			if p.Honest && d.newest && (d.backlog > late+jitter/4 || d.backlog < seen-d.Made/slack-jitter-jitter/4-2*p.Depth) {
				t.Errorf("%s: unit %d is %v late, its backlog is %v", p.About, i, late, d.backlog)
				break
			}
		}
	}
	if told < 1000 {
		t.Errorf("%d units have a backlog", told)
	}
}
