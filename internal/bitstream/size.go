package bitstream

import "github.com/livestill/livestill/frame"

// A Size is what the headers of a GOP say of its pictures. The zero Size is unknown.
type Size struct {
	Width, Height int  // of what is coded, in samples of luma; where each picture is a field, of two of them
	ChromaFormat  int  // as chroma_format_idc of H.264 and H.265: 4:0:0, 4:2:0, 4:2:2, 4:4:4
	BitDepth      int  // of a sample
	References    int  // pictures that may be kept to refer to them, or to put them in order
	Interlaced    bool // frames of two fields may be among them, as far as H.264, H.265 and MPEG-4 tell

	// The shape of a sample, its width to its height, as H.264, H.265 and MPEG-4 tell it, absurd as it may be; zero if they do not.
	SampleWidth, SampleHeight int

	Turned bool // the picture of the unit is to be turned or mirrored, as messages of H.264 and H.265 tell
}

const (
	maxSide     = 1 << 16 // lines or columns of a picture, the most that any codec here can tell
	maxRefPics  = 16      // pictures that a buffer has room for (ITU-T H.264 section A.3.1, H.265 section A.4.2)
	chroma420   = 1       // chroma_format_idc
	chroma444   = 3
	extendedSAR = 255 // aspect_ratio_idc
	mbSize      = 16  // samples of a macroblock, across and down
	minBitDepth = 8
	maxBitDepth = 16
)

// MaxAspect is how many times wider than high a sample may be, or the other way round. More is treated as a mistake of the publisher: the
// widest of the tables is 80:33, and this is several times that.
const MaxAspect = 16

// SizeOf reads the headers of a key unit. What it cannot read, or what readers differ in, is unknown.
func SizeOf(key frame.AccessUnit) Size {
	key.Key = true
	return new(Tracker).Next(&key).Size
}

// Pixels returns the pixels of a picture as it is coded.
func (s Size) Pixels() int64 { return int64(s.Width) * int64(s.Height) }

// valid returns s, or the zero Size if no picture can be of it.
func (s Size) valid() Size {
	if s.Width <= 0 || s.Height <= 0 || s.Width > maxSide || s.Height > maxSide || s.ChromaFormat < 0 || s.ChromaFormat > chroma444 ||
		s.BitDepth < minBitDepth || s.BitDepth > maxBitDepth {
		return Size{}
	}
	return s
}

// Aspect returns the width of a sample by its height; 1 if that is not told, or is more than MaxAspect.
func (s Size) Aspect() float64 {
	if s.SampleWidth == 0 || s.SampleHeight == 0 || s.SampleWidth > MaxAspect*s.SampleHeight {
		return 1
	}
	return float64(s.SampleWidth) / float64(s.SampleHeight)
}

// larger returns the larger of two sizes, with the wider samples of both, and interlaced if one is.
func larger(a, b Size) Size {
	wide, interlaced := a, a.Interlaced || b.Interlaced
	if b.Aspect() > a.Aspect() || a.SampleWidth == 0 {
		wide = b
	}
	if b.Pixels() > a.Pixels() || b.Pixels() == a.Pixels() && b.References > a.References {
		a = b
	}
	a.SampleWidth, a.SampleHeight, a.Interlaced = wide.SampleWidth, wide.SampleHeight, interlaced
	return a
}

// Widths and heights of a sample by aspect_ratio_idc (ITU-T H.264 table E-1, H.265 table E.1), from 1 on.
var aspects = [][2]int{{1, 1}, {12, 11}, {10, 11}, {16, 11}, {40, 33}, {24, 11}, {20, 11}, {32, 11}, {80, 33}, {18, 11}, {15, 11}, {64, 33},
	{160, 99}, {4, 3}, {3, 2}, {2, 1}}

// sample returns the shape of a sample by aspect_ratio_idc, sar_width and sar_height; zeros if that is not specified.
func sample(idc uint8, width, height uint16) (w, h int) {
	switch {
	case idc == extendedSAR && width > 0 && height > 0:
		return int(width), int(height)
	case idc > 0 && int(idc) <= len(aspects):
		return aspects[idc-1][0], aspects[idc-1][1]
	}
	return 0, 0
}
