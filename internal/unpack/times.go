package unpack

import "time"

// How long a source may be away and its clock still be treated as the one that it had.
const maxBreak = time.Minute

// Times are what a stream knows of time when it has ended.
type Times struct {
	wall  wall
	until time.Time // when its last packet arrived; the zero time if none did
}

// Times returns what s knows of time.
func (s *Stream) Times() Times { return Times{s.wall, s.arrival} }

// Resume has the units of s dated as those of a stream that goes on: none is before the last that t knows of, and the source's clock is
// off by what it was until a report tells anew. It is called before the first packet, and is of no effect if the break was long.
func (s *Stream) Resume(t Times, now time.Time) {
	if t.until.IsZero() || now.Sub(t.until) > maxBreak {
		return
	}
	last := shown{point{-1, t.wall.newest.time}, t.until}
	s.wall = wall{offset: t.wall.offset, newest: last, before: last}
	s.arrival = t.until
}
