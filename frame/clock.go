package frame

import "time"

// A source whose timestamps disagree with the clock by more than this has jumped: encoders ride out shorter stalls of the network
// and then send what they held back.
const maxLag = 10 * time.Second

// A Clock tells when the units of a stream were shown, for publishers that send timestamps but no wall-clock time. The unit that
// took the shortest time to arrive sets it: jitter, stalls and bursts of the network do not reach the times of the units.
// The zero Clock is ready for a new stream; one goroutine at a time may use it.
type Clock struct {
	started bool
	base    time.Time     // wall-clock time of DTS zero
	last    time.Duration // DTS of the unit before
}

// Stamp sets u.Time for a unit that arrived at the given time. Units must be stamped in the order they arrive in. The clock follows
// a publisher's that runs fast or slow, and starts afresh when timestamps jump; times never go back from one DTS to the next.
func (c *Clock) Stamp(u *AccessUnit, arrival time.Time) {
	step := u.DTS - c.last
	lag := arrival.Sub(c.base.Add(u.DTS)) // how much longer this unit took than the fastest
	switch {
	case !c.started, step < 0, lag > maxLag, lag < -maxLag:
		c.base = arrival.Add(-u.DTS)
	case lag < 0:
		c.base = c.base.Add(max(lag, -step/2))
	default:
		c.base = c.base.Add(min(lag, step) / 64)
	}
	c.started, c.last = true, u.DTS
	u.Time = c.base.Add(u.PTS)
}
