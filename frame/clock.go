package frame

import "time"

// A source whose timestamps disagree with the clock by more than this has jumped. In shorter stalls of the network encoders hold units
// back, and then send them late: OBS and ffmpeg do so for some seconds, and the default History lasts no longer than this.
const maxLag = 10 * time.Second

// The clock is set anew this often: twice the 16 pictures that a codec may reorder, so that every unit's presentation time lies
// after the last setting or after the one before.
const unitsPerSetting = 32

// A Clock tells when the units of a stream were shown, for publishers that send timestamps but no wall-clock time. The units that
// took the shortest time to arrive set it: jitter, stalls and bursts of the network do not reach the times of the units.
// The zero Clock is ready for a new stream; one goroutine at a time may use it.
type Clock struct {
	now, before setting
	units       int           // stamped since the last setting; zero before the first unit
	fastest     time.Duration // the shortest lag among them
	lastDTS     time.Duration
	maxPTS      time.Duration
}

// How fast a correction is made: it takes at most this part of the presentation time that passes. A unit that arrives before its time
// proves the clock late, so that is corrected at half speed, the slowest at which times still rise clearly. Units that arrive after their
// time may just have been held up, so that is corrected by less than 2 %: a hundred times what the crystals of encoders are off, and too
// little to be seen in the times of pictures.
const (
	mostBack    = 2  // a half
	mostForward = 64 // a sixty-fourth
)

// A setting maps presentation times onto the wall clock. From a point on, the correction grows with time until it is complete, so
// that the map is continuous and rises.
type setting struct {
	pts        time.Duration
	time       time.Time
	correction time.Duration
}

func (s setting) at(pts time.Duration) time.Time {
	d := pts - s.pts
	switch {
	case d < 0:
	case s.correction < 0:
		d += max(s.correction, -d/mostBack)
	default:
		d += min(s.correction, d/mostForward)
	}
	return s.time.Add(d)
}

// At returns when the picture with the given presentation time was or will be shown, as it looks after the last unit that was
// stamped; the zero time before the first.
func (c *Clock) At(pts time.Duration) time.Time {
	switch {
	case c.units == 0:
		return time.Time{}
	case pts < c.now.pts:
		return c.before.at(pts)
	default:
		return c.now.at(pts)
	}
}

// left returns how much of the correction is still to come at a presentation time.
func (s setting) left(pts time.Duration) time.Duration {
	return s.correction - s.at(pts).Sub(s.time.Add(pts-s.pts))
}

// Stamp sets u.Time for a unit that arrived at the given time. Units must be stamped in the order they arrive in. The clock follows
// a publisher's that runs fast or slow, and starts afresh when timestamps jump. But for such jumps, times are in the order of
// presentation times.
func (c *Clock) Stamp(u *AccessUnit, arrival time.Time) {
	lag := arrival.Sub(c.now.time.Add(u.DTS - c.now.pts + c.now.correction)) // how much longer it took than the clock is set for
	if c.units == 0 || u.DTS < c.lastDTS || lag.Abs() > maxLag {
		c.now = setting{pts: u.PTS, time: arrival.Add(u.PTS - u.DTS)}
		c.before = c.now
		c.units, c.fastest, c.maxPTS = 0, maxLag, u.PTS
		lag = 0
	}
	c.units++
	c.fastest = min(c.fastest, lag)
	c.lastDTS, c.maxPTS = u.DTS, max(c.maxPTS, u.PTS)
	u.Time = c.At(u.PTS)
	if c.units == unitsPerSetting {
		c.before = c.now
		c.now = setting{pts: c.maxPTS, time: c.before.at(c.maxPTS)}
		c.now.correction = c.fastest + c.before.left(c.maxPTS)
		c.units, c.fastest = 1, maxLag
	}
}
