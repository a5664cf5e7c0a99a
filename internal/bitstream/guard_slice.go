package bitstream

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

const (
	guardPPS = 255 // the largest pic_parameter_set_id (7.4.2.2), which no encoder was seen to use
	guardQP  = 26  // that of a picture parameter set that tells no other (7.4.2.2)
)

// writeGuardPPS returns the picture parameter set (7.3.2.2) of the guard row: plain, with control over the deblocking filter.
func writeGuardPPS(sps *spsH264, c coding) []byte {
	var w bitio.Writer
	w.Put(0x60|uint64(h264.NALUTypePPS), 8)
	w.UE(guardPPS)
	w.UE(sps.ID)
	if c.cabac {
		w.Put(1, 1)
	} else {
		w.Put(0, 1)
	}
	w.Put(0, 1)     // no difference between the fields
	w.Put(7, 3)     // one slice group, one picture in each list
	w.Put(0, 3)     // no weighted prediction
	w.Put(7, 3)     // quantisers: guardQP, the same, no offset for chroma
	w.Put(0b100, 3) // deblocking control; free intra prediction, no redundant pictures
	if c.transform8x8 {
		w.Put(0b101, 3) // 8x8 transforms; no matrices, no other offset for chroma
	}
	w.Stop()
	return w.NAL()
}

// writeGuardSlice returns the guard row as a slice (7.3.3) of the picture that h is a header of.
func writeGuardSlice(sps *spsH264, h *sliceHeaderH264, c coding) []byte {
	const typeI = 2
	var w bitio.Writer
	w.Put(uint64(h.nalRefIDC)<<5|uint64(h.kind), 8)
	w.UE((sps.PicWidthInMbsMinus1 + 1) * (sps.PicHeightInMapUnitsMinus1 + 1)) // first_mb_in_slice
	w.UE(typeI)
	w.UE(guardPPS)
	w.Put(h.frameNum, int(sps.Log2MaxFrameNumMinus4)+4)
	if h.idr() {
		w.UE(h.idrPicID)
	}
	switch {
	case sps.PicOrderCntType == 0:
		w.Put(h.lsb, int(sps.Log2MaxPicOrderCntLsbMinus4)+4)
	case sps.PicOrderCntType == 1 && !sps.DeltaPicOrderAlwaysZeroFlag:
		w.UE(h.delta)
	}
	switch { // dec_ref_pic_marking, which counts in the first slice only
	case h.nalRefIDC == 0:
	case h.idr():
		w.Put(0, 2)
	default:
		w.Put(0, 1)
	}
	w.Put(0b1_010, 4) // slice_qp_delta 0, disable_deblocking_filter_idc 1
	if width := int(sps.PicWidthInMbsMinus1) + 1; c.cabac {
		writeCABACRow(&w, width)
	} else {
		writeCAVLCRow(&w, width)
	}
	return w.NAL()
}

// writeCAVLCRow writes the macroblocks (7.3.5) of the guard row. In CAVLC each is
//
//	mb_type ue: intra 16x16 from the mean, 00100  intra_chroma_pred_mode ue: 1  mb_qp_delta se: 1  coeff_token: none, 1
func writeCAVLCRow(w *bitio.Writer, width int) {
	for range width {
		w.Put(0b00100_1_1_1, 8)
	}
	w.Stop()
}

// writeCABACRow writes the macroblocks of the guard row in CABAC: without residual, intra 16x16 from the mean, with nothing above them.
func writeCABACRow(w *bitio.Writer, width int) {
	// The contexts of table 9-13 and on. What a macroblock is depends on the one to its left, of which the first has none.
	type pair [2]*bitio.Context
	types, coefficients := pair{bitio.NewContext(20, -15, guardQP), bitio.NewContext(2, 54, guardQP)}, pair{bitio.NewContext(-11, 115, guardQP), bitio.NewContext(-16, 122, guardQP)}
	luma, chroma := bitio.NewContext(-28, 127, guardQP), bitio.NewContext(-23, 104, guardQP)
	mean, low := bitio.NewContext(-1, 54, guardQP), bitio.NewContext(7, 51, guardQP)
	chromaMode, qpDelta := bitio.NewContext(-9, 83, guardQP), bitio.NewContext(0, 41, guardQP)
	e := bitio.NewCABAC(w)
	for i := range width {
		e.Encode(types[min(i, 1)], 1) // mb_type: not 4x4 ...
		e.Terminate(false)            // ... nor PCM, and then of 16x16 its bins:
		e.Encode(luma, 0)
		e.Encode(chroma, 0)
		e.Encode(mean, 1)
		e.Encode(low, 0)
		e.Encode(chromaMode, 0)              // intra_chroma_pred_mode
		e.Encode(qpDelta, 0)                 // mb_qp_delta
		e.Encode(coefficients[min(i, 1)], 0) // coded_block_flag
		e.Terminate(i == width-1)            // end_of_slice_flag
	}
}
