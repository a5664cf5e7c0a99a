package frame

import "time"

// A source whose timestamps disagree with the clock by more than this has jumped. In shorter stalls of the network encoders hold units
// back, and then send them late: OBS and ffmpeg do so for some seconds, and the default History lasts no longer than this.
const maxLag = 10 * time.Second

// How many units the clock waits for one that proves it late, before it takes itself to be early: a second at 30 a second.
const unitsPerSetting = 32

// So many pictures a codec may reorder, and so many settings may be later than the one that a picture is dated by; and one more, which is
// made without a picture.
const maxSettings = 16 + 2

// How fast a correction is made. A unit that arrives before its time proves the clock late at once: it is dated when it arrived, and time goes
// as slow as that takes up to it, but not slower than so that times still rise. Units that arrive after their time may just have been held up,
// so that is corrected by less than 2 % of the presentation time that passes: a hundred times what the crystals of encoders are off, and too
// little to be seen in the times of pictures.
const (
	mostForward = 64        // a sixty-fourth
	mostSlow    = 1_000_000 // 33 ns for a picture at 30 a second, which is less time than to read one takes
)

// A Clock tells when the units of a stream were shown, for publishers that send timestamps but no wall-clock time. The units that
// took the shortest time to arrive set it: jitter, stalls and bursts of the network do not reach the times of the units. No unit is dated
// later than it arrived. Of those that all arrive at one instant each is dated after the one before, but by no more than a millionth of the
// presentation time between them.
// The zero Clock is ready for a new stream; one goroutine at a time may use it.
type Clock struct {
	settings [maxSettings]setting // the newest first
	units    int                  // stamped since it was seen whether it is early; zero before the first unit
	fastest  time.Duration        // the shortest lag among them
	lastDTS  time.Duration
	maxPTS   time.Duration
}

// A setting maps presentation times onto the wall clock. From a point on, the correction grows with time until it is complete, so
// that the map is continuous and rises.
type setting struct {
	pts        time.Duration
	time       time.Time
	correction time.Duration
	over       time.Duration // the presentation time after which it is complete
}

func (s *setting) at(pts time.Duration) time.Time {
	d := pts - s.pts
	switch {
	case d <= 0:
	case d >= s.over:
		d += s.correction
	default:
		d += time.Duration(float64(s.correction) * float64(d) / float64(s.over))
	}
	return s.time.Add(d)
}

// complete returns when a picture is shown once the correction is complete.
func (s *setting) complete(pts time.Duration) time.Time {
	return s.time.Add(pts - s.pts + s.correction)
}

// At returns when the picture with the given presentation time was or will be shown, as it looks after the last unit that was
// stamped; the zero time before the first.
func (c *Clock) At(pts time.Duration) time.Time {
	if c.units == 0 {
		return time.Time{}
	}
	for i := range c.settings {
		if s := &c.settings[i]; s.pts <= pts {
			return s.at(pts)
		}
	}
	return c.settings[maxSettings-1].at(pts)
}

// Stamp sets u.Time for a unit that arrived at the given time. Units must be stamped in the order they arrive in. The clock follows
// a publisher's that runs fast or slow, and starts afresh when timestamps jump. But for such jumps, times are in the order of
// presentation times.
func (c *Clock) Stamp(u *AccessUnit, arrival time.Time) {
	lag := arrival.Sub(c.settings[0].complete(u.PTS)) // how much longer it took than the clock is set for
	if c.units == 0 || u.DTS < c.lastDTS || lag.Abs() > maxLag {
		for i := range c.settings {
			c.settings[i] = setting{pts: u.PTS, time: arrival}
		}
		c.units, c.fastest, c.maxPTS = 0, maxLag, u.PTS
		lag = 0
	}
	if u.PTS > c.maxPTS && c.settings[0].at(u.PTS).After(arrival) {
		span := u.PTS - c.maxPTS
		passes := max(arrival.Sub(c.settings[0].at(c.maxPTS)), 1+span/mostSlow)
		c.correct(passes-span, span)
		lag = 0
	}
	c.units++
	c.fastest = min(c.fastest, lag)
	c.lastDTS, c.maxPTS = u.DTS, max(c.maxPTS, u.PTS)
	u.Time = c.At(u.PTS)
	if c.units == unitsPerSetting {
		now := &c.settings[0]
		early := max(c.fastest+now.complete(c.maxPTS).Sub(now.at(c.maxPTS)), 0)
		c.correct(early, mostForward*early)
		c.units, c.fastest = 1, maxLag
	}
}

// correct makes a setting that begins with the newest picture.
func (c *Clock) correct(by, over time.Duration) {
	begins := c.settings[0].at(c.maxPTS)
	copy(c.settings[1:], c.settings[:])
	c.settings[0] = setting{pts: c.maxPTS, time: begins, correction: by, over: over}
}
