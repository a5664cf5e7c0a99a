package bitstream

import (
	"slices"

	"github.com/livestill/livestill/frame"
)

// Closed reports whether all that follows a key unit can be decoded from it on. After the others, which begin open GOPs and intra
// refreshes, some pictures refer to what came before: those that are shown before the key unit, or until all is refreshed. An IDR
// picture closes what it begins (ITU-T H.264 section 3.69, H.265 section 3.62); MPEG-4 leaves it open.
func Closed(c frame.Codec, key []byte) bool {
	switch c {
	case frame.H264:
		return slices.ContainsFunc(SplitAnnexB(nil, key), func(n []byte) bool { return n[0]&0x1f == h264IDR })
	case frame.H265:
		return !slices.ContainsFunc(SplitAnnexB(nil, key), func(n []byte) bool { return n[0]>>1&0x3f == h265CRA })
	case frame.MPEG4:
		return false
	default:
		return true
	}
}
