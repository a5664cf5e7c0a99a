package bitstream

import (
	"reflect"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// addRow returns a sequence parameter set (7.3.2.1.1) with a row of macroblocks more, and that cropped; nil if that cannot be. What is
// written is
//
//	pic_height_in_map_units_minus1 ue  frame_mbs_only_flag  direct_8x8_inference_flag  frame_cropping_flag
//	frame_crop_left_offset, right, top, bottom ue
//
// in place of what begins at sps.heightAt. The level becomes one that buffers as many pictures as before, since FFmpeg goes by that to put
// pictures in order. Of levels above 5.2 it does not know that and buffers sixteen, so it is told, if the set tells nothing else.
//
// The set is read again: what is not just what was wanted is not had.
func addRow(set []byte, sps *spsH264) []byte {
	want, ok := withRow(sps)
	if !ok {
		return nil
	}
	old := bitio.RBSP(make([]byte, 0, len(set)), set)
	old[3] = want.LevelIdc
	var w bitio.Writer
	w.Copy(old, 0, sps.heightAt)
	r := bitio.NewReader(old, sps.heightAt)
	w.UE(r.UE() + 1)
	w.Put(r.U(2), 2)
	if r.Flag() { // frame_cropping_flag
		for range 4 {
			r.UE()
		}
	}
	w.Put(1, 1)
	for _, v := range cropOffsets(want.FrameCropping) {
		w.UE(v)
	}
	if depth := uint32(sps.depth()); want.LevelIdc > knownLevel && want.VUI == nil && depth < maxRefPics && !r.Flag() {
		want.VUI = restrict(&w, depth, max(depth, sps.MaxNumRefFrames))
	} else {
		w.Copy(old, r.Pos, r.End)
	}
	n := w.NAL()
	var got h264.SPS
	if r.Failed || got.Unmarshal(n) != nil || !reflect.DeepEqual(got, want) {
		return nil
	}
	return n
}

// withRow returns what the set is to say; ok is false for formats that have no guard row.
func withRow(s *spsH264) (want h264.SPS, ok bool) {
	format := s.ChromaFormatIdc == 1 || s.ChromaFormatIdc == 2
	if !s.FrameMbsOnlyFlag || !format || s.PicWidthInMbsMinus1 >= maxMBs || s.PicHeightInMapUnitsMinus1 >= maxMBs {
		return want, false
	}
	want = s.SPS
	want.PicHeightInMapUnitsMinus1++
	want.LevelIdc = roomier(want.LevelIdc)
	crop := h264.SPS_FrameCropping{}
	if s.FrameCropping != nil {
		crop = *s.FrameCropping
	}
	for _, v := range cropOffsets(&crop) {
		if v > maxSPSCode {
			return want, false
		}
	}
	crop.BottomOffset += mbSize / (3 - s.ChromaFormatIdc) // in lines of chroma
	want.FrameCropping = &crop
	return want, s.Width() > 0 && s.Height() > 0
}

func cropOffsets(c *h264.SPS_FrameCropping) [4]uint32 {
	return [...]uint32{c.LeftOffset, c.RightOffset, c.TopOffset, c.BottomOffset}
}

// restrict writes the VUI of a set that had none: it says how many pictures are buffered, and nothing else (E.1.1).
func restrict(w *bitio.Writer, reorder, buffered uint32) *h264.SPS_VUI {
	r := &h264.SPS_BitstreamRestriction{
		MotionVectorsOverPicBoundariesFlag: true, MaxBytesPerPicDenom: 2, MaxBitsPerMbDenom: 1, Log2MaxMvLengthHorizontal: 16,
		Log2MaxMvLengthVertical: 16, MaxNumReorderFrames: reorder, MaxDecFrameBuffering: buffered,
	}
	w.Put(0b1_0000_0000_1_1, 11) // vui_parameters_present_flag, eight that are not, bitstream_restriction_flag, motion_vectors_over...
	for _, v := range []uint32{
		r.MaxBytesPerPicDenom, r.MaxBitsPerMbDenom, r.Log2MaxMvLengthHorizontal, r.Log2MaxMvLengthVertical, reorder, buffered,
	} {
		w.UE(v)
	}
	w.Stop()
	return &h264.SPS_VUI{BitstreamRestriction: r}
}

// readCoding reads a picture parameter set (7.3.2.2); ok is false if it is not one to put a guard row to.
func readCoding(n []byte) (id uint32, c coding, ok bool) {
	if len(n) > MaxSet || malformed(n) {
		return 0, c, false
	}
	b := trim(bitio.RBSP(make([]byte, 0, len(n)), n))
	stop := 8*len(b) - 1
	for stop > 8 && b[stop/8]>>(7-stop%8)&1 == 0 {
		stop--
	}
	r := bitio.NewReader(b, 8)
	r.End = stop
	id = r.UE()
	r.UE() // seq_parameter_set_id
	c.cabac = r.Flag()
	r.Skip(1)
	groups := r.UE() // num_slice_groups_minus1
	r.UE()           // active references
	r.UE()
	r.Skip(3) // weighted prediction
	for range 3 {
		r.UE() // quantisers
	}
	r.Skip(3) // deblocking, intra prediction, redundant pictures
	ok = !r.Failed && id < guardPPS && groups == 0
	c.transform8x8 = r.Flag()
	return id, c, ok
}
