// Package unpack makes access units of RTP packets, and marks those that did not arrive whole.
package unpack

import (
	"bytes"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/nal"
	"github.com/pion/rtp"
)

// NAL unit types of ITU-T H.264 table 7-1, and those that RFC 6184 table 1 adds for packets.
const (
	typeSlice = 1
	typeIDR   = 5
	typeSEI   = 6
	typeSPS   = 7
	typePPS   = 8
	typeAUD   = 9
	maxSingle = 23 // 1 to 23: the payload is a NAL unit
	typeSTAPA = 24
	typeFUA   = 28
)

const (
	maxUnit = 8 << 20 // bytes; a key picture of 2160p60 at 50 Mbit/s has 1 to 3 MiB
	maxNALs = 8 << 10 // in a unit; of slices as small as a packet, 8 MiB are 6,000
)

// An H264 makes access units of the RTP packets of one H.264 stream, RFC 6184 in its single NAL unit and non-interleaved modes.
// The zero value is ready for a new stream; one goroutine at a time may use it. It holds at most 8 MiB of a unit, and keeps no hold
// of packets.
//
// It follows sequence numbers itself. A unit is Lost if packets are missing between its first and its last, or right before it,
// where what is missing may be of it or of the one before; what arrived of a damaged unit is made a unit all the same. The first
// unit is a key unit that is whole, with its parameter sets.
type H264 struct {
	sets     nal.H264
	timing   timing
	clock    frame.Clock
	begun    bool   // a packet came
	due      uint16 // sequence number of the packet after it
	live     bool   // the first unit was made
	missing  bool   // something before the unit that is being collected, and after the last that was made
	unit     collected
	pts      int64    // of unit, in units of 1/90,000 s from the first packet on; RTP timestamps wrap after 13 hours
	unpacked [][]byte // scratch
}

// What has arrived of a unit.
type collected struct {
	open    bool      // a packet of it came
	stamp   uint32    // RTP timestamp of its packets; stays when it is finished
	arrival time.Time // of its last packet
	data    []byte    // its NAL units, one after the other; the memory is reused for the next unit
	ends    []int     // where in data each of them ends; what comes after the last is a fragment to be continued
	damaged bool      // something of it is missing or was not understood
}

// Learn remembers parameter sets that came outside the stream.
func (h *H264) Learn(sets ...[]byte) error {
	for _, n := range sets {
		h.timing.note(n)
	}
	_, _, err := h.sets.Unit(sets)
	return err
}

// Packet takes in the next packet, which arrived at the given time. The units that are complete with it, two at the most, are given
// to emit. After an error nothing more can be made of the stream.
func (h *H264) Packet(p *rtp.Packet, arrival time.Time, emit func(frame.AccessUnit)) error {
	gap := !h.begun || p.SequenceNumber != h.due
	if !h.begun {
		h.unit.stamp = p.Timestamp
	}
	h.begun, h.due = true, p.SequenceNumber+1
	if gap && h.unit.open {
		h.unit.damage()
	}
	if h.unit.open && p.Timestamp != h.unit.stamp { // some cameras do not set the marker, or its packet was lost
		if err := h.finish(emit); err != nil {
			return err
		}
	}
	if !h.unit.open {
		h.pts += int64(int32(p.Timestamp - h.unit.stamp))
		h.unit.open, h.unit.stamp = true, p.Timestamp
		h.missing = h.missing || gap
	}
	h.unit.arrival = arrival
	if !h.unit.add(p.Payload) {
		h.unit.damage()
	}
	if p.Marker {
		return h.finish(emit)
	}
	return nil
}

// finish makes a unit of what was collected.
func (h *H264) finish(emit func(frame.AccessUnit)) error {
	c := &h.unit
	if c.fragment() > 0 {
		c.damage()
	}
	nals := c.nals(h.unpacked[:0])
	damaged := c.damaged
	c.open, c.damaged, c.data, c.ends, h.unpacked = false, false, c.data[:0], c.ends[:0], nals
	data, key, err := h.sets.Unit(nals)
	if err != nil {
		return err
	}
	for _, n := range nals {
		h.timing.note(n)
	}
	if len(data) == 0 {
		h.missing = h.missing || damaged
		return nil
	}
	lost := h.missing || damaged
	if !h.live {
		if !key || damaged || !opens(nals[0]) || !hasSets(data) {
			return nil
		}
		h.live, lost = true, false
	}
	h.missing = false
	u := frame.AccessUnit{Codec: frame.H264, Key: key, Lost: lost, Data: data}
	u.PTS, u.DTS = h.timing.place(nals, h.pts, key, lost)
	h.clock.Stamp(&u, c.arrival)
	emit(u)
	return nil
}

