package capture

import "github.com/livestill/livestill/frame"

// A GOP of which so many units were decoded and made no picture at all is barren: what comes after them hardly makes one, either. It is
// tried again when it has twice as many, so that a flood of units that are none costs little, however often it is captured. Decoders
// hold back 16 pictures at most (H.264 A.3.1).
const barrenUnits = 100

// A barren GOP is the one that was last found to be so.
type barren struct {
	id    pictureID // of its key unit
	units int
	err   error
}

// note takes note of what a line has decoded at its end; c.lines.mu is held.
func (b *barren) note(l *line, err error) {
	if l.out < 0 && len(l.sent) >= barrenUnits && !fault(err) {
		*b = barren{idOf(l.gop[0].PTS, l.gop[0].Time), len(l.sent), err}
	}
}

// of returns why g makes no picture of a unit up to the last of wants, if that was found; c.lines.mu is held.
func (b *barren) of(g frame.GOP, wants []*want) error {
	if b.units == 0 || b.id != idOf(g[0].PTS, g[0].Time) {
		return nil
	}
	for _, w := range wants {
		if w.index >= 2*b.units {
			return nil
		}
	}
	return b.err
}
