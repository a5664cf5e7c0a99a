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

	// If the source's clock, by the last report, and arrival disagree by this much more than they did, timestamps have jumped, and
	// the report is void.
	maxApart = 10 * time.Second

	// While time waits for the source's clock, it goes on by half of what a unit is shown, or half of this if that is longer, as it is
	// where timestamps jump.
	maxPace = 100 * time.Millisecond
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
	known  bool          // there is a report that holds
	told   point         // what that report says: a PTS, and when it was shown
	next   *point        // of a report that is to hold from the next unit on that is shown after all others
	offset time.Duration // of the source's clock from that of arrival, as far as known
	newest point         // of the units so far
	before point         // the newest before it
}

// A point is an instant on both scales.
type point struct {
	pts  time.Duration
	time time.Time
}

// set says when the picture of a presentation time was shown, by the source's clock.
func (w *wall) set(pts time.Duration, t time.Time) { w.next = &point{pts, t} }

// date sets u.Time, u.SourceTime if that is by the source's clock, and u.Offset. Units come in decoding order.
func (w *wall) date(u *frame.AccessUnit, arrival time.Time) {
	first := w.newest.time.IsZero()
	newest := first || u.PTS >= w.newest.pts
	adopted := newest && w.adopt(u.PTS, first)
	w.clock.Stamp(u, arrival)
	local := u.Time
	u.Time = local.Add(w.offset)
	if w.known && (first || u.PTS != w.newest.pts) { // timestamps that stand still do not tell the source's time
		source := w.told.time.Add(u.PTS - w.told.pts)
		off := source.Sub(u.Time)
		if w.known = adopted || off.Abs() < maxApart; w.known {
			u.Time, u.SourceTime, w.offset = source, true, w.offset+off
		}
	}
	last := w.newest
	if !newest {
		last = w.before
	}
	passes := min(u.PTS-last.pts, maxPace) / 2
	if u.PTS == last.pts {
		passes = 1 // so that two pictures of one timestamp have times of their own
	}
	if earliest := last.time.Add(passes); !last.time.IsZero() && u.Time.Before(earliest) {
		u.Time, u.SourceTime = earliest, false
	}
	switch {
	case newest:
		w.before, w.newest = w.newest, point{u.PTS, u.Time}
	case u.Time.After(w.newest.time):
		u.Time, u.SourceTime = w.newest.time, false
	}
	u.Offset = u.Time.Sub(local)
}

// adopt has the report that came last hold from now on, for a unit that is shown after all others, unless time would go back by much. It reports
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
