package ffmpeg

import (
	"fmt"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// A VP9 stream may change its size between key units. A picture with more times the pixels than its GOP began with is refused.
const mostGrowth = 4

// What is held beside the pictures that others refer to: the one that is decoded, the one that is shown, and one that waits to be shown.
const besides = 3

// What a GOP is taken to be whose headers do not tell.
var assumed = bitstream.Size{Width: 1920, Height: 1088, ChromaFormat: 1, BitDepth: 8, References: 16}

// Cost returns what it takes to decode a GOP that begins with a key unit, as its headers have it; if they do not tell, that of 1080p. It is
// counted in pictures as they are coded; Picture also in what makes pixels square, as far as H.264 and H.265 tell. What FFmpeg needs beside
// them is not counted: a tenth or so, of H.264 and H.265 with motion all over up to a half.
func (d *Decoder) Cost(key frame.AccessUnit) frame.Cost {
	return costOf(orAssumed(bitstream.SizeOf(key)))
}

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
	return min(d.maxMemory(), 2*costOf(orAssumed(s)).Decoding+small)
}

// shown returns the pixels of a picture whose pixels are square.
func shown(s bitstream.Size) int64 { return int64(float64(s.Pixels()) * max(s.Aspect, 1)) }

// costOf returns what it takes to decode a GOP of pictures of a size.
func costOf(s bitstream.Size) frame.Cost {
	samples := s.Pixels() * []int64{2, 3, 4, 6}[s.ChromaFormat] / 2
	coded := samples
	if s.BitDepth > 8 {
		coded *= 2
	}
	picture := float64(max(samples, s.Pixels()*3/2)) * max(s.Aspect, 1)
	return frame.Cost{Picture: int64(picture), Decoding: coded * int64(s.References+besides)}
}

// check returns an error if nothing decodes pictures of that size, or if a GOP of them takes more memory than the decoder may.
func (d *Decoder) check(c frame.Codec, s bitstream.Size) error {
	if s.Pixels() > 0 && !hasDepth(c, s.BitDepth) {
		return &Error{Step: "check", Codec: c, Err: fmt.Errorf("%w: samples of %d bits", ErrUnsupported, s.BitDepth)}
	}
	if need, most := costOf(s).Decoding, d.maxMemory(); need > most {
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
