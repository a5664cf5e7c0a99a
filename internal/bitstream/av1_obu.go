package bitstream

import (
	"errors"
	"fmt"
)

// AV1 OBU types, AV1 Bitstream & Decoding Process Specification section 6.2.2.
const (
	av1SequenceHeader    = 1
	av1TemporalDelimiter = 2
	av1FrameHeader       = 3
	av1Frame             = 6
	av1Padding           = 15
)

// Bits of the byte that an OBU begins with, section 5.3.2.
const (
	obuForbidden = 0x80
	obuExtension = 0x04
	obuHasSize   = 0x02
)

// An obu is an open bitstream unit, a part of what it was cut from.
type obu struct {
	header  []byte // one byte, or two with the extension
	payload []byte
}

func (o obu) kind() byte { return o.header[0] >> 3 & 0x0f }

// idle reports whether the OBU means nothing to a decoder that is given whole temporal units.
func (o obu) idle() bool { return o.kind() == av1TemporalDelimiter || o.kind() == av1Padding }

// size returns how many bytes append writes.
func (o obu) size() int {
	n := len(o.header) + 1 + len(o.payload)
	for v := len(o.payload) >> 7; v > 0; v >>= 7 {
		n++
	}
	return n
}

// append writes the OBU with its size (sections 5.3.1 and 4.10.5), which may be left out of the last one of a temporal unit.
func (o obu) append(dst []byte) []byte {
	dst = append(dst, o.header...)
	dst[len(dst)-len(o.header)] |= obuHasSize
	n := len(o.payload)
	for ; n >= 0x80; n >>= 7 {
		dst = append(dst, byte(n)|0x80)
	}
	return append(append(dst, byte(n)), o.payload...)
}

// cutOBU cuts the OBU off that b begins with (sections 5.3.1 and 5.3.2):
//
//	0ttttxs0  [temporal id (3), spatial id (2), 000 if x]  [size, LEB128, if s]  payload    t: type
//
// One without a size takes the rest.
func cutOBU(b []byte) (o obu, rest []byte, err error) {
	if b[0]&obuForbidden != 0 {
		return o, nil, fmt.Errorf("OBU header %#02x has its forbidden bit set", b[0])
	}
	n := 1
	if b[0]&obuExtension != 0 {
		n = 2
	}
	if len(b) < n {
		return o, nil, errors.New("OBU ends inside its header")
	}
	o.header, o.payload = b[:n], b[n:]
	if b[0]&obuHasSize == 0 {
		return o, nil, nil
	}
	size, n := leb128(o.payload)
	if n == 0 {
		return o, nil, errors.New("OBU ends inside its size")
	}
	if rest = o.payload[n:]; size > uint64(len(rest)) {
		return o, nil, fmt.Errorf("OBU of %d bytes where %d are left", size, len(rest))
	}
	o.payload, rest = rest[:size], rest[size:]
	return o, rest, nil
}

// leb128 reads a number (section 4.10.5), seven bits a byte, the lowest first; all bytes but the last, the eighth at most, have
// their high bit set. It returns the number of bytes read, zero if b ends or goes on too long.
func leb128(b []byte) (v uint64, n int) {
	for i, c := range b[:min(len(b), 8)] {
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// AppendOBU appends an OBU to a temporal unit, with its size. One that has a size already keeps it.
func AppendOBU(dst, b []byte) []byte {
	o, _, err := cutOBU(b)
	if err != nil || b[0]&obuHasSize != 0 {
		return append(dst, b...)
	}
	return o.append(dst)
}

// OpensAV1 reports whether the temporal unit that begins with an OBU can begin a coded video sequence with it.
func OpensAV1(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	kind := obu{header: b}.kind()
	return kind == av1SequenceHeader || kind == av1TemporalDelimiter
}
