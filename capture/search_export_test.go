package capture

import (
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/frame"
)

// A Finding is where something was found: a unit of a GOP; no GOP if nowhere.
type Finding struct {
	GOP    frame.GOP
	Unit   int
	Wanted time.Time
	Ago    time.Duration
	OK     bool
}

func finding(t found, err error) Finding {
	return Finding{t.gop, t.index, t.wanted, t.offset, err == nil}
}

// Find finds a Moment as a capture does.
func Find(m Moment, h *frame.History, asked time.Time) Finding {
	return finding(m.find(h, asked, asked, time.Time{}))
}

// FindInAll is what Find must find.
func FindInAll(m Moment, gops []frame.GOP, asked time.Time) Finding {
	var t found
	if len(gops) == 0 {
		return finding(t, errUndecided)
	}
	limit, shown := m.limit(asked)
	if m.kind == atPTS {
		for i := len(gops) - 1; i > 0; i-- {
			if gops[i][0].DTS < gops[i-1][len(gops[i-1])-1].DTS {
				gops = gops[i:]
				break
			}
		}
	}
	if newest := gops[len(gops)-1]; m.timed() {
		due := m.due(newest, limit, asked, shown)
		if err := m.decided(&newest[len(newest)-1], limit, shown, due, asked, time.Time{}); err != nil {
			return finding(t, err)
		}
	}
	for _, g := range gops {
		for i := range g {
			u := &g[i]
			switch {
			case m.timed() && shown(u).After(limit):
			case !m.timed() && u.Data == nil:
			case m.kind == keyframe && !u.Key:
			case t.gop != nil && u.Shown().Before(t.gop[t.index].Shown()):
			default:
				t.gop, t.index = g, i
			}
		}
	}
	return finding(m.complete(t, gops[0], limit, shown), nil)
}

// Off is off.
func Off(c *Camera, wanted, shown time.Time) int { return c.off(found{wanted: wanted}, shown) }

// Locate is locate.
func Locate(c *Camera, u frame.AccessUnit) (frame.GOP, int) {
	return c.locate(sched.IDOf(u.PTS, u.Time))
}

// Around is around.
func Around(c *Camera, u frame.AccessUnit) (gops []frame.GOP, gop, unit int) {
	return c.around(sched.IDOf(u.PTS, u.Time))
}

// Trusted is Trusted of the Scheduler.
func Trusted(c *Camera, g frame.GOP) int { return c.scheduler().Trusted(g) }
