package unpack

import (
	"bytes"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

const vopStartCode = 0xb6 // ISO/IEC 14496-2 table 6-3: a picture follows 00 00 01 b6

// An MPEG4 is the format of MPEG-4 part 2, RFC 6416 section 5.
type MPEG4 struct {
	pieces
	sequence bitstream.MPEG4
}

// Learn remembers the configuration that came outside the stream.
func (v *MPEG4) Learn(config []byte) error { return v.sequence.Config(config) }

// add takes in the payload of a packet, which is a part of the elementary stream. It can be known for the first of a unit only by the
// start code that it begins with.
func (v *MPEG4) add(b []byte) bool {
	if len(v.data) == 0 && !bytes.HasPrefix(b, []byte{0, 0, 1}) {
		return false
	}
	return v.append(b)
}

func (v *MPEG4) finish(bool) (m made, err error) {
	m.codec, m.certain = frame.MPEG4, bitstream.BeginsMPEG4(v.data)
	m.data, m.key, err = v.sequence.Unit(v.data)
	m.opens = m.key
	v.reset()
	return m, err
}

// boundary implements joiner. Where a packet begins with a start code, a picture may begin: one cannot begin elsewhere.
func (v *MPEG4) boundary(payload []byte) boundary {
	if bytes.HasPrefix(payload, []byte{0, 0, 1}) {
		return opens
	}
	return goingOn
}

// pictured implements joiner.
func (v *MPEG4) pictured() bool { return bytes.Contains(v.data, []byte{0, 0, 1, vopStartCode}) }

// unfinished implements joiner: nothing tells.
func (v *MPEG4) unfinished() bool { return false }

// restore implements joiner.
func (v *MPEG4) restore(unit []byte) {
	v.reset()
	v.append(unit)
}
