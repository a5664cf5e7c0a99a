package bitstream

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// The most bytes of a slice header that are read: five Exp-Golomb codes of up to 63 bits, and 28 bits of fixed size.
const maxSliceHeader = 44

// A fields is a set of the two fields of a frame.
type fields uint8

const (
	topField fields = 1 << iota
	bottomField
	bothFields = topField | bottomField
)

// A sliceHeaderH264 is what the header of a slice says of its picture, ITU-T H.264 section 7.3.3.
type sliceHeaderH264 struct {
	kind      h264.NALUType
	nalRefIDC byte // not zero if others may refer to the picture

	ppsID    uint32
	frameNum uint64
	counted  bool // frameNum could be read

	field    fields // the one that it is of; none if it is of a frame
	idrPicID uint32 // of an IDR picture
	lsb      uint64 // pic_order_cnt_lsb, where the order of pictures is told by that
	delta    uint32 // delta_pic_order_cnt[0], as it is coded, where the order is told by that
	whole    bool   // all of that could be read
}

// readSliceH264 reads the header of a slice as far as this:
//
//	forbidden_zero_bit  nal_ref_idc (2)  nal_unit_type (5)
//	first_mb_in_slice ue  slice_type ue  pic_parameter_set_id ue  colour_plane_id (2), if planes are separate  frame_num (4 to 16)
//	field_pic_flag, unless all are frames  bottom_field_flag, if that is set
//	idr_pic_id ue, of an IDR picture  pic_order_cnt_lsb (4 to 16), or delta_pic_order_cnt se, or neither
func readSliceH264(n []byte, s *h264.SPS) (h sliceHeaderH264) {
	h.kind, h.nalRefIDC = typeH264(n), nalRefIDC(n)
	var space [maxSliceHeader]byte
	r := bitio.NewReader(bitio.RBSP(space[:0], n), 8)
	r.UE()
	r.UE()
	h.ppsID = r.UE()
	if s.SeparateColourPlaneFlag {
		r.Skip(2)
	}
	h.frameNum = r.U(int(s.Log2MaxFrameNumMinus4) + 4)
	h.counted = !r.Failed
	if !s.FrameMbsOnlyFlag && r.Flag() {
		if h.field = topField; r.Flag() {
			h.field = bottomField
		}
	}
	if h.idr() {
		h.idrPicID = r.UE()
	}
	switch {
	case s.PicOrderCntType == 0:
		h.lsb = r.U(int(s.Log2MaxPicOrderCntLsbMinus4) + 4)
	case s.PicOrderCntType == 1 && !s.DeltaPicOrderAlwaysZeroFlag:
		h.delta = r.UE()
	}
	h.whole = !r.Failed
	return h
}

func nalRefIDC(n []byte) byte { return n[0] >> 5 & 3 }

// idr reports whether the slice is of an IDR picture.
func (h *sliceHeaderH264) idr() bool { return h.kind == h264.NALUTypeIDR }
