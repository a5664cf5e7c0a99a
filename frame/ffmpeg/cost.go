package ffmpeg

import (
	"fmt"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// A VP9 stream may change its size between key units. A picture with more times the pixels than its GOP began with is refused.
const mostGrowth = 4

// What is in memory beside the pictures that others refer to: the one that is decoded, the one that is shown, and one that waits to be shown.
const besides = 3

// And beside these where pictures may have two fields: the one before, and what is made of both.
const besidesInterlaced = 2

// What a GOP is taken to be whose headers do not tell.
var assumed = bitstream.Size{Width: 1920, Height: 1088, ChromaFormat: 1, BitDepth: 8, References: 16}

// Cost returns what it takes to decode a GOP that begins with a key unit, as its headers have it; if they do not tell, that of 1080p. It is
// counted in pictures as they are coded; Picture also in what makes pixels square, as far as H.264, H.265 and MPEG-4 tell. What FFmpeg needs beside
// them is not counted: a tenth or so, of H.264 and H.265 with motion all over up to a half.
func (d *Decoder) Cost(key frame.AccessUnit) frame.Cost {
	return d.costOf(orAssumed(bitstream.SizeOf(key)))
}

// Fields reports whether pictures of a GOP that begins with a key unit may have two fields: frame.Latent.Second. Its headers tell that of H.264,
// H.265 and MPEG-4.
func (d *Decoder) Fields(key frame.AccessUnit) bool { return bitstream.SizeOf(key).Interlaced }

func orAssumed(s bitstream.Size) bitstream.Size {
	if s.Pixels() == 0 {
		return assumed
	}
	return s
}

// allowed returns how many bytes decoding a GOP of such pictures may take. Others may have set aside what Cost says, so that it may not be
// much more: twice that, and what small pictures grow by.
func (d *Decoder) allowed(s bitstream.Size) int64 {
	const small = 32 << 20 // chosen, not measured
	return min(d.maxMemory(), 2*d.costOf(orAssumed(s)).Decoding+small)
}

// widened returns how many times as large a picture becomes when its pixels are made square, which it is not if that is more than it may have.
func (d *Decoder) widened(s bitstream.Size) float64 {
	return max(1, min(s.Aspect(), float64(d.maxPixels())/float64(max(s.Pixels(), 1))))
}

// costOf returns what it takes to decode a GOP of pictures of a size. A picture that is to be turned is made twice.
func (d *Decoder) costOf(s bitstream.Size) frame.Cost {
	samples := s.Pixels() * []int64{2, 3, 4, 6}[s.ChromaFormat] / 2
	coded := samples
	if s.BitDepth > 8 {
		coded *= 2
	}
	const format422 = 2 // chroma_format_idc
	if s.Turned && s.ChromaFormat == format422 {
		samples = s.Pixels() * 3
	}
	pictures := s.References + besides
	if s.Interlaced {
		pictures += besidesInterlaced
	}
	cost := frame.Cost{
		Picture:  int64(float64(max(samples, s.Pixels()*3/2)) * d.widened(s)),
		Decoding: coded * int64(pictures),
	}
	if s.Turned {
		cost.Decoding += cost.Picture
	}
	if s.BitDepth > 8 && s.Aspect() != 1 {
		cost.Decoding += 2 * cost.Picture // of square pixels, with all their bits, to map their colours
	}
	return cost
}

// check returns an error if nothing decodes pictures of that size, or if a GOP of them takes more memory than the decoder may.
func (d *Decoder) check(c frame.Codec, s bitstream.Size) error {
	if s.Pixels() > 0 && !hasDepth(c, s.BitDepth) {
		return &Error{Step: "check", Codec: c, Err: fmt.Errorf("%w: samples of %d bits", ErrUnsupported, s.BitDepth)}
	}
	// Up to 15 lines and columns of what is coded may be cropped: FFmpeg has the last word.
	const cropped = 15
	if int64(s.Width-cropped)*int64(max(s.Height-cropped, 0)) > int64(d.maxPixels()) {
		return &Error{Step: "check", Codec: c, Err: fmt.Errorf("%w: %w: pictures of %d x %d are larger than the %d pixels of MaxPixels",
			ErrNoPicture, frame.ErrTooCostly, s.Width, s.Height, d.maxPixels())}
	}
	if need, most := d.costOf(s).Decoding, d.maxMemory(); need > most {
		return &Error{Step: "check", Codec: c, Err: fmt.Errorf("%w: pictures of %d x %d with %d references take %d MiB, more than %d MiB",
			frame.ErrTooCostly, s.Width, s.Height, s.References, need>>20, most>>20)}
	}
	return nil
}

// hasDepth reports whether FFmpeg decodes samples of so many bits. Of others than these it says that the parameter sets are damaged.
func hasDepth(c frame.Codec, bits int) bool {
	switch c {
	case frame.H264:
		return bits <= 10 || bits == 12 || bits == 14
	case frame.H265:
		return bits <= 10 || bits == 12
	default:
		return true
	}
}

// Header returns what comes before the first picture of a key unit and governs its whole GOP: parameter sets, sequence headers. It is
// a part of the unit's data, or a copy.
func (d *Decoder) Header(key frame.AccessUnit) []byte { return bitstream.SequenceHeader(key) }
