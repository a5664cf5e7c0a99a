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
	begins, _ := h.beginsPicture(previous, n)
	return begins
}

// beginsPicture is BeginsPicture. What is not certain lacks the parameter sets, or a header that can be read.
func (h *H264) beginsPicture(previous, n []byte) (begins, certain bool) {
	if !hasSliceHeader(n) {
		return false, false
	}
	if first := len(n) > 1 && n[1]&0x80 != 0; first || len(previous) == 0 {
		return true, first
	}
	if !hasSliceHeader(previous) {
		return false, false
	}
	if isIDRH264(previous) != isIDRH264(n) || (nalRefIDC(previous) == 0) != (nalRefIDC(n) == 0) {
		return true, true
	}
	sps := h.spsOf(n)
	if sps == nil {
		return false, false
	}
	a, b := readSliceH264(previous, sps), readSliceH264(n, sps)
	if !a.counted || !b.counted {
		return false, false
	}
	return a.differs(&b), true
}

// hasSliceHeader reports whether a NAL unit begins with a slice header: those of partitions B and C do not.
func hasSliceHeader(n []byte) bool {
	kind := typeH264(n)
	return kind == h264.NALUTypeNonIDR || kind == h264.NALUTypeDataPartitionA || kind == h264.NALUTypeIDR
}

func isIDRH264(n []byte) bool { return typeH264(n) == h264.NALUTypeIDR }

// differs reports whether two slices, both of IDR pictures or both not, are of different pictures by what follows in their headers.
func (a *sliceHeaderH264) differs(b *sliceHeaderH264) bool {
	if a.ppsID != b.ppsID || a.frameNum != b.frameNum {
		return true
	}
	return a.whole && b.whole && (a.field != b.field || a.idrPicID != b.idrPicID || a.lsb != b.lsb || a.delta != b.delta)
}

// spsOf returns the sequence parameter set of a slice; nil if it is not known. What sets say is read once.
func (h *H264) spsOf(slice []byte) *h264.SPS {
	var space [maxSliceHeader]byte
	r := bitio.NewReader(bitio.RBSP(space[:0], slice), 8)
	r.UE()
	r.UE()
	pps := h.sets.find(byte(h264.NALUTypePPS), r.UE())
	if r.Failed || pps == nil {
		return nil
	}
	if !same(pps, h.pps) {
		h.pps = pps
		r := bitio.NewReader(bitio.RBSP(space[:0], pps), 8)
		r.UE()
		h.spsID, h.ppsValid = r.UE(), !r.Failed
	}
	sps := h.sets.find(byte(h264.NALUTypeSPS), h.spsID)
	if !h.ppsValid || sps == nil {
		return nil
	}
	if !same(sps, h.spsNAL) {
		h.spsNAL = sps
		h.sps, h.spsValid = ParseH264SPS(sps)
	}
	if !h.spsValid {
		return nil
	}
	return &h.sps
}

// same reports whether a and b, which nobody writes to, are the same memory.
func same(a, b []byte) bool { return len(b) > 0 && &a[0] == &b[0] }

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
