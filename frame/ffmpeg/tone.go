package ffmpeg

// #include "tone.h"
import "C"

import (
	"cmp"
	"errors"
	"image"
	"unsafe"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg/internal/tone"
	"github.com/livestill/livestill/internal/bitstream"
)

// supplement adds what FFmpeg does not tell of the colours of a frame: first what the stream says, and then what carries it says, which is nil if
// that is nothing. VP9 has one number for all of BT.2020 (section 7.2.2), and none for PQ and HLG.
func (g *gopDecoder) supplement(raw *C.ls_raw, outside *frame.Colours) {
	switch {
	case g.codec == frame.VP9 && raw.space == spaceBT2020NCL:
		raw.primaries = tone.BT2020
	case g.codec == frame.H264 && raw.max_content == 0 && raw.max_mastering == 0:
		raw.max_content, raw.max_mastering, raw.max_average = C.int(g.light.MaxContent), C.int(g.light.MaxMastering), C.int(g.light.MaxAverage)
	}
	if outside == nil {
		return
	}
	c := frame.Colours{
		Primaries: uint8(raw.primaries), Transfer: uint8(raw.transfer), Matrix: uint8(raw.space),
		MaxContent: int32(raw.max_content), MaxMastering: int32(raw.max_mastering), MaxAverage: int32(raw.max_average),
	}.Or(*outside)
	raw.primaries, raw.transfer = cmp.Or(C.int(c.Primaries), raw.primaries), cmp.Or(C.int(c.Transfer), raw.transfer)
	raw.max_content, raw.max_mastering = cmp.Or(C.int(c.MaxContent), raw.max_content), cmp.Or(C.int(c.MaxMastering), raw.max_mastering)
	raw.max_average = cmp.Or(C.int(c.MaxAverage), raw.max_average)
	if raw.rgb == 0 {
		raw.space = cmp.Or(C.int(c.Matrix), raw.space)
	}
	if raw.ranged == 0 && c.FullRange {
		raw.full = 1
	}
}

// mappingOf returns what has to be done to the colours of a frame.
func mappingOf(raw *C.ls_raw) tone.Mapping {
	s := signal(raw, bitstream.Orientation{}, nil)
	return tone.Of(&s)
}

// planesToneMapped converts planes of 8 to 16 bits, of another range of light or other primaries, into an image that newImage makes.
func planesToneMapped(raw *C.ls_raw, cube *tone.Cube, newImage imageMaker) (*image.YCbCr, error) {
	w, h, depth := int(raw.width), int(raw.height), int(raw.depth)
	img := newImage(image.Rect(0, 0, w, h), ratio(raw))
	full, rgb := raw.full != 0, raw.rgb != 0
	job := &C.ls_tone_job{nodes: tone.Nodes, neutral: C.float(uint(1) << (depth - 1))}
	for r, row := range toRGB(space(raw), full, w, h).ofDepth(depth, rgb, full) {
		for c, v := range row {
			job.m[r][c] = C.float((tone.Nodes - 1) * v)
		}
	}
	if depth > 8 {
		job.wide = 1
	}
	job.shift_x, job.shift_y = shifts(raw)
	y, cb, cr := unsafe.SliceData(img.Y), unsafe.SliceData(img.Cb), unsafe.SliceData(img.Cr)
	if C.ls_tone(job, (*C.float)(&cube[0]), raw, (*C.uint8_t)(y), C.int(img.YStride), (*C.uint8_t)(cb), (*C.uint8_t)(cr), C.int(img.CStride)) != 0 {
		return nil, errors.New("out of memory")
	}
	return img, nil
}
