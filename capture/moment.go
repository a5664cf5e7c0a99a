package capture

import (
	"fmt"
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/frame"
)

// A Moment says which picture is wanted. The zero Moment is the newest picture there is; on a stream that has not begun, its first.
//
// The picture of an instant is the one that a viewer saw then: the latest that was shown at or before it. Presentation time
// decides, not the order of arrival or decoding.
type Moment struct {
	kind kind
	at   time.Time
	span time.Duration // ago, or from the publisher's zero

	window time.Duration // of Best; zero means the very picture
	metric *Metric       // nil means Quality; a pointer, so that Moments can be compared
}

type kind uint8

const (
	newest kind = iota
	at
	ago
	atPTS
	keyframe
)

// At is the picture that was, or will be, on show at t, by the clock of the source if the stream tells it (AccessUnit.SourceTime), else by
// this machine's. A capture of the future waits until the picture is known: until a later one arrives, since only that ends it.
func At(t time.Time) Moment { return Moment{kind: at, at: t} }

// Ago is the picture that was on show d before the capture is asked for, by this machine's clock whatever the source's says.
func Ago(d time.Duration) Moment { return Moment{kind: ago, span: d} }

// AtPTS is the picture that was, or will be, on show at a presentation time of the publisher's, as AccessUnit.PTS counts it. If the
// publisher has begun to count anew, that is since then.
func AtPTS(pts time.Duration) Moment { return Moment{kind: atPTS, span: pts} }

// Keyframe is the newest key picture: the cheapest to decode, and as old as the publisher's key interval makes it.
func Keyframe() Moment { return Moment{kind: keyframe} }

// Best is the best of the pictures shown in the last while: see Moment.Best.
func Best(window time.Duration, by Metric) Moment { return Moment{}.Best(window, by) }

// Best is the best picture by a Metric of those that were shown no more than window before or after the picture of m, or that very
// picture unless another is clearly better. A capture of an instant waits for what comes after it; of the newest picture, nothing
// comes after. Of more than 2,000 pictures it is one of the nearest. A nil Metric means Quality. See Still.Ranked for the others.
//
// The pictures that are measured are few: see Metric.
func (m Moment) Best(window time.Duration, by Metric) Moment {
	m.window, m.metric = max(0, window), nil
	if by != nil {
		m.metric = &by
	}
	return m
}

func (m Moment) String() string {
	if m.window > 0 {
		literal := m
		literal.window = 0
		return fmt.Sprintf("best within %v of %v", m.window, literal)
	}
	switch m.kind {
	case at:
		return "at " + m.at.Format(time.RFC3339Nano)
	case ago:
		return fmt.Sprintf("%v ago", m.span)
	case atPTS:
		return fmt.Sprintf("at PTS %v", m.span)
	case keyframe:
		return "newest key picture"
	default:
		return "newest"
	}
}

// A found is a Moment found in a History: the unit of the picture, and the instant that was wanted of it.
type found struct {
	gop    frame.GOP // nil if the moment was before the first unit that is remembered
	index  int
	wanted time.Time     // on the scale of the units' Time
	offset time.Duration // of that scale from this machine's clock
}

func (t found) unit() frame.AccessUnit { return t.gop[t.index] }

// remembered reports whether what was found can be decoded.
func (t found) remembered() bool { return t.gop != nil && t.unit().Data != nil }

// with returns what is to be decoded: what was found, and the neighbours that f fetches on the way to it; nil for none.
func (t found) with(f *prefetch) sched.Wanted {
	if f == nil {
		return sched.Wanted{GOP: t.gop, Unit: t.index}
	}
	return sched.Wanted{GOP: t.gop, Unit: t.index, Along: f.units, Take: f.take, Hold: f.hold}
}

// find returns the unit of the picture that is wanted, for a capture asked for at the given time. ok is false while units that are still to
// come may decide otherwise: that is seen by the newest alone.
func (m Moment) find(h *frame.History, asked time.Time) (t found, ok bool) {
	limit, shown := m.limit(asked)
	var g frame.GOP // the oldest that counts
	for older := range h.Backward() {
		switch {
		case g == nil && m.timed() && !decided(&older[len(older)-1], shown, limit.Add(m.window)):
			return t, false
		case g != nil && m.kind == atPTS && g[0].DTS < older[len(older)-1].DTS:
			return m.complete(t, g, limit, shown), true // since then the publisher has counted anew
		}
		g = older
		t = m.later(t, g, limit, shown)
	}
	if g == nil {
		return t, false
	}
	return m.complete(t, g, limit, shown), true
}

// later returns the unit of g that was shown last of those that count, or t if that was shown later; of equals the one that is decoded later.
func (m Moment) later(t found, g frame.GOP, limit time.Time, shown func(*frame.AccessUnit) time.Time) found {
	for i := len(g) - 1; i >= 0; i-- {
		u := &g[i]
		switch {
		case m.timed() && shown(u).After(limit):
		case !m.timed() && u.Data == nil: // forgotten, so not the newest there is
		case m.kind == keyframe && !u.Key:
		case t.gop != nil && !u.Shown().After(t.gop[t.index].Shown()):
		default:
			t.gop, t.index = g, i
		}
	}
	return t
}

// complete returns t with all that its unit tells, or the first unit of the oldest GOP if it has none.
func (m Moment) complete(t found, oldest frame.GOP, limit time.Time, shown func(*frame.AccessUnit) time.Time) found {
	u := &oldest[0]
	if t.gop != nil {
		u = &t.gop[t.index]
	}
	t.offset, t.wanted = u.Offset, u.Time
	if m.timed() {
		t.wanted = u.Time.Add(limit.Sub(shown(u)))
	}
	return t
}

// timed reports whether the moment is an instant.
func (m Moment) timed() bool { return m.kind == at || m.kind == ago || m.kind == atPTS }

// limit returns the instant that is wanted of a timed moment, and what tells when a unit was shown on the same scale.
func (m Moment) limit(asked time.Time) (limit time.Time, shown func(u *frame.AccessUnit) time.Time) {
	switch m.kind {
	case ago:
		return asked.Add(-m.span), (*frame.AccessUnit).Shown
	case atPTS:
		return time.Time{}.Add(m.span), func(u *frame.AccessUnit) time.Time { return time.Time{}.Add(u.PTS) }
	default:
		return m.at, func(u *frame.AccessUnit) time.Time { return u.Time }
	}
}

// decided reports whether no unit that comes after u can be shown at or before limit. A unit is not shown before it is decoded.
func decided(u *frame.AccessUnit, shown func(*frame.AccessUnit) time.Time, limit time.Time) bool {
	return !shown(u).Add(u.DTS - u.PTS).Before(limit)
}
