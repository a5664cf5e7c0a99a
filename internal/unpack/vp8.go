package unpack

import (
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// A VP8 is the format of VP8, RFC 7741.
type VP8 struct {
	pieces
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
