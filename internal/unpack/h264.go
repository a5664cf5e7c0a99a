package unpack

import (
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// Types of packets, which RFC 6184 table 1 adds to those of NAL units.
const (
	maxSingle = 23 // 1 to 23: the payload is a NAL unit
	typeSTAPA = 24
	typeFUA   = 28
)

// An H264 is the format of H.264, RFC 6184 in its single NAL unit and non-interleaved modes.
//
// A key unit is an IDR picture, or one with a recovery point: see bitstream.H264.
type H264 struct {
	pieces
	sets  bitstream.H264
	order order
	other otherCodec
	idr   bool // the unit made last is an IDR picture
}

// Learn remembers parameter sets that came outside the stream.
func (h *H264) Learn(sets ...[]byte) error {
	for _, n := range sets {
		h.order.note(n)
	}
	_, _, err := h.sets.Unit(sets)
	return err
}

// add takes in the payload of a packet, RFC 6184 section 5.2:
//
//	0nnkkkkk  ...    n: importance, k: type of NAL unit or packet
//
// Zero is no type, but the beginning of a start code: see split. A fragmentation unit (section 5.8) goes on with
//
//	se0ttttt  ...    s: first, e: last, t: type of the NAL unit
//
// Some cameras send NAL units as a single fragment that is first and last, which the section forbids.
func (h *H264) add(b []byte) bool {
	switch kind := b[0] & 0x1f; {
	case kind <= maxSingle:
		return h.addWhole(b)
	case kind == typeSTAPA:
		return h.addAggregate(b[1:])
	case kind == typeFUA && len(b) > 2:
		return h.addFragment([]byte{b[0]&0xe0 | b[1]&0x1f}, b[2:], b[1]&0x80 != 0, b[1]&0x40 != 0)
	}
	return false
}

func (h *H264) finish(missing bool) (m made, err error) {
	m.codec, m.damaged = frame.H264, h.close()
	nals, ok := h.split()
	h.reset()
	h.other.look(nals, h.sets.Lacks())
	m.damaged = m.damaged || !ok
	lost := missing || m.damaged
	if lost {
		h.sets.Lost()
	}
	if m.data, m.key, err = h.sets.Unit(nals); err != nil {
		return m, err
	}
	for _, n := range nals {
		h.order.note(n)
	}
	h.idr = bitstream.HasIDR(nals)
	if len(m.data) == 0 {
		return m, nil
	}
	m.opens = m.key && bitstream.Opens(m.codec, nals[0]) && bitstream.HasSets(m.codec, m.data)
	if lost || m.key && !m.opens { // then the stream does not begin with it
		h.sets.Lost()
	}
	m.certain = bitstream.IsDelimiter(m.codec, nals[0])
	return m, nil
}

func (h *H264) buffered() int { return h.pieces.buffered() + sliceSize*cap(h.order.nals) }

func (h *H264) release() {
	if h.buffered() > keptMemory {
		h.order.nals = nil // which are parts of the data, too
		h.pieces = pieces{}
	}
}

// decoded implements orderer.
func (h *H264) decoded(shown int64, lost bool) (at int64, ok bool) {
	return h.order.decoded(h.nals, shown, h.idr, lost)
}

// boundary implements joiner.
func (h *H264) boundary(payload []byte) boundary {
	n := nalOf(payload)
	if kind := payload[0] & 0x1f; kind == typeFUA && len(payload) > 2 {
		if payload[1]&0x80 == 0 {
			return within
		}
		n = append(append(h.head[:0], payload[0]&0xe0|payload[1]&0x1f), payload[2:min(len(payload), headerSize+1)]...)
	} else if kind == typeSTAPA {
		n = payload[min(3, len(payload)):]
	}
	if len(n) == 0 {
		return within
	}
	return h.boundaryAt(frame.H264, n, &h.sets)
}

// pictured implements joiner.
func (h *H264) pictured() bool { return h.lastSlice(frame.H264) != nil }
