package unpack

import (
	"bytes"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

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
