package capture

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/frame"
)

// A Moment says which picture is wanted. The zero Moment is the newest picture there is; on a stream that has not begun, its first.
//
// The picture of an instant is the one that a viewer saw then: the latest that was shown at or before it. Presentation time
// decides, not the order of arrival or decoding. Of a picture of two fields it is what the field shows that was on show: the second one, if half
// of the time to the next picture had passed (frame.SecondField).
type Moment struct {
	kind kind
	at   time.Time
	span time.Duration // ago, or from the publisher's zero

	// Of AtTicks: one more than the ticks, which the newest picture turns
	// into a span.
	ticks uint64

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
// this machine's. What was on show at an instant gone by is decided: a capture waits for no more than frame.MaxLate beyond it, which some
// pictures need to arrive. A capture of the future waits until the picture is known: until a later one arrives, or for as much longer as the stream
// reorders pictures.
func At(t time.Time) Moment { return Moment{kind: at, at: t} }

// Ago is the picture that was on show d before the capture is asked for, by this machine's clock whatever the source's says. A capture waits
// for it only if d is less than frame.MaxLate, as for At.
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

// String is the text of the moment: see MarshalText.
func (m Moment) String() string {
	text := "newest"
	switch m.kind {
	case at:
		text = "at:" + utc(m.at).Format(time.RFC3339Nano)
	case ago:
		text = "ago:" + m.span.String()
	case atPTS:
		text = "pts:" + m.span.String()
		if m.ticks != 0 {
			text = fmt.Sprintf("ticks:%d", m.ticks-1)
		}
	case keyframe:
		text = "keyframe"
	case newest:
	}
	if m.window > 0 {
		return fmt.Sprintf("best:%v:%s", m.window, text)
	}
	return text
}

// MarshalText writes the moment in the words that UnmarshalText reads. It does not fail.
func (m Moment) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads a moment from words such as a query of a URL may have:
//
//	newest, or nothing
//	keyframe
//	ago:1.5s                      see Ago
//	pts:1h2m3.5s                  see AtPTS
//	ticks:8589934591              see AtTicks
//	at:2026-05-06T07:08:09.5Z     see At
//	best:500ms:ago:1.5s           see Best: the window, and around what
//
// Durations are as time.ParseDuration takes them, times as RFC 3339 has them. A Metric is no part of it: a Best that is read is by Quality.
func (m *Moment) UnmarshalText(text []byte) error {
	read, err := parseMoment(string(text))
	if err != nil {
		return fmt.Errorf("capture: %.100q is no moment: %w", text, err)
	}
	*m = read
	return nil
}

func parseMoment(text string) (m Moment, err error) {
	word, value, _ := strings.Cut(text, ":")
	switch word {
	case "", "newest", "keyframe":
		if text != word {
			return m, fmt.Errorf("%s has no value", word)
		}
		if word == "keyframe" {
			m.kind = keyframe
		}
	case "at":
		m.kind = at
		m.at, err = time.Parse(time.RFC3339Nano, value)
	case "ago", "pts":
		m.kind = ago
		if word == "pts" {
			m.kind = atPTS
		}
		m.span, err = time.ParseDuration(value)
	case "ticks":
		var ticks uint64
		ticks, err = strconv.ParseUint(value, 10, 64)
		m = AtTicks(ticks)
	case "best":
		window, around, _ := strings.Cut(value, ":")
		if m, err = parseMoment(around); err != nil {
			return m, err
		}
		if m.window > 0 {
			return m, errors.New("a best of a best")
		}
		m.window, err = time.ParseDuration(window)
		if err == nil && m.window < 0 {
			err = errors.New("a window of less than nothing")
		}
	default:
		err = errors.New("it begins with none of newest, keyframe, ago, pts, ticks, at, best")
	}
	return m, err
}

// A found is a Moment found in a History: the unit of the picture, and the instant that was wanted of it.
type found struct {
	gop    frame.GOP // nil if the moment was before the first unit that is remembered
	index  int
	wanted time.Time     // on the scale of the units' Time
	offset time.Duration // of that scale from this machine's clock
	due    time.Time     // if it is undecided: when time alone decides it; zero if that takes another unit
}

func (t found) unit() frame.AccessUnit { return t.gop[t.index] }

// remembered reports whether what was found can be decoded.
func (t found) remembered() bool { return t.gop != nil && t.unit().Data != nil }

// with returns what is to be decoded: what was found, and the neighbours that f fetches on the way to it; nil for none.
func (t found) with(f *prefetch) sched.Wanted {
	w := sched.Wanted{GOP: t.gop, Unit: t.index, Second: t.second()}
	if f != nil {
		w.Along, w.Take, w.Pin = f.units, f.take, f.pin
	}
	return w
}

// second reports whether half of the time has passed, at the instant that is wanted, for which its picture is on show.
func (t found) second() bool {
	late := t.wanted.Sub(t.unit().Time)
	if late <= 0 {
		return false
	}
	half := t.half()
	return half > 0 && late >= half
}

// half returns half of the time for which the picture is on show, which is as long as to the nearest picture of its GOP; zero if there is none.
func (t found) half() time.Duration {
	u, each := t.unit(), time.Duration(0)
	for i := range t.gop {
		if d := t.gop[i].Time.Sub(u.Time).Abs(); d > 0 && (each == 0 || d < each) {
			each = d
		}
	}
	return each / 2
}

// errUndecided says that units which are still to come may decide which picture is wanted.
var errUndecided = errors.New("moment is not decided yet")

// Nobody waits for longer than this: a capture of what is further ahead of the newest unit ends at once.
const maxAhead = time.Hour

// find returns the unit of the picture that is wanted, for a capture asked for at the given time, as it is known now, of a stream that has ended
// then; zero if it has not. Its error is errUndecided, which is seen by the newest unit alone, or an ErrNotLive: the moment will not come.
func (m Moment) find(h *frame.History, asked, now, ended time.Time) (t found, err error) {
	for g := range h.Backward() {
		m = m.unwrapped(g[len(g)-1].PTS)
		break
	}
	limit, shown := m.limit(asked)
	var g frame.GOP // the oldest that counts
	for older := range h.Backward() {
		if g == nil && m.timed() {
			due := m.due(older, limit, asked, shown)
			if err := m.decided(&older[len(older)-1], limit, shown, due, now, ended); err != nil {
				t.due = due
				return t, err
			}
		}
		if g != nil && m.kind == atPTS && g[0].DTS < older[len(older)-1].DTS {
			return m.complete(t, g, limit, shown), nil // since then the publisher has counted anew
		}
		g = older
		t = m.later(t, g, limit, shown)
	}
	switch {
	case g != nil:
		return m.complete(t, g, limit, shown), nil
	case ended.IsZero():
		return t, errUndecided
	}
	return t, ErrNotLive
}

// later returns the unit of g that was shown last of those that count, or t if that was shown later; of equals the one that is decoded later.
func (m Moment) later(t found, g frame.GOP, limit time.Time, shown func(*frame.AccessUnit) time.Time) found {
	for i := len(g) - 1; i >= 0; i-- {
		u := &g[i]
		switch {
		case m.timed() && shown(u).After(limit):
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

// Pictures that are reordered are waited for no longer than this: as many as codecs reorder, at four a second.
const maxReordering = 4 * time.Second

// due returns when time alone decides which picture was on show at limit, and at the end of a window behind that: g is the newest GOP. It is zero
// for the publisher's own time, which may stand still.
func (m Moment) due(g frame.GOP, limit, asked time.Time, shown func(*frame.AccessUnit) time.Time) time.Time {
	if m.kind == atPTS {
		return time.Time{}
	}
	u := &g[len(g)-1]
	due := limit.Add(u.Shown().Sub(shown(u)) + m.window)
	if due.Before(asked) {
		return due.Add(frame.MaxLate)
	}
	reordering := time.Duration(0)
	for i := max(0, len(g)-16); i < len(g); i++ {
		reordering = max(reordering, g[i].PTS-g[i].DTS)
	}
	return due.Add(frame.MaxLate + min(reordering, maxReordering))
}

// decided returns nil if it is known now which picture was on show at limit, and at the end of a window behind that. The newest unit, u, tells, since
// a unit is not shown before it is decoded; else time does, when it is due. The last unit of a stream is on show until that has ended.
func (m Moment) decided(u *frame.AccessUnit, limit time.Time, shown func(*frame.AccessUnit) time.Time, due, now, ended time.Time) error {
	newest := shown(u).Add(u.DTS - u.PTS)
	ahead := limit.Sub(newest)
	if !due.IsZero() {
		ahead = min(ahead, due.Sub(now))
	}
	switch {
	case newest.Compare(limit.Add(m.window)) >= 0:
		return nil
	case !ended.IsZero() && limit.After(shown(u).Add(ended.Sub(u.Shown()))):
		return ErrNotLive
	case !ended.IsZero(), !due.IsZero() && !now.Before(due):
		return nil
	case ahead > maxAhead:
		return fmt.Errorf("%w: the moment is %v ahead of it", ErrNotLive, ahead)
	}
	return errUndecided
}
