package ffmpeg

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// The most lines or columns of a picture that any codec here can tell.
const mostLines = 1 << 16

// A VP9 stream may change its size between key units. A picture with more times the pixels than its GOP began with is refused.
const mostGrowth = 4

// A size is what the headers of a GOP say of its pictures. The zero size is unknown.
type size struct {
	width, height int // as coded
	chroma        int // chroma_format_idc of H.264 and H.265: 4:0:0, 4:2:0, 4:2:2, 4:4:4
	depth         int // bits of a sample
	held          int // pictures that may be held to refer to them, or to put them in order

	wide float64 // how many times wider they become with square pixels; less than one, as zero, means no wider
}

// What is held beside the pictures that others refer to: the one that is decoded, the one that is shown, and one that waits to be shown.
const besides = 3

// What a GOP is taken to be whose headers do not tell.
var assumed = size{width: 1920, height: 1088, chroma: 1, depth: 8, held: mostRefs}

// Cost returns what it takes to decode a GOP that begins with a key unit, as its headers have it; if they do not tell, that of 1080p. It is
// counted in pictures as they are coded; Picture also in what makes pixels square, as far as H.264 and H.265 tell. What FFmpeg needs beside
// them, a tenth or so, is not counted.
func (d *Decoder) Cost(key frame.AccessUnit) frame.Cost { return sizeOf(&key).orAssumed().cost() }

func (s size) orAssumed() size {
	if s.pixels() == 0 {
		return assumed
	}
	return s
}

// allowed returns how many bytes decoding a GOP of such pictures may take. Others may have set aside what Cost says, so that it may not be
// much more: twice that, and what small pictures grow by.
func (d *Decoder) allowed(s size) int64 {
	const small = 32 << 20
	return min(d.maxMemory(), 2*s.orAssumed().cost().Decoding+small)
}

func (s size) pixels() int64 { return int64(s.width) * int64(s.height) }

// shown returns the pixels of a picture whose pixels are square.
func (s size) shown() int64 { return int64(float64(s.pixels()) * max(s.wide, 1)) }

func (s size) cost() frame.Cost {
	samples := s.pixels() * []int64{2, 3, 4, 6}[s.chroma] / 2
	coded := samples
	if s.depth > 8 {
		coded *= 2
	}
	picture := float64(max(samples, s.pixels()*3/2)) * max(s.wide, 1)
	return frame.Cost{Picture: int64(picture), Decoding: coded * int64(s.held+besides)}
}

// check returns an error if a GOP of pictures of that size takes more memory than the decoder may.
func (d *Decoder) check(c frame.Codec, s size) error {
	if need, most := s.cost().Decoding, d.maxMemory(); need > most {
		return &Error{Step: "check", Codec: c, Err: fmt.Errorf("%w: pictures of %d x %d with %d references take %d MiB, more than %d MiB",
			frame.ErrTooCostly, s.width, s.height, s.held, need>>20, most>>20)}
	}
	return nil
}

// sizeOf reads the headers of a key unit. What it cannot read, or what readers differ in, is unknown.
func sizeOf(u *frame.AccessUnit) size {
	var s size
	switch u.Codec {
	case frame.H264:
		s = sizeH264(u.Data)
	case frame.H265:
		s = sizeH265(u.Data)
	case frame.AV1:
		s = sizeAV1(u.Data)
	case frame.VP8:
		s = sizeVP8(u.Data)
	case frame.VP9:
		s = sizeVP9(u.Data)
	case frame.MJPEG:
		s = sizeMJPEG(u.Data)
	case frame.MPEG4:
		s = sizeMPEG4(u.Data)
	}
	if s.width <= 0 || s.height <= 0 || s.width > mostLines || s.height > mostLines || s.chroma < 0 || s.chroma > 3 || s.depth < 8 || s.depth > 16 {
		return size{}
	}
	return s
}

// The most pictures that a buffer holds (H.264 A.3.1, H.265 A.4.2).
const mostRefs = 16

