package unpack

import (
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// Types of packets, which RFC 7798 section 4.4 adds to those of NAL units.
const (
	typeAP265 = 48 // below it, the payload is a NAL unit
	typeFU265 = 49
)

// An H265 is the format of H.265, RFC 7798 without the transmission out of decoding order that its sprop-max-don-diff tells of. A key
// unit is any picture of random access: IDR, CRA or BLA. Pictures that lead one and have nothing to refer to are left out.
type H265 struct {
	pieces
	sets  bitstream.H265
	other otherCodec
}

// Learn remembers parameter sets that came outside the stream.
func (h *H265) Learn(sets ...[]byte) error {
	_, _, err := h.sets.Unit(sets)
	return err
}

// add takes in the payload of a packet, RFC 7798 section 4.4:
//
//	0kkkkkkl  lllllttt  ...    k: type of NAL unit or packet, l: layer, t: temporal id plus one
//
// A fragmentation unit (section 4.4.3) goes on with
//
//	sekkkkkk  ...    s: first, e: last, k: type of the NAL unit
//
// A first byte of zero can be that of a start code, see split, as of a slice.
func (h *H265) add(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	switch kind := b[0] >> 1 & 0x3f; {
	case kind < typeAP265:
		return h.addWhole(b)
	case kind == typeAP265:
		return h.addAggregate(b[2:])
	case kind == typeFU265 && len(b) > 3:
		return h.addFragment([]byte{b[0]&0x81 | b[2]&0x3f<<1, b[1]}, b[3:], b[2]&0x80 != 0, b[2]&0x40 != 0)
	}
	h.other.see(b, h.sets.Lacks())
	return false
}

func (h *H265) finish(bool) (m made, err error) {
	m.codec, m.damaged = frame.H265, h.close()
	nals, ok := h.split()
	h.reset()
	h.other.look(nals, h.sets.Lacks())
	m.damaged = m.damaged || !ok
	if m.data, m.key, err = h.sets.Unit(nals); err != nil || len(m.data) == 0 {
		return m, err
	}
	m.opens = m.key && bitstream.Opens(m.codec, nals[0]) && bitstream.HasSets(m.codec, m.data)
	m.certain = bitstream.IsDelimiter(m.codec, nals[0])
	return m, nil
}

// boundary implements joiner.
func (h *H265) boundary(payload []byte) boundary {
	n := nalOf(payload)
	if len(payload) < 2 {
		return within
	}
	if kind := payload[0] >> 1 & 0x3f; kind == typeFU265 && len(payload) > 3 {
		if payload[2]&0x80 == 0 {
			return within
		}
		n = append(append(h.head[:0], payload[0]&0x81|payload[2]&0x3f<<1, payload[1]), payload[3:min(len(payload), headerSize+1)]...)
	} else if kind == typeAP265 {
		n = payload[min(4, len(payload)):]
	}
	if len(n) < 2 {
		return within
	}
	return h.boundaryAt(frame.H265, n, &h.sets)
}

// pictured implements joiner.
func (h *H265) pictured() bool { return h.lastSlice(frame.H265) != nil }