// hasSets reports whether an access unit has its parameter sets.
func hasSets(data []byte) bool {
	var kinds [32]bool
	for _, n := range nal.SplitAnnexB(nil, data) {
		kinds[n[0]&0x1f] = true
	}
	return kinds[typeSPS] && kinds[typePPS]
}

// opens reports whether nothing of its access unit that decoding needs can come before NAL unit n, ITU-T H.264 section 7.4.1.2.3. A
// slice that begins at macroblock zero has a one as the first bit after its header, section 7.3.3.
func opens(n []byte) bool {
	switch n[0] & 0x1f {
	case typeSEI, typeSPS, typePPS, typeAUD:
		return true
	case typeSlice, typeIDR:
		return len(n) > 1 && n[1]&0x80 != 0
	}
	return false
}

// fragment returns the bytes of a NAL unit that is still to be continued.
func (c *collected) fragment() int {
	if len(c.ends) == 0 {
		return len(c.data)
	}
	return len(c.data) - c.ends[len(c.ends)-1]
}

// damage drops the fragment that cannot be continued any more.
func (c *collected) damage() {
	c.data = c.data[:len(c.data)-c.fragment()]
	c.damaged = true
}

// add takes in the payload of a packet; it returns false if the unit is damaged by what it is, or by what must have come before.
// An empty payload is a keep-alive, or padding that a sender probes the network with.
func (c *collected) add(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	kind := b[0] & 0x1f
	if kind == typeFUA {
		return c.addFragment(b)
	}
	whole := c.fragment() == 0
	if !whole {
		c.damage()
	}
	switch {
	case kind == typeSTAPA:
		return c.addAggregate(b[1:]) && whole
	case kind <= maxSingle: // zero is no type, but the beginning of a start code: see nals
		return c.append(b) && c.end() && whole
	}
	return false
}

// addFragment takes in a fragmentation unit, RFC 6184 section 5.8:
//
//	0nnkkkkk  se0ttttt  ...    n: importance, k: 28, s: first, e: last, t: type of the NAL unit
//
// Some cameras send NAL units as a single fragment that is first and last, which the section forbids.
func (c *collected) addFragment(b []byte) bool {
	if len(b) < 3 {
		return false
	}
	first, last := b[1]&0x80 != 0, b[1]&0x40 != 0
	if first == (c.fragment() > 0) {
		return false
	}
	if first && !c.append([]byte{b[0]&0xe0 | b[1]&0x1f}) {
		return false
	}
	return c.append(b[2:]) && (!last || c.end())
}

// addAggregate takes in the NAL units of a single-time aggregation packet, RFC 6184 section 5.7.1, each after its size in 16 bits.
// A size of zero begins the padding that some cameras add.
func (c *collected) addAggregate(b []byte) bool {
	for len(b) >= 2 {
		size := int(b[0])<<8 | int(b[1])
		if b = b[2:]; size == 0 {
			return len(bytes.TrimLeft(b, "\x00")) == 0
		}
		if size > len(b) || !c.append(b[:size]) || !c.end() {
			return false
		}
		b = b[size:]
	}
	return len(b) == 0
}

func (c *collected) append(b []byte) bool {
	if len(c.data)+len(b) > maxUnit {
		return false
	}
	c.data = append(c.data, b...)
	return true
}

func (c *collected) end() bool {
	if len(c.ends) == maxNALs {
		return false
	}
	c.ends = append(c.ends, len(c.data))
	return true
}

// nals appends the NAL units of c, which are parts of its data. Some cameras put several into one, with start codes (ITU-T H.264
// annex B) before or between them; a NAL unit cannot hold one otherwise.
func (c *collected) nals(dst [][]byte) [][]byte {
	start := 0
	for _, end := range c.ends {
		n, more := c.data[start:end], true
		for more {
			var head []byte
			if head, n, more = bytes.Cut(n, []byte{0, 0, 1}); more {
				head = bytes.TrimRight(head, "\x00")
			}
			if len(head) > 0 {
				dst = append(dst, head)
			}
		}
		start = end
	}
	return dst
}