// The highest level of H.264 of which FFmpeg knows how many pictures the buffer holds.
const knownLevel = 52

// How many macroblocks the buffer of decoded pictures has room for, by level (H.264 table A-1).
var buffered = map[uint8]int{
	10: 396, 11: 900, 12: 2376, 13: 2376, 20: 2376, 21: 4752, 22: 8100, 30: 8100, 31: 18000, 32: 20480, 40: 32768, 41: 32768, 42: 34816,
	50: 110400, 51: 184320, 52: 184320, 60: 696320, 61: 696320, 62: 696320,
}

// depthH264 returns how many pictures the buffer of a stream holds by its level.
func depthH264(sps *h264.SPS) int {
	blocks := int(sps.PicWidthInMbsMinus1+1) * int(sps.PicHeightInMapUnitsMinus1+1)
	if !sps.FrameMbsOnlyFlag {
		blocks *= 2
	}
	if room, ok := buffered[sps.LevelIdc]; ok && blocks > 0 {
		return min(room/blocks, mostRefs)
	}
	return mostRefs
}

// sizeH264 reads sequence parameter sets (7.3.2.1.1), and returns the largest.
func sizeH264(data []byte) (s size) {
	for _, n := range bitstream.SplitAnnexB(nil, data) {
		if kindH264(n) != h264.NALUTypeSPS {
			continue
		}
		var sps h264.SPS
		if _, ok := heightAt(n); !ok || sps.Unmarshal(n) != nil || sps.PicHeightInMapUnitsMinus1 >= mostRows {
			return size{}
		}
		w, h := int(sps.PicWidthInMbsMinus1)+1, int(sps.PicHeightInMapUnitsMinus1)+1
		if !sps.FrameMbsOnlyFlag {
			h *= 2
		}
		held, wide := depthH264(&sps), 1.0
		if sps.VUI != nil {
			wide = wideness(sps.VUI.AspectRatioIdc, sps.VUI.SarWidth, sps.VUI.SarHeight)
			if r := sps.VUI.BitstreamRestriction; r != nil {
				held = int(min(r.MaxNumReorderFrames, mostRefs))
			} else if higher(sps.LevelIdc) > knownLevel {
				held = mostRefs
			}
		}
		s = larger(s, size{macro * w, macro * h, int(sps.ChromaFormatIdc), 8 + int(sps.BitDepthLumaMinus8), max(held, int(sps.MaxNumRefFrames)), wide})
	}
	return s
}

// sizeH265 reads sequence parameter sets (7.3.2.2), and returns the largest.
func sizeH265(data []byte) (s size) {
	for _, n := range bitstream.SplitAnnexB(nil, data) {
		if len(n) < 2 || h265.NALUType(n[0]>>1&0x3f) != h265.NALUType_SPS_NUT || n[0]&1 != 0 || n[1]>>3 != 0 {
			continue
		}
		var sps h265.SPS
		if len(n) > bitstream.MaxSet || impossible(n) || sps.Unmarshal(n) != nil {
			return size{}
		}
		held, wide := mostRefs, 1.0
		if sps.VUI != nil {
			wide = wideness(sps.VUI.AspectRatioIdc, sps.VUI.SarWidth, sps.VUI.SarHeight)
		}
		if len(sps.MaxDecPicBufferingMinus1) > 0 {
			held = int(min(slices.Max(sps.MaxDecPicBufferingMinus1), mostRefs))
		}
		w, h := min(sps.PicWidthInLumaSamples, mostLines+1), min(sps.PicHeightInLumaSamples, mostLines+1)
		s = larger(s, size{int(w), int(h), int(min(sps.ChromaFormatIdc, 4)), 8 + int(min(sps.BitDepthLumaMinus8, 9)), held, wide})
	}
	return s
}

func larger(a, b size) size {
	wide := max(a.wide, b.wide)
	if b.pixels() > a.pixels() || b.pixels() == a.pixels() && b.held > a.held {
		a = b
	}
	a.wide = wide
	return a
}

