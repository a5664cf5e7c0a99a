package frame

import (
	"fmt"
	"time"
)

// A UnitError says which unit of a stream is not as AccessUnit promises, and what is wrong with it. It is for whoever wrote the source.
type UnitError struct {
	Unit   int // counted in decoding order; the first is 0
	Reason string
}

func (e *UnitError) Error() string { return fmt.Sprintf("unit %d of the stream: %s", e.Unit, e.Reason) }

const (
	// So many units may come before the first key unit: twenty seconds at 30 a second.
	mostBeforeKey = 600

	// Further ahead no clock is that anybody means, and no delay of B-frames.
	soon = 24 * time.Hour

	// So long PTS may go on while DTS stands still. Pictures are reordered by a second, at most.
	mostStill = 10 * time.Second
)

// A Check checks the units of a stream against what AccessUnit promises, so that a source that breaks it is told, where captures would fail for no
// reason that anybody sees. Key units it reads up to their first picture, of the others a few bytes. Once there was a key unit, what damage
// makes of data on its way passes; so does all that is Lost. The zero Check is ready for a new stream; one goroutine at a time may use it.
type Check struct {
	units       int  // so far
	begun       bool // there was a key unit
	codec       Codec
	dts         time.Duration // of the last unit
	still       time.Duration // PTS of the first unit that had this DTS
	newest, key witness       // of the last unit, and of the last key unit
}

// Unit returns a *UnitError if u, the next unit of the stream, or one before it, is not as it should be. The Data of the last unit, and of the
// last key unit, is looked at once more with a later one: it must be as it was.
func (c *Check) Unit(u *AccessUnit) error {
	if reason := c.reason(u); reason != "" {
		return &UnitError{c.units, reason}
	}
	if c.newest.changed() {
		return &UnitError{c.newest.unit, overwritten}
	}
	c.newest = see(c.units, u.Data)
	if u.Key {
		if c.key.changed() {
			return &UnitError{c.key.unit, overwritten}
		}
		c.key = c.newest
		c.begun = true
	}
	if c.units == 0 || u.DTS != c.dts {
		c.dts, c.still = u.DTS, u.PTS
	}
	c.codec = u.Codec
	c.units++
	return nil
}

// reason tells what is wrong with u; nothing if all is well.
func (c *Check) reason(u *AccessUnit) string {
	switch {
	case u.Codec == 0 || u.Codec > MPEG4:
		return fmt.Sprintf("its Codec is %v", u.Codec)
	case len(u.Data) == 0:
		return "it has no Data"
	case u.Time.IsZero():
		return "its Time is zero; a Clock can date it by when it arrived"
	case time.Until(u.Shown()) > soon:
		return fmt.Sprintf("its Time, less its Offset, is %s, which is still to come", u.Shown().Format(time.DateOnly))
	}
	if reason := c.untimely(u); reason != "" {
		return reason
	}
	switch {
	case u.Lost: // who knows what is missing
		return ""
	case c.begun && u.Codec == c.codec:
		return faultLater(u.Codec, u.Key, u.Data)
	case u.Key:
		return faultOfKey(u.Codec, u.Data)
	case c.begun:
		return fmt.Sprintf("the codec becomes %v with a unit whose Key is not set", u.Codec)
	case c.units >= mostBeforeKey:
		return "no unit up to now had its Key set, and nothing can be decoded without"
	}
	return faultBefore(u.Codec, u.Data)
}

// untimely tells what is wrong with the DTS of u.
func (c *Check) untimely(u *AccessUnit) string {
	switch {
	case c.units == 0:
	case u.DTS < c.dts:
		return fmt.Sprintf("its DTS of %v is before that of the unit before, %v: units come in decoding order", u.DTS, c.dts)
	case u.DTS == c.dts && u.PTS-c.still > mostStill:
		return fmt.Sprintf("its PTS is %v, and DTS has been %v since %v: where nothing is reordered, both are the same", u.PTS, u.DTS, c.still)
	}
	return ""
}

const overwritten = "its Data has changed since the unit was yielded; each unit needs memory of its own, which nobody writes to any more"

// A witness is what is remembered of the data of a unit, to notice when somebody writes to it.
type witness struct {
	unit   int
	data   []byte
	sample sample
}

// A sample is the first bytes of data, among them the number of a picture, and its last.
type sample [32]byte

func see(unit int, data []byte) witness { return witness{unit, data, sampleOf(data)} }

func sampleOf(data []byte) (s sample) {
	const tail = 8
	copy(s[:len(s)-tail], data)
	copy(s[len(s)-tail:], data[max(0, len(data)-tail):])
	return s
}

func (w *witness) changed() bool { return sampleOf(w.data) != w.sample }
