package ffmpeg

import (
	"bytes"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// Header returns what comes before the first picture of a key unit and governs its whole GOP: parameter sets, sequence headers. It is
// a part of the unit's data, or a copy.
func (d *Decoder) Header(key frame.AccessUnit) []byte {
	switch key.Codec {
	case frame.H264, frame.H265:
		if bitstream.Crowded(key.Data) { // nobody decodes it
			return nil
		}
		return sets(key.Codec, key.Data)
	case frame.MPEG4:
		return beforeVOP(key.Data)
	case frame.AV1:
		return sequenceHeader(key.Data)
	default:
		return nil
	}
}

// sets returns the parameter sets before the first slice.
func sets(c frame.Codec, b []byte) (sets []byte) {
	start := []byte{0, 0, 1}
	for at := bytes.Index(b, start); at >= 0 && at+3 < len(b); {
		b = b[at+3:]
		slice, set := kindOf(c, b[0])
		if slice {
			break
		}
		at = bytes.Index(b, start)
		if set && at >= 0 {
			sets = annexB(sets, bytes.TrimRight(b[:at], "\x00"))
		}
	}
	return sets
}

// kindOf tells from the first byte of a NAL unit whether it is a slice, or a parameter set (H.264 table 7-1, H.265 table 7-1).
func kindOf(c frame.Codec, first byte) (slice, set bool) {
	if c == frame.H264 {
		k := first & 0x1f
		return k >= 1 && k <= 5, k == 7 || k == 8
	}
	k := first >> 1 & 0x3f
	return k < 32, k >= 32 && k <= 34
}

// beforeVOP returns what comes before the first group or picture of MPEG-4 (ISO/IEC 14496-2, 6.2.1).
func beforeVOP(b []byte) []byte {
	const group, vop = 0xb3, 0xb6
	for i := 0; i+3 < len(b); i++ {
		if b[i] == 0 && b[i+1] == 0 && b[i+2] == 1 && (b[i+3] == group || b[i+3] == vop) {
			return b[:i]
		}
	}
	return nil
}

// sequenceHeader returns the OBU of that type, which is the first of a key unit (AV1 specification, 5.3).
func sequenceHeader(b []byte) []byte {
	const kind, longest = 1, 127 // of a sequence header that is as long as its one byte of size can say
	if len(b) < 2 || b[0]>>3&0xf != kind || b[1] > longest || int(b[1]) > len(b)-2 {
		return nil
	}
	return b[:2+int(b[1])]
}
