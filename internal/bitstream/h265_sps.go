package bitstream

import (
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// The most parameter sets of a kind that there are (ITU-T H.265 sections 7.4.3.2.1 and 7.4.3.3.1).
const (
	maxSPSH265 = 16
	maxPPSH265 = 64
)

// sizeH265 returns the size of the pictures of a sequence.
func sizeH265(sps *h265.SPS) Size {
	held, sample := maxRefPics, 1.0
	if sps.VUI != nil {
		sample = aspect(sps.VUI.AspectRatioIdc, sps.VUI.SarWidth, sps.VUI.SarHeight)
	}
	if len(sps.MaxDecPicBufferingMinus1) > 0 {
		held = int(min(slices.Max(sps.MaxDecPicBufferingMinus1), maxRefPics))
	}
	w, h := min(sps.PicWidthInLumaSamples, maxSide+1), min(sps.PicHeightInLumaSamples, maxSide+1)
	return Size{
		Width: int(w), Height: int(h), ChromaFormat: int(min(sps.ChromaFormatIdc, chroma444+1)),
		BitDepth: 8 + int(min(sps.BitDepthLumaMinus8, maxBitDepth-8+1)), References: held, Aspect: sample,
	}
}
