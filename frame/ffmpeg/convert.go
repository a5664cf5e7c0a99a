package ffmpeg

// #include "convert.h"
// #include "raw.h"
import "C"

import (
	"errors"
	"fmt"
	"image"
	"unsafe"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg/internal/tone"
	"github.com/livestill/livestill/internal/bitstream"
)

// Where chroma lies, by enum AVChromaLocation, whose numbers are those of ISO/IEC 23091-4 plus one.
const (
	sitingUnspecified = iota
	sitingLeft
	sitingCenter
	sitingTopLeft
	sitingTop
	sitingBottomLeft
	sitingBottom
)

// convert makes a full-range BT.601 image of a frame, of which raw is known, and tells what was changed for that.
//
// Matrix, range and the place of chroma samples are converted; high dynamic range and wide primaries are mapped, see package tone. Chroma keeps
// its subsampling if it is 4:2:0, 4:2:2 or 4:4:4. What is left of two fields stays woven. At last the picture is turned, as messages of u say.
func (g *gopDecoder) convert(f *astiav.Frame, raw *C.ls_raw, u *unit) (img *image.YCbCr, changes frame.Changes, err error) {
	if raw.whole == 0 {
		return nil, 0, fmt.Errorf("%w: pixel format %v", ErrUnsupported, f.PixelFormat())
	}
	mapping := mappingOf(raw)
	scaled, err := g.readable(f, raw, orAssumed(*u.size), mapping != tone.Mapping{})
	if err != nil {
		return nil, 0, err
	}
	planes := raw
	if scaled != nil {
		defer scaled.Free()
		planes = new(C.ls_raw)
		C.ls_read(scaled.UnsafePointer(), planes)
		planes.full, planes.space = raw.full, raw.space
	}
	switch {
	case planes.width != raw.width:
		changes |= frame.Squared
	case square(raw) != int(raw.width):
		changes |= frame.Unsquared
	}
	img, turned, err := g.d.upright(u.status.Orientation, func(newImage imageMaker) (*image.YCbCr, error) {
		if mapping == (tone.Mapping{}) {
			return planesToJPEG(planes, newImage)
		}
		return planesToneMapped(planes, g.d.cubes().Of(mapping), newImage)
	})
	return img, changes | mapping.Changes() | turned, err
}

// An imageMaker is image.NewYCbCr or the like.
type imageMaker = func(image.Rectangle, image.YCbCrSubsampleRatio) *image.YCbCr

// signal tells what the picture is in the stream; s is nil if it is progressive.
func signal(raw *C.ls_raw, o bitstream.Orientation, s *fields) frame.Signal {
	if raw.sar_num == 0 { // 0:1, says FFmpeg of what is unknown
		raw.sar_den = 0
	}
	told := frame.Signal{
		Width: int32(raw.width), Height: int32(raw.height), BitDepth: uint8(raw.depth), FullRange: raw.full != 0,
		Primaries: uint8(raw.primaries), Transfer: uint8(raw.transfer), Matrix: uint8(raw.space),
		SampleWidth: int32(raw.sar_num), SampleHeight: int32(raw.sar_den),
		Rotation: int32(o.Rotation), Mirrored: o.Mirrored,
		MaxContent: int32(raw.max_content), MaxMastering: int32(raw.max_mastering), MaxAverage: int32(raw.max_average),
	}
	if s != nil {
		told.Fields = s.order
		if s.apart {
			told.Height *= 2
		}
	}
	return told
}

// planesToJPEG converts planes that our own loops can read, into an image that newImage makes.
func planesToJPEG(raw *C.ls_raw, newImage imageMaker) (*image.YCbCr, error) {
	w, h := int(raw.width), int(raw.height)
	img := newImage(image.Rect(0, 0, w, h), ratio(raw))
	q := toJPEG(space(raw), raw.full != 0, w, h).q14()
	job := new(C.ls_job)
	for r := range q {
		for c := range q[r] {
			job.m[r][c] = C.int32_t(q[r][c])
		}
	}
	job.shift_x, job.shift_y = shifts(raw)

	y, cb, cr := unsafe.SliceData(img.Y), unsafe.SliceData(img.Cb), unsafe.SliceData(img.Cr)
	switch {
	case raw.layout == C.LS_GRAY:
		grey(raw, q[0], img)
	case raw.layout == C.LS_GBR:
		C.ls_convert_full(job, raw, (*C.uint8_t)(y), C.int(img.YStride), (*C.uint8_t)(cb), (*C.uint8_t)(cr), C.int(img.CStride))
	case identity(q) && job.shift_x == 0 && job.shift_y == 0:
		for line := range h {
			copy(img.Y[line*img.YStride:], row(raw, 0, line, w))
		}
		for line := range len(img.Cb) / img.CStride {
			copy(img.Cb[line*img.CStride:], row(raw, 1, line, img.CStride))
			copy(img.Cr[line*img.CStride:], row(raw, 2, line, img.CStride))
		}
	default:
		if C.ls_convert(job, raw, (*C.uint8_t)(y), C.int(img.YStride), (*C.uint8_t)(cb), (*C.uint8_t)(cr), C.int(img.CStride)) != 0 {
			return nil, errors.New("out of memory")
		}
	}
	return img, nil
}

// space returns the matrix coefficients of planes. A stream may say that they are of RGB where the planes are Y, Cb and Cr, and the other way
// round.
func space(raw *C.ls_raw) int {
	switch {
	case raw.rgb != 0:
		return spaceRGB
	case raw.space == spaceRGB:
		return spaceUnspecified
	}
	return int(raw.space)
}

func ratio(raw *C.ls_raw) image.YCbCrSubsampleRatio {
	switch {
	case raw.grey != 0 || raw.sub_x != 0 && raw.sub_y != 0:
		return image.YCbCrSubsampleRatio420
	case raw.sub_x != 0:
		return image.YCbCrSubsampleRatio422
	}
	return image.YCbCrSubsampleRatio444
}

// shifts tells where chroma samples lie, seen from their place in a JPEG file, which is the middle of the luma samples that they
// are for (JFIF 1.02, page 4). H.264 (E.2.1) and H.265 (E.3.1) have them level with the left one unless the stream says
// otherwise; that also serves for what FFmpeg knows nothing of.
func shifts(raw *C.ls_raw) (x, y C.int) {
	if raw.sub_x != 0 {
		switch raw.siting {
		case sitingUnspecified, sitingLeft, sitingTopLeft, sitingBottomLeft:
			x = 1
		}
	}
	if raw.sub_y != 0 {
		switch raw.siting {
		case sitingTopLeft, sitingTop:
			y = 1
		case sitingBottomLeft, sitingBottom:
			y = -1
		}
	}
	return x, y
}

// grey makes a picture without colour; m is the matrix row that makes luma.
func grey(raw *C.ls_raw, m [4]int32, img *image.YCbCr) {
	var table [256]byte
	for v := range table {
		table[v] = byte(min(max((int32(v)*m[0]+128*(m[1]+m[2])+m[3]+1<<13)>>14, 0), 255))
	}
	for line := range int(raw.height) {
		out := img.Y[line*img.YStride:]
		for x, v := range row(raw, 0, line, int(raw.width)) {
			out[x] = table[v]
		}
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
}

// row returns n samples of a line of plane i. They are libav's memory.
func row(raw *C.ls_raw, i, line, n int) []byte {
	start := unsafe.Add(unsafe.Pointer(raw.data[i]), line*int(raw.stride[i]))
	return unsafe.Slice((*byte)(start), n)
}
