package capture

import (
	"fmt"
	"time"

	"github.com/livestill/livestill/frame"
)

// A Moment says which picture is wanted. The zero Moment is the newest picture there is; on a stream that has not begun, its first.
//
// The picture of an instant is the one that a viewer saw then: the latest that was shown at or before it. Presentation time
// decides, not the order of arrival or decoding.
type Moment struct {
	kind kind
	at   time.Time
	ago  time.Duration
}

type kind uint8

const (
	newest kind = iota
	at
	ago
	keyframe
)

// At is the picture that was, or will be, on show at t. A capture of the future waits until the picture is known: until a later
// one arrives, since only that ends it.
func At(t time.Time) Moment { return Moment{kind: at, at: t} }

// Ago is the picture that was on show d before the capture is asked for.
func Ago(d time.Duration) Moment { return Moment{kind: ago, ago: d} }

// Keyframe is the newest key picture: the cheapest to decode, and as old as the publisher's key interval makes it.
func Keyframe() Moment { return Moment{kind: keyframe} }

func (m Moment) String() string {
	switch m.kind {
	case at:
		return "at " + m.at.Format(time.RFC3339Nano)
	case ago:
		return fmt.Sprintf("%v ago", m.ago)
	case keyframe:
		return "newest key picture"
	default:
		return "newest"
	}
}

// A target is a Moment found in a History: the unit of the picture, and the instant that was wanted of it.
type target struct {
	gop    frame.GOP // nil if the moment was before the first unit that is remembered
	index  int
	wanted time.Time
}

func (t target) unit() frame.AccessUnit { return t.gop[t.index] }

// remembered reports whether the target can be decoded.
func (t target) remembered() bool { return t.gop != nil && t.unit().Data != nil }

// find returns the unit of the picture that is wanted among gops, for a capture asked for at the given time.
// ok is false while units that are still to come may decide otherwise.
func (m Moment) find(gops []frame.GOP, asked time.Time) (t target, ok bool) {
	if len(gops) == 0 {
		return t, false
	}
	if t.wanted = m.at; m.kind == ago {
		t.wanted = asked.Add(-m.ago)
	}
	timed := m.kind == at || m.kind == ago
	if timed && !decided(gops[len(gops)-1], t.wanted) {
		return t, false
	}
	for _, g := range gops {
		for i, u := range g {
			switch {
			case timed && u.Time.After(t.wanted):
			case !timed && u.Data == nil: // forgotten, so not the newest there is
			case m.kind == keyframe && !u.Key:
			case t.gop != nil && u.Time.Before(t.unit().Time):
			default:
				t.gop, t.index = g, i
			}
		}
	}
	if !timed {
		t.wanted = t.unit().Time
	}
	return t, true
}

// decided reports whether no unit that is still to come can be shown at or before limit. A unit is not shown before it is decoded.
func decided(newest frame.GOP, limit time.Time) bool {
	u := newest[len(newest)-1]
	return !u.Time.Add(u.DTS - u.PTS).Before(limit)
}
