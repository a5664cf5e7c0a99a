package bitstream

import (
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/livestill/livestill/frame"
)

// IsSlice reports whether a NAL unit of H.264 or H.265 is a slice of a picture (ITU-T H.264 table 7-1, H.265 table 7-1).
func IsSlice(c frame.Codec, n []byte) bool {
	if c == frame.H264 {
		kind := typeH264(n)
		return kind >= h264.NALUTypeNonIDR && kind <= h264.NALUTypeIDR
	}
	return isSliceH265(n)
}

func isSliceH265(n []byte) bool { return typeH265(n) < h265.NALUType_VPS_NUT }

// startsPicture reports whether a slice is the first of its picture, or of a field: see Opens. Of H.265, decoders pass over layers above the base.
func startsPicture(c frame.Codec, slice []byte) bool {
	if c == frame.H264 {
		return len(slice) > 1 && slice[1]&0x80 != 0
	}
	return len(slice) > 2 && slice[2]&0x80 != 0 && layerH265(slice) == 0
}

// isSet reports whether a NAL unit is a parameter set.
func isSet(c frame.Codec, n []byte) bool {
	if c == frame.H264 {
		kind := typeH264(n)
		return kind == h264.NALUTypeSPS || kind == h264.NALUTypePPS
	}
	kind := typeH265(n)
	return kind >= h265.NALUType_VPS_NUT && kind <= h265.NALUType_PPS_NUT
}

// IsSPS reports whether a NAL unit of H.264 is a sequence parameter set. One of no bytes is none.
func IsSPS(n []byte) bool { return len(n) > 0 && typeH264(n) == h264.NALUTypeSPS }

// isSEI reports whether a NAL unit is supplemental enhancement information.
func isSEI(c frame.Codec, n []byte) bool {
	if c == frame.H264 {
		return typeH264(n) == h264.NALUTypeSEI
	}
	kind := typeH265(n)
	return kind == h265.NALUType_PREFIX_SEI_NUT || kind == h265.NALUType_SUFFIX_SEI_NUT
}

// IsDelimiter reports whether a NAL unit is an access unit delimiter, which is the first of its access unit (ITU-T H.264 section 7.4.1.2.3,
// H.265 section 7.4.2.4.4).
func IsDelimiter(c frame.Codec, n []byte) bool {
	if c == frame.H264 {
		return typeH264(n) == h264.NALUTypeAccessUnitDelimiter
	}
	return typeH265(n) == h265.NALUType_AUD_NUT
}

// Opens reports whether nothing of its access unit that decoding needs can come before NAL unit n (ITU-T H.264 section 7.4.1.2.3, H.265
// section 7.4.2.4.4). The first bit after the header of a picture's first slice is one: first_mb_in_slice is zero (H.264 section 7.3.3),
// first_slice_segment_in_pic_flag is set (H.265 section 7.3.6.1).
func Opens(c frame.Codec, n []byte) bool {
	if c == frame.H264 {
		switch typeH264(n) {
		case h264.NALUTypeNonIDR, h264.NALUTypeIDR:
			return len(n) > 1 && n[1]&0x80 != 0
		default:
			return isSet(c, n) || isSEI(c, n) || IsDelimiter(c, n)
		}
	}
	if IsSlice(c, n) {
		return len(n) > 2 && n[2]&0x80 != 0
	}
	return isSet(c, n) || IsDelimiter(c, n) || typeH265(n) == h265.NALUType_PREFIX_SEI_NUT
}

// HasSets reports whether an access unit of H.264 or H.265 has a parameter set of each kind.
func HasSets(c frame.Codec, data []byte) bool {
	var sets uint64 // by type
	for _, n := range SplitAnnexB(nil, data) {
		switch {
		case !isSet(c, n):
		case c == frame.H264:
			sets |= 1 << typeH264(n)
		default:
			sets |= 1 << typeH265(n)
		}
	}
	if c == frame.H264 {
		return sets == 1<<h264.NALUTypeSPS|1<<h264.NALUTypePPS
	}
	return sets == 1<<h265.NALUType_VPS_NUT|1<<h265.NALUType_SPS_NUT|1<<h265.NALUType_PPS_NUT
}

// HasIDR reports whether the access unit of H.264 that consists of nals is an IDR picture.
func HasIDR(nals [][]byte) bool {
	return slices.ContainsFunc(nals, func(n []byte) bool { return len(n) > 0 && typeH264(n) == h264.NALUTypeIDR })
}

// HasKeyPicture reports whether an Annex B byte stream of H.264 or H.265 has a picture that decoding can begin with, once its parameter sets
// are known. A recovery point is none.
func HasKeyPicture(codec frame.Codec, data []byte) bool {
	classify := classifier(classifyH264)
	if codec == frame.H265 {
		classify = classifyH265
	}
	return slices.ContainsFunc(SplitAnnexB(nil, data), func(n []byte) bool {
		r, _ := classify(n)
		return r == keyPicture
	})
}

// forbidden reports whether forbidden_zero_bit is set, by which networks mark NAL units that are damaged. Decoders pass over them.
func forbidden(n []byte) bool { return n[0]&0x80 != 0 }
