package bitstream

import (
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// The most parameter sets of a kind that there are (ITU-T H.265 sections 7.4.3.2.1 and 7.4.3.3.1).
const (
	maxSPSH265 = 16
	maxPPSH265 = 64
)

// sizeH265 returns the size of the pictures of a sequence.
func sizeH265(sps *h265.SPS) Size {
	buffered, width, height := maxRefPics, 0, 0
	if sps.VUI != nil {
		width, height = sample(sps.VUI.AspectRatioIdc, sps.VUI.SarWidth, sps.VUI.SarHeight)
	}
	if len(sps.MaxDecPicBufferingMinus1) > 0 {
		buffered = int(min(slices.Max(sps.MaxDecPicBufferingMinus1), maxRefPics))
	}
	w, h := min(sps.PicWidthInLumaSamples, maxSide+1), min(sps.PicHeightInLumaSamples, maxSide+1)
	fields := sps.VUI != nil && sps.VUI.FieldSeqFlag
	if fields {
		h *= 2
	}
	return Size{
		Width: int(w), Height: int(h), Interlaced: !fields && sps.VUI != nil && sps.VUI.FrameFieldInfoPresentFlag,
		ChromaFormat: int(min(sps.ChromaFormatIdc, chroma444+1)),
		BitDepth:     8 + int(min(sps.BitDepthLumaMinus8, maxBitDepth-8+1)), References: buffered,
		SampleWidth: width, SampleHeight: height,
	}
}

// pixelsH265 returns how many pixels the pictures of a sequence have, which its parameter set says in its first bytes, be the rest as it may;
// zero if not even these can be read.
//
//	... id ue  chroma_format_idc ue  separate_colour_plane_flag, of 4:4:4  pic_width_in_luma_samples ue  pic_height_in_luma_samples ue
func pixelsH265(n []byte) int64 {
	const maxToSize = maxToSPSID + 4*4 + 1 // each code has up to 31 bits
	var space [maxToSize]byte
	r := bitio.NewReader(fromSPSID(bitio.RBSP(space[:0], n)), 0)
	r.UE()
	if format := r.UE(); format == chroma444 {
		r.Skip(1)
	}
	width, height := min(r.UE(), maxSide+1), min(r.UE(), maxSide+1)
	if r.Failed {
		return 0
	}
	return int64(width) * int64(height)
}
