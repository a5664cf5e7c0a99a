package unpack

import (
	"bytes"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// The most NAL units or OBUs in a unit; of slices as small as a packet, 8 MiB are 6,000.
const maxPieces = 8 << 10

// keptMemory is how much memory of a unit is kept for the next: most units of a camera fit.
const keptMemory = 64 << 10

const sliceSize = 24 // bytes of memory for a slice, beside what it is of

// What has arrived of a unit: NAL units, OBUs, or one frame. Each may come in fragments.
type pieces struct {
	data []byte // one after the other; the memory is reused for the next unit
	ends []int  // where in data each of them ends; what comes after the last is a fragment to be continued
	nals [][]byte

	seen  int              // how many of them lastSlice has looked at
	slice int              // number of the last of these that is a slice, from 1; zero if none is
	head  [headerSize]byte // of a fragment, see boundary; the memory is reused
}

// fragment returns the bytes of the piece that is still to be continued.
func (c *pieces) fragment() int {
	if len(c.ends) == 0 {
		return len(c.data)
	}
	return len(c.data) - c.ends[len(c.ends)-1]
}

// cut drops the fragment that cannot be continued any more.
func (c *pieces) cut() { c.data = c.data[:len(c.data)-c.fragment()] }

// close drops what is still to be continued, and reports whether there was something.
func (c *pieces) close() (unfinished bool) {
	unfinished = c.fragment() > 0
	c.cut()
	return unfinished
}

func (c *pieces) reset() { c.data, c.ends, c.seen, c.slice = c.data[:0], c.ends[:0], 0, 0 }

// buffered returns the bytes of memory for what was added, and for what was made of it last.
func (c *pieces) buffered() int { return cap(c.data) + 8*cap(c.ends) + sliceSize*cap(c.nals) }

// release gives the memory of a unit back that was finished, if it is much.
func (c *pieces) release() {
	if c.buffered() > keptMemory {
		*c = pieces{}
	}
}

func (c *pieces) append(b []byte) bool {
	size := len(c.data) + len(b)
	if size > maxUnit {
		return false
	}
	if size > cap(c.data) {
		c.data = append(make([]byte, 0, max(size, min(2*cap(c.data), maxUnit))), c.data...)
	}
	c.data = append(c.data, b...)
	return true
}

func (c *pieces) end() bool {
	if len(c.ends) == maxPieces {
		return false
	}
	c.ends = append(c.ends, len(c.data))
	return true
}

// addWhole takes in a NAL unit that is the payload of a packet.
func (c *pieces) addWhole(n []byte) bool {
	unfinished := c.close()
	return c.append(n) && c.end() && !unfinished
}

// addFragment takes in a part of a NAL unit, the first of which follows the header that the NAL unit had.
func (c *pieces) addFragment(header, b []byte, first, last bool) bool {
	if len(b) == 0 || first == (c.fragment() > 0) || first && !c.append(header) {
		return false
	}
	return c.append(b) && (!last || c.end())
}

// addAggregate takes in NAL units, each after its size in 16 bits: RFC 6184 section 5.7.1, RFC 7798 section 4.4.2. A size of zero
// begins the padding that some cameras add.
func (c *pieces) addAggregate(b []byte) bool {
	unfinished := c.close()
	for len(b) >= 2 {
		size := int(b[0])<<8 | int(b[1])
		if b = b[2:]; size == 0 {
			return len(bytes.TrimLeft(b, "\x00")) == 0 && !unfinished
		}
		if size > len(b) || !c.append(b[:size]) || !c.end() {
			return false
		}
		b = b[size:]
	}
	return len(b) == 0 && !unfinished
}

// split returns the NAL units that are whole, which are parts of the data. Some cameras put several into one: see bitstream.SplitInside. If
// there are too many, it returns the first, and false.
func (c *pieces) split() (nals [][]byte, ok bool) {
	c.nals = c.nals[:0]
	start := 0
	for _, end := range c.ends {
		if c.nals, ok = bitstream.SplitInside(c.nals, c.data[start:end]); !ok {
			return c.nals, false
		}
		start = end
	}
	return c.nals, true
}

// frame makes a unit of a frame that is whole, unless something of it was dropped; isKey tells whether it is a key frame.
func (c *pieces) frame(codec frame.Codec, isKey func(data []byte) (bool, error)) (m made, err error) {
	data := c.data
	c.reset()
	if len(data) == 0 {
		return made{}, nil
	}
	if m.key, err = isKey(data); err == nil {
		m.codec, m.data = codec, bytes.Clone(data)
	}
	m.opens, m.certain, m.damaged = m.key, true, err != nil
	return m, nil
}
