package unpack

import (
	"encoding/binary"
	"time"

	"github.com/livestill/livestill/frame"
)

const (
	// A sender report that is this far from the unit it comes with, in units of 1/90,000 s, is not of these timestamps.
	maxDistance = 60 * clockRate

	// Once units are dated, the source's clock is not taken on if it is this much behind: time must not go back, and would stand
	// nearly still for as long.
	maxBehind = 30 * time.Second

	// If the source's clock, by the last report, and arrival disagree by this much more than they did then, timestamps have jumped, or pass
	// too slow or too fast, or units were delayed, and the report is void. Jitter is less, and sources tell the time every five seconds or so.
	maxApart = time.Second

	// Both clocks drift apart by some tens of millionths. Where the source tells the time once and never again, each unit takes off this part of
	// how far they are apart, which is half a minute's worth at 30 a second.
	drift = 1024
)

// A report says when the picture of a timestamp was shown, by the source's clock.
type report struct {
	ssrc, stamp uint32
	time        time.Time
}

// Report takes in what a sender report (RFC 3550 section 6.4.1) says: the wall clock, as an NTP timestamp, at an RTP timestamp. It
// may be called at any time, by any goroutine.
func (s *Stream) Report(ssrc, stamp uint32, ntp uint64) {
	if t, ok := wallClock(ntp); ok {
		s.reports.Store(&report{ssrc, stamp, t})
	}
}

// wallClock converts an NTP timestamp: seconds since 1900 and their fraction, 32 bits each. Zero says that the sender has no wall
// clock, and with a high bit of zero it is the time since it began (RFC 3550 section 6.4.1). From 2036 on that cannot be told from
// the next era of NTP, so that sources will have to do better by then.
func wallClock(ntp uint64) (t time.Time, ok bool) {
	const to1970 = 2208988800
	seconds, fraction := int64(ntp>>32), int64(ntp&0xffffffff)
	return time.Unix(seconds-to1970, fraction*int64(time.Second)>>32), seconds>>31 != 0
}

// The header extension of packets that are played from a recording, ONVIF Streaming Specification section 6.3: its profile, and its bytes.
// Another extension may follow.
const (
	replayProfile = 0xabac
	replaySize    = 12
)

// replayed reads that header extension:
//
//	0xabac (16)  3 (16)  NTP timestamp (64)  C E D T 0000 (8)  sequence number (8)  0 (16)    D: what comes before is missing
//
// It returns when the picture was shown when it was recorded.
func replayed(b []byte) (shown time.Time, gap, ok bool) {
	const discontinuity = 0x20
	if len(b) < replaySize {
		return shown, false, false
	}
	shown, ok = wallClock(binary.BigEndian.Uint64(b))
	return shown, b[8]&discontinuity != 0, ok
}

// A wall tells when units were shown: by the source's clock once a report has told it, by frame.Clock before. Times are in the order
// of presentation times and never go back: where the source's clock is behind what was told before, time goes on at half its pace
// until they agree; where it is ahead, time jumps ahead. The zero wall is ready for a stream.
type wall struct {
	clock  frame.Clock
	known  bool   // there is a report that is valid
	told   point  // what that report says: a PTS, and when it was shown
	next   *point // of a report that is to be valid from the next unit on that is shown after all others
	newest shown  // of the units so far
	before shown  // the newest before it

	// Of the source's clock from that of arrival, as far as known: for the last unit, and when the report became valid, except for drift.
	offset, reported time.Duration
}

// A point is an instant on both scales.
type point struct {
	pts  time.Duration
	time time.Time
}

// A shown is when a unit was shown, by what it is dated and by this machine's clock.
type shown struct {
	point
	local time.Time
}

// set says when the picture of a presentation time was shown, by the source's clock.
func (w *wall) set(pts time.Duration, t time.Time) { w.next = &point{pts, t} }

// date sets u.Time, u.SourceTime if that is by the source's clock, and u.Offset. Units come in decoding order.
func (w *wall) date(u *frame.AccessUnit, arrival time.Time) {
	first := w.newest.time.IsZero()
	newest := first || u.PTS >= w.newest.pts
	passes := first || u.PTS != w.newest.pts // timestamps that stand still do not tell the source's time
	if !passes {
		w.next = nil
	}
	adopted := newest && w.adopt(u.PTS, first)
	w.clock.Stamp(u, arrival)
	local := u.Time
	u.Time = local.Add(w.offset)
	if w.known && passes {
		source := w.told.time.Add(u.PTS - w.told.pts)
		w.offset = source.Sub(local)
		if adopted {
			w.reported = w.told.time.Sub(w.clock.At(w.told.pts)) // since when timestamps may have jumped
		}
		apart := w.offset - w.reported
		if w.known = apart.Abs() < maxApart; !w.known {
			w.offset = w.reported
		}
		w.reported += apart / drift
		u.Time, u.SourceTime = local.Add(w.offset), w.known
	}
	last := w.newest
	if !newest {
		last = w.before
	}
	if earliest := last.time.Add((local.Sub(last.local) + 1) / 2); !last.time.IsZero() && u.Time.Before(earliest) {
		u.Time, u.SourceTime = earliest, false
	}
	switch {
	case newest:
		w.before, w.newest = w.newest, shown{point{u.PTS, u.Time}, local}
	case u.Time.After(w.newest.time):
		u.Time, u.SourceTime = w.newest.time, false
	}
	u.Offset = u.Time.Sub(local)
}

// adopt makes the report that came last valid from now on, for a unit that is shown after all others, unless time would go back by much. It reports
// whether there is one.
func (w *wall) adopt(pts time.Duration, first bool) (adopted bool) {
	if w.next == nil {
		return false
	}
	t := w.next.time.Add(pts - w.next.pts)
	if adopted = first || w.newest.time.Sub(t) < maxBehind; adopted {
		w.told, w.known = *w.next, true
	}
	w.next = nil
	return adopted
}
