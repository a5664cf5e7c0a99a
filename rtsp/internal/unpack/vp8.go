package unpack

import (
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/pion/rtp"
)

// A VP8 makes access units of the RTP packets of one VP8 stream, RFC 7741.
type VP8 struct {
	stream
	pieces
}

// Packet takes in the next packet, which arrived at the given time. The units that are complete with it, two at the most, are given
// to emit. After an error nothing more can be made of the stream.
func (v *VP8) Packet(p *rtp.Packet, arrival time.Time, emit func(frame.AccessUnit)) error {
	return v.take(v, p, arrival, emit)
}

// add takes in the payload of a packet, RFC 7741 section 4.2:
//
//	x0ns0ppp  x: [iltk0000  i: [m, picture id (7, or 15 if m)]  l: [TL0PICIDX (8)]  t or k: [TID, Y, KEYIDX (8)]]  ...
//
// s: a partition begins, p: its number, zero in the first packet of a frame together with s
func (v *VP8) add(b []byte) bool {
	const extended, start, partition = 0x80, 0x10, 0x07
	head := b[0]
	at := 1
	if head&extended != 0 {
		if len(b) < 3 {
			return false
		}
		flags := b[1]
		at = 2
		if flags&0x80 != 0 {
			at += 1 + int(b[2]>>7)
		}
		if flags&0x40 != 0 {
			at++
		}
		if flags&0x30 != 0 {
			at++
		}
	}
	first := head&start != 0 && head&partition == 0
	return at < len(b) && first == (len(v.data) == 0) && v.append(b[at:])
}

func (v *VP8) finish(bool) (m made, err error) { return v.frame(frame.VP8, bitstream.VP8Key) }
