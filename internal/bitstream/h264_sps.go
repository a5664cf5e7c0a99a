package bitstream

import (
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

const (
	// The largest Exp-Golomb code that is read of a sequence parameter set. FFmpeg's fast readers know codes of up to 25 bits, and read
	// something else of longer ones, each version in its own way.
	maxSPSCode = 4095

	maxLog2Minus4 = 12   // of log2_max_frame_num_minus4 and log2_max_pic_order_cnt_lsb_minus4 (7.4.2.1.1)
	maxMBs        = 1055 // macroblocks across or down: the square root of eight times what level 6.2 has room for (A.3.1)
)

// Profiles (A.2) whose sequence parameter sets all readers read alike: those without and with a format of chroma. FFmpeg and mediacommon
// differ in 134 to 144.
var (
	plainProfiles = []uint64{66, 77}
	highProfiles  = []uint64{100, 110, 122, 244}
)

// ParseH264SPS reads a sequence parameter set (ITU-T H.264 section 7.3.2.1.1). ok is false if it is too long, or has fields of a length that
// cannot be.
func ParseH264SPS(n []byte) (sps h264.SPS, ok bool) {
	ok = len(n) > 0 && len(n) <= MaxSet && sps.Unmarshal(n) == nil &&
		sps.Log2MaxFrameNumMinus4 <= maxLog2Minus4 && sps.Log2MaxPicOrderCntLsbMinus4 <= maxLog2Minus4
	return sps, ok
}

// A spsH264 is a sequence parameter set of H.264.
type spsH264 struct {
	h264.SPS
	agreed   bool // all readers read it alike
	heightAt int  // the bit, without emulation prevention, at which pic_height_in_map_units_minus1 begins, if it is agreed
}

// parseSPS reads a sequence parameter set, and finds out whether readers may differ in it.
func parseSPS(n []byte) (s *spsH264, ok bool) {
	sps, ok := ParseH264SPS(n)
	if !ok {
		return nil, false
	}
	s = &spsH264{SPS: sps}
	s.heightAt, s.agreed = heightAt(n)
	s.agreed = s.agreed && s.PicHeightInMapUnitsMinus1 < maxMBs
	return s, true
}

// size returns the size of the pictures of a sequence.
func (s *spsH264) size() Size {
	if !s.agreed {
		return Size{}
	}
	w, h := int(s.PicWidthInMbsMinus1)+1, int(s.PicHeightInMapUnitsMinus1)+1
	if !s.FrameMbsOnlyFlag {
		h *= 2
	}
	buffered, width, height := s.depth(), 0, 0
	if s.VUI != nil {
		width, height = sample(s.VUI.AspectRatioIdc, s.VUI.SarWidth, s.VUI.SarHeight)
		if r := s.VUI.BitstreamRestriction; r != nil {
			buffered = int(min(r.MaxNumReorderFrames, maxRefPics))
		} else if roomier(s.LevelIdc) > knownLevel {
			buffered = maxRefPics
		}
	}
	return Size{
		Width: mbSize * w, Height: mbSize * h, ChromaFormat: int(s.ChromaFormatIdc), BitDepth: 8 + int(s.BitDepthLumaMinus8),
		References: max(buffered, int(s.MaxNumRefFrames)), SampleWidth: width, SampleHeight: height, Interlaced: !s.FrameMbsOnlyFlag,
	}
}

// A spsReader reads the codes of a sequence parameter set, and fails at those that readers differ in.
type spsReader struct{ bitio.Reader }

func (r *spsReader) ue(most uint32) uint32 {
	v := r.UE()
	if r.Failed = r.Failed || v > most; r.Failed {
		return 0
	}
	return v
}

// heightAt returns the bit, without emulation prevention, at which pic_height_in_map_units_minus1 begins in a sequence parameter set;
// ok is false if it is one that readers may differ in.
func heightAt(n []byte) (at int, ok bool) {
	if len(n) > MaxSet || malformed(n) {
		return 0, false
	}
	r := spsReader{bitio.NewReader(bitio.RBSP(make([]byte, 0, len(n)), n), 8)}
	profile := r.U(8)
	r.Skip(16) // constraint flags, level_idc
	r.ue(31)   // seq_parameter_set_id
	switch {
	case slices.Contains(highProfiles, profile):
		r.chroma()
	case !slices.Contains(plainProfiles, profile):
		return 0, false
	}
	r.ue(maxLog2Minus4) // log2_max_frame_num_minus4
	r.order()
	r.ue(maxRefPics) // max_num_ref_frames
	r.Skip(1)        // gaps_in_frame_num_value_allowed_flag
	r.ue(maxMBs - 1) // pic_width_in_mbs_minus1
	return r.Pos, !r.Failed
}

// chroma reads on in the set of a high profile: chroma_format_idc up to the scaling lists.
func (r *spsReader) chroma() {
	if format := r.ue(2); format == 0 {
		r.Failed = true
	}
	if luma := r.ue(6); r.ue(6) != luma { // bit depths
		r.Failed = true
	}
	r.Skip(1) // qpprime_y_zero_transform_bypass_flag
	if !r.Flag() {
		return
	}
	const small, large = 6, 2 // lists, of 16 and of 64
	for i := range small + large {
		size := 16
		if i >= small {
			size = 64
		}
		if r.Flag() {
			r.scalingList(size)
		}
	}
}

// scalingList reads a scaling list (7.3.2.1.1.1), which ends where the scale becomes zero.
func (r *spsReader) scalingList(size int) {
	last := 8
	for range size {
		code := int(r.ue(2 * 128))
		if code > 0 {
			code = (code + 1) / 2 * (2*(code%2) - 1) // se (9.1.1)
		}
		next := (last + code) & 255
		if next == 0 || r.Failed {
			return
		}
		last = next
	}
}

// order reads on: pic_order_cnt_type and what belongs to it.
func (r *spsReader) order() {
	switch r.ue(2) {
	case 0:
		r.ue(maxLog2Minus4)
	case 1:
		r.Skip(1)
		r.ue(maxSPSCode)
		r.ue(maxSPSCode)
		for range r.ue(255) {
			r.ue(maxSPSCode)
		}
	}
}
