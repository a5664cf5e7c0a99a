package bitstream

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// BeginsPicture reports whether slice n is the first of a picture, or of a field, as far as the slice before it tells; previous is empty if
// there was none. The first slice has first_mb_in_slice zero. If that was lost, a later one is known by a header that differs from the
// slice before in what all slices of a picture have in common (ITU-T H.264 section 7.4.1.2.4). That takes the parameter sets.
//
// What is no slice, or a partition B or C of one, does not begin a picture. n has a byte at least.
func (h *H264) BeginsPicture(previous, n []byte) bool {
	if !hasSliceHeader(n) {
		return false
	}
	if len(previous) == 0 || len(n) > 1 && n[1]&0x80 != 0 {
		return true
	}
	sps := h.spsOf(n)
	if sps == nil || !hasSliceHeader(previous) {
		return false
	}
	a, b := readSliceH264(previous, sps), readSliceH264(n, sps)
	return a.counted && b.counted && a.differs(&b)
}

// hasSliceHeader reports whether a NAL unit begins with a slice header: those of partitions B and C do not.
func hasSliceHeader(n []byte) bool {
	kind := typeH264(n)
	return kind == h264.NALUTypeNonIDR || kind == h264.NALUTypeDataPartitionA || kind == h264.NALUTypeIDR
}

// differs reports whether two slices are of different pictures by their headers.
func (a *sliceHeaderH264) differs(b *sliceHeaderH264) bool {
	if a.ppsID != b.ppsID || a.frameNum != b.frameNum || a.idr() != b.idr() || (a.nalRefIDC == 0) != (b.nalRefIDC == 0) {
		return true
	}
	return a.whole && b.whole && (a.field != b.field || a.idrPicID != b.idrPicID || a.lsb != b.lsb || a.delta != b.delta)
}

// spsOf returns the sequence parameter set of a slice; nil if it is not known.
func (h *H264) spsOf(slice []byte) *h264.SPS {
	var space [maxSliceHeader]byte
	r := bitio.NewReader(bitio.RBSP(space[:0], slice), 8)
	r.UE()
	r.UE()
	pps := h.sets.find(byte(h264.NALUTypePPS), r.UE())
	if r.Failed || pps == nil {
		return nil
	}
	r = bitio.NewReader(bitio.RBSP(space[:0], pps), 8)
	r.UE()
	sps := h.sets.find(byte(h264.NALUTypeSPS), r.UE())
	if r.Failed || sps == nil {
		return nil
	}
	if len(h.spsRead) == 0 || &sps[0] != &h.spsRead[0] {
		h.spsRead = sps
		h.sps, h.spsValid = ParseH264SPS(sps)
	}
	if !h.spsValid {
		return nil
	}
	return &h.sps
}

// BeginsPicture reports whether slice segment n is the first of a picture, as far as the one before it tells; previous is empty if there was
// none. The first has first_slice_segment_in_pic_flag set (ITU-T H.265 section 7.4.2.4.5). If that was lost, a later one is known if its
// NAL unit's header differs, which all segments of a picture have in common (section 7.4.2.2).
//
// What is no slice segment, or of a layer above the base, does not begin a picture. n has a byte at least.
func (h *H265) BeginsPicture(previous, n []byte) bool {
	if len(n) < 3 || !isSliceH265(n) || layerH265(n) > 0 {
		return false
	}
	return len(previous) < 2 || n[2]&0x80 != 0 || n[0] != previous[0] || n[1] != previous[1]
}
