package bitstream

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// The most bytes of a slice segment header that are read: sixteen references of 32 bits each, and what comes before them.
const maxSliceSegmentHeader = 200

// A sliceHeaderH265 is what the header of a picture's first slice segment says of it.
type sliceHeaderH265 struct {
	kind       h265.NALUType
	temporalID int
	sps        *h265.SPS
	maxLSB     int         // MaxPicOrderCntLsb
	lsb        int         // slice_pic_order_cnt_lsb; zero of an IDR picture
	references []reference // short-term ones; none of an IDR picture
}

// readSliceH265 reads a slice segment header (ITU-T H.265 section 7.3.6.1) as far as this:
//
//	first_slice_segment_in_pic_flag  no_output_of_prior_pics_flag, of IRAP pictures  slice_pic_parameter_set_id ue
//	slice_reserved_flag, as many as the PPS says  slice_type ue  pic_output_flag, if the PPS says so
//	colour_plane_id (2), if planes are separate  slice_pic_order_cnt_lsb (4 to 16)  short_term_ref_pic_set_sps_flag  set or its index
//
// first reports whether the segment is the first of its picture. The header is nil if it cannot be read.
func (t *trackerH265) readSliceH265(n []byte) (h *sliceHeaderH265, first bool) {
	var space [maxSliceSegmentHeader]byte
	r := bitio.NewReader(bitio.RBSP(space[:0], n), 16)
	if first = r.Flag(); !first {
		return nil, false
	}
	h = &sliceHeaderH265{kind: typeH265(n), temporalID: int(n[1]&7) - 1}
	if isIRAP(h.kind) {
		r.Skip(1)
	}
	pps := t.pps[r.UE()]
	if pps == nil || t.sps[pps.SPSID] == nil {
		return nil, true
	}
	h.sps = t.sps[pps.SPSID]
	if isIDR(h.kind) {
		return h, true
	}
	r.Skip(int(pps.NumExtraSliceHeaderBits))
	r.UE()
	if pps.OutputFlagPresentFlag {
		r.Skip(1)
	}
	if h.sps.SeparateColourPlaneFlag {
		r.Skip(2)
	}
	size := int(h.sps.Log2MaxPicOrderCntLsbMinus4) + 4
	if h.sps.Log2MaxPicOrderCntLsbMinus4 > maxLog2Minus4 {
		return nil, true
	}
	h.lsb, h.maxLSB = int(r.U(size)), 1<<size
	h.references = readReferences(&r, h.sps)
	if r.Failed {
		return nil, true
	}
	return h, true
}

// isIRAP reports whether a picture is of random access: decoding can begin with it.
func isIRAP(kind h265.NALUType) bool {
	return kind >= h265.NALUType_BLA_W_LP && kind <= h265.NALUType_RSV_IRAP_VCL23
}

func isIDR(kind h265.NALUType) bool {
	return kind == h265.NALUType_IDR_W_RADL || kind == h265.NALUType_IDR_N_LP
}

// countsOn reports whether the order counts of later pictures go on from that of the picture: it is of the lowest temporal layer, and neither
// a leading picture nor a sub-layer non-reference one (ITU-T H.265 section 8.3.1).
func (h *sliceHeaderH265) countsOn() bool {
	leading := h.kind >= h265.NALUType_RADL_N && h.kind <= h265.NALUType_RASL_R
	nonReference := h.kind <= h265.NALUType_RSV_VCL_N14 && h.kind%2 == 0
	return h.temporalID == 0 && !leading && !nonReference
}
