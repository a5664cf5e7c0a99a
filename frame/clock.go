package frame

import (
	"math"
	"time"
)

// MaxLate is how much the network may delay a unit without a trace in its
// time: a Clock dates a picture that is shown after all before it no more than
// this before it arrived. So it is known then which of them was on show this
// long ago. Viewers do not notice as little, and most jitter is less.
//
// Where an encoder reorders now more pictures and now fewer, it is up to 0.2
// seconds more for those that come late since fewer are.
const MaxLate = 100 * time.Millisecond

const (
	// How long the clock waits for a unit that proves it late, before it takes itself to be early: for so many that are shown after all
	// before them, and for so long.
	unitsPerWindow = 32
	window         = 2 * time.Second

	// Units that arrive after their time may just have been delayed. So that is corrected by less than 2 % of the presentation time that
	// passes: a hundred times what the crystals of encoders are off, and too little to be seen in the times of pictures.
	mostForward = 64 // a sixty-fourth

	// A unit that arrives before its time proves the clock late at once: it is dated when it arrived. But times still rise, by 33 ns for a
	// picture at 30 a second, which is less time than to read one takes, and by a microsecond at most, however far timestamps step.
	mostSlow = 1_000_000
	mostRise = time.Microsecond

	// Encoders reorder now more pictures, now fewer. One that is shown after all before it comes later then, by how much less it is decoded
	// before it is shown than others were. Up to this much that is no delay: the three B-frames of most encoders at 24 a second take 167 ms.
	maxUneven = 200 * time.Millisecond

	// Timestamps may pass at four fifths of real time, as those of cameras do which expose for longer in the dark, without that a backlog is
	// seen in it: it takes a quarter of the presentation time off.
	slack = 4

	minBacklog = time.Second // less may be jitter; and what is reordered may come in another order than before

	// Units of one timestamp for longer than this have one that stands still, and tells nothing of the time that passes. The coarsest timestamps are
	// in seconds, and units are late by no more than MaxLate.
	maxCoarse = time.Second + MaxLate

	// Timestamps of pictures that are nearer to each other tell no time: nobody makes so many a second, and the clock rate is wrong.
	minInterval = time.Second / 250
)

// A Clock tells when the units of a stream were shown, for publishers that send timestamps but no wall-clock time: what a viewer without delay
// saw, who sees the latest picture that has arrived.
//
// Where timestamps pass as time does, pictures are as far apart as timestamps say. The units that took the shortest time to arrive set the clock, so
// that jitter of the network up to MaxLate does not reach their times. Beyond that they are dated by arrival, whatever timestamps do: they may pass
// too fast or too slow, step, or be all the same. A picture that is decoded after one that it is shown before has its place before that one, by its
// timestamp.
//
// No unit is dated later than it arrived. But of those that all arrive at one instant each is dated after the one before, by no more than a millionth
// of the presentation time between them, and a microsecond. The zero Clock is ready for a new stream; one goroutine at a time may use it.
type Clock struct {
	begun   bool
	newest  instant       // of the units so far, in the order of presentation
	before  instant       // the newest before it
	lead    time.Duration // by how much units were decoded before they are shown, at most
	lastDTS time.Duration
	came    time.Time // when a unit of that arrived first; where timestamps stand still, last
	still   bool      // they stand still

	units   int           // since the window began, that were newest
	since   time.Duration // the presentation time when it did
	fastest time.Duration // the shortest time that a unit took since then, by a clock that is put forward already
	newLead time.Duration // what lead is since then
	forward time.Duration // by how much it is still to be put forward

	backlog time.Duration // how far the publisher has fallen behind, with less than minBacklog
}

// An instant is a time by timestamps and by the clock.
type instant struct {
	pts  time.Duration
	time time.Time
}

// At returns when the picture with the given presentation time was or will be shown, as it looks after the last unit that was
// stamped; the zero time before the first.
func (c *Clock) At(pts time.Duration) time.Time {
	switch {
	case !c.begun:
		return time.Time{}
	case pts >= c.newest.pts:
		return c.newest.time.Add(pts - c.newest.pts)
	case pts <= c.before.pts:
		return c.before.time.Add(pts - c.before.pts)
	}
	left, span, passed := c.newest.pts-pts, c.newest.pts-c.before.pts, c.newest.time.Sub(c.before.time)
	if passed <= span+span/mostForward { // else what passed beyond that was right after the one before
		left = time.Duration(float64(left) * float64(passed) / float64(span))
	}
	return c.newest.time.Add(-left)
}

// Stamp sets u.Time, and what u.Backlog returns, for a unit that arrived at the given time. Units must be stamped in the order they arrive in.
// Where decoding times go back, the clock starts afresh. But for that, times are in the order of presentation times.
func (c *Clock) Stamp(u *AccessUnit, arrival time.Time) {
	switch {
	case !c.begun || u.DTS < c.lastDTS:
		*c = Clock{begun: true, newest: instant{u.PTS, arrival}, lead: u.PTS - u.DTS, lastDTS: u.DTS, came: arrival}
		c.before = c.newest
		c.beginWindow(u.PTS, 0)
	case u.PTS >= c.newest.pts:
		c.before, c.newest = c.newest, instant{u.PTS, c.next(u.PTS, arrival, u.PTS-u.DTS)}
	}
	switch {
	case u.DTS > c.lastDTS:
		c.fallBehind(u.DTS-c.lastDTS, arrival)
		c.still = false
	case c.still || arrival.Sub(c.came) > maxCoarse:
		c.came, c.still = arrival, true
	}
	c.lastDTS = u.DTS
	u.Time = c.At(u.PTS)
	if u.backlog = 0; c.backlog > minBacklog+max(0, c.newest.pts-u.DTS) {
		u.backlog = uint32(min(c.backlog/time.Millisecond, math.MaxUint32))
	}
}

// next returns when a picture was shown that is shown after all before it, and is decoded so much earlier.
func (c *Clock) next(pts time.Duration, arrival time.Time, lead time.Duration) time.Time {
	c.lead, c.newLead = max(c.lead, lead), max(c.newLead, lead)
	uneven := min(c.lead-lead, maxUneven)
	span := pts - c.newest.pts
	put := min(c.forward, span/mostForward)
	c.forward -= put
	t := c.newest.time.Add(span + put)
	took := arrival.Sub(t) - uneven // without what it comes later since fewer pictures are reordered
	if took < -uneven || took > MaxLate || span == 0 {
		c.beginWindow(pts, 0)
		latest, earliest := arrival, c.newest.time.Add(1+min(span/mostSlow, mostRise))
		if took > MaxLate {
			latest = arrival.Add(-MaxLate - uneven)
		}
		if latest.Before(earliest) {
			return earliest
		}
		return latest
	}
	c.units++
	c.fastest = min(c.fastest, took-c.forward)
	if c.units >= unitsPerWindow && pts-c.since >= window {
		c.beginWindow(pts, max(0, c.forward+c.fastest))
		c.lead, c.newLead = c.newLead, 0
	}
	return t
}

// beginWindow begins a window of time that starts with the unit of pts. In the window, times are put forward by so much.
func (c *Clock) beginWindow(pts, forward time.Duration) {
	c.units, c.since, c.fastest, c.forward = 0, pts, MaxLate, forward
}

// fallBehind counts how far the publisher is behind, by what is decoded a span after all before it: by how much more time passes than timestamps
// tell.
func (c *Clock) fallBehind(span time.Duration, arrival time.Time) {
	if span >= minInterval {
		c.backlog = max(0, c.backlog+arrival.Sub(c.came)-span-span/slack)
	}
	c.came = arrival
}
