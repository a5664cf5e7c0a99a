package unpack

import (
	"bytes"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/pion/rtp"
)

// An MPEG4 makes access units of the RTP packets of one MPEG-4 part 2 stream, RFC 6416 section 5.
type MPEG4 struct {
	stream
	pieces
	sequence bitstream.MPEG4
}

// Learn remembers the configuration that came outside the stream.
func (v *MPEG4) Learn(config []byte) error { return v.sequence.Config(config) }

// Packet takes in the next packet, which arrived at the given time. The units that are complete with it, two at the most, are given
// to emit. After an error nothing more can be made of the stream.
func (v *MPEG4) Packet(p *rtp.Packet, arrival time.Time, emit func(frame.AccessUnit)) error {
	return v.take(v, p, arrival, emit)
}

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
