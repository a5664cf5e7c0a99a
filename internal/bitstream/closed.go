package bitstream

import (
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/livestill/livestill/frame"
)

// Closed reports whether all that follows a key unit can be decoded from it on. After the others, which begin open GOPs and intra
// refreshes, some pictures refer to what came before: those that are shown before the key unit, or until all is refreshed. An IDR
// picture closes what it begins (ITU-T H.264 section 3.69, H.265 section 3.62); MPEG-4 leaves it open.
func Closed(c frame.Codec, key []byte) bool {
	switch c {
	case frame.H264:
		return HasIDR(SplitAnnexB(nil, key))
	case frame.H265:
		return !slices.ContainsFunc(SplitAnnexB(nil, key), func(n []byte) bool { return typeH265(n) == h265.NALUType_CRA_NUT })
	case frame.MPEG4:
		return false
	default:
		return true
	}
}
