package ffmpeg

import (
	"slices"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// hidden tells whether a unit is only there for others to refer to and is not meant to be seen, as VP8 and VP9 have them.
//
//	VP8, RFC 6386 section 9.1, first byte:   | size (3) | show_frame | version (3) | !key |
//	VP9, section 6.2, from the high bit:     | frame_marker (2) | profile (2) | show_existing | frame_type | show_frame | .. |
//
// In VP9 profile 3 a reserved bit follows the profile and moves the rest by one.
func hidden(c frame.Codec, data []byte) bool {
	if len(data) == 0 {
		return false
	}
	b := data[0]
	switch c {
	case frame.VP8:
		return b&0x10 == 0
	case frame.VP9:
		if b>>6 != 2 {
			return false
		}
		if b&0x30 == 0x30 {
			b <<= 1
		}
		return b&0x08 == 0 && b&0x02 == 0
	case frame.H265:
		// Random access skipped leading pictures (8.3.1): decoding began at the key unit that they lead. Nothing but their like refers to them.
		nals := bitstream.SplitAnnexB(nil, data)
		return slices.ContainsFunc(nals, func(n []byte) bool { return n[0]>>1 == 8 || n[0]>>1 == 9 })
	case frame.MPEG4:
		// A VOP that is not coded (6.2.5) repeats the picture before it.
		return true
	default:
		return false
	}
}