// Widths and heights of a pixel by aspect_ratio_idc (H.264 table E-1, H.265 table E.1), from 1 on.
var aspects = [][2]float64{{1, 1}, {12, 11}, {10, 11}, {16, 11}, {40, 33}, {24, 11}, {20, 11}, {32, 11}, {80, 33}, {18, 11}, {15, 11}, {64, 33},
	{160, 99}, {4, 3}, {3, 2}, {2, 1}}

// wideness returns how many times wider square pixels make a picture, as squareWidth has it.
func wideness(idc uint8, width, height uint16) float64 {
	const extended = 255
	wide := 1.0
	if idc == extended && height > 0 {
		wide = float64(width) / float64(height)
	} else if idc > 0 && int(idc) <= len(aspects) {
		wide = aspects[idc-1][0] / aspects[idc-1][1]
	}
	if wide > maxAspect {
		return 1
	}
	return wide
}

// sizeVP8 reads a key frame (RFC 6386, 9.1): three bytes, a start code of three, width and height of 14 bits.
func sizeVP8(b []byte) size {
	const references = 3
	if key, err := bitstream.VP8Key(b); err != nil || !key {
		return size{}
	}
	w, h := int(binary.LittleEndian.Uint16(b[6:])&0x3fff), int(binary.LittleEndian.Uint16(b[8:])&0x3fff)
	return size{width: w, height: h, chroma: 1, depth: 8, held: references}
}

// sizeVP9 reads a key frame (6.2):
//
//	frame_marker (2)  profile (2)  0 in profile 3  show_existing  frame_type  show_frame  error_resilient  start code (24)
//	12 bits or 10, from profile 2 on  color_space (3)  range, and subsampling_x, _y, 0 in profiles 1 and 3  width-1 (16)  height-1 (16)
func sizeVP9(b []byte) size {
	const references, rgb, start = 8, 7, 0x498342
	r := bitReader{bytes: b, end: 8 * len(b)}
	r.u(2)
	profile := r.u(1) | r.u(1)<<1
	if profile == 3 {
		r.u(1)
	}
	if r.u(2) != 0 { // it shows another, or is no key frame
		return size{}
	}
	r.u(2)
	if r.u(24) != start {
		return size{}
	}
	s := size{chroma: 1, depth: 8, held: references}
	if profile >= 2 {
		s.depth = 10 + 2*int(r.u(1))
	}
	space := r.u(3)
	if space != rgb {
		r.u(1)
	}
	if profile&1 == 1 {
		s.chroma = 3
		if space != rgb {
			r.u(2)
		}
		r.u(1)
	}
	s.width, s.height = int(r.u(16))+1, int(r.u(16))+1
	if r.failed {
		return size{}
	}
	return s
}

// sizeMJPEG reads the markers up to the frame header (ITU-T T.81, B.2.2):
//
//	ff  SOF  length (16)  depth (8)  height (16)  width (16)  components (8)  n x (id (8), sampling (4, 4), table (8))
func sizeMJPEG(b []byte) size {
	const sof0, dht, jpg, dac, sofF, coefficients = 0xc0, 0xc4, 0xc8, 0xcc, 0xcf, 2
	for b = b[min(len(b), 2):]; len(b) >= 12 && b[0] == 0xff; {
		marker, length := b[1], 2+int(binary.BigEndian.Uint16(b[2:]))
		if marker == 0xff {
			b = b[1:]
			continue
		}
		if marker >= sof0 && marker <= sofF && marker != dht && marker != jpg && marker != dac {
			w, h := int(binary.BigEndian.Uint16(b[7:])), int(binary.BigEndian.Uint16(b[5:]))
			s := size{width: w, height: h, chroma: 3, depth: int(b[4]), held: coefficients}
			if b[9] == 1 {
				s.chroma = 0
			} else if b[11] == 0x22 {
				s.chroma = 1
			}
			return s
		}
		if length > len(b) {
			break
		}
		b = b[length:]
	}
	return size{}
}
