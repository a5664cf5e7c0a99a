package ffmpeg

// #include "raw.h"
import "C"

import (
	"fmt"
	"image"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// check refuses an image that is empty, and one that C would read beyond.
func check(img *image.YCbCr) error {
	if img == nil || img.Rect.Empty() {
		return fmt.Errorf("%w: an empty picture", ErrUnsupported)
	}
	if !sound(img) {
		return fmt.Errorf("%w: a picture with planes smaller than itself", ErrUnsupported)
	}
	return nil
}

// encodable returns the image with a subsampling that the encoder knows, and its pixel format.
func encodable(img *image.YCbCr) (*image.YCbCr, astiav.PixelFormat, error) {
	if err := check(img); err != nil {
		return nil, 0, err
	}
	// A rectangle that does not begin on a chroma sample has no planes of its own to hand over.
	aligned := img.Rect.Min.X%2 == 0 && img.Rect.Min.Y%2 == 0
	switch {
	case img.SubsampleRatio == image.YCbCrSubsampleRatio444:
		return img, astiav.PixelFormatYuvj444P, nil
	case img.SubsampleRatio == image.YCbCrSubsampleRatio422 && aligned:
		return img, astiav.PixelFormatYuvj422P, nil
	case img.SubsampleRatio == image.YCbCrSubsampleRatio420 && aligned:
		return img, astiav.PixelFormatYuvj420P, nil
	}
	full := image.NewYCbCr(image.Rect(0, 0, img.Rect.Dx(), img.Rect.Dy()), image.YCbCrSubsampleRatio444)
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			from := img.YCbCrAt(img.Rect.Min.X+x, img.Rect.Min.Y+y)
			at := y*full.YStride + x
			full.Y[at], full.Cb[at], full.Cr[at] = from.Y, from.Cb, from.Cr
		}
	}
	return full, astiav.PixelFormatYuvj444P, nil
}

// sound reports whether the planes of an image, which is not empty, have all of it: C does not check.
func sound(img *image.YCbCr) bool {
	last := img.Rect.Max.Sub(image.Pt(1, 1))
	one := image.YCbCr{CStride: 1, SubsampleRatio: img.SubsampleRatio, Rect: img.Rect}
	rows := one.COffset(img.Rect.Min.X, last.Y) + 1
	one.CStride = 0
	columns := one.COffset(last.X, img.Rect.Min.Y) + 1
	return hasRows(len(img.Y), img.YStride, img.Rect.Dx(), img.Rect.Dy()) && hasRows(min(len(img.Cb), len(img.Cr)), img.CStride, columns, rows)
}

// hasRows reports whether a plane of n bytes has h rows of w. A part of an image may end with its last row, and not with the stride.
func hasRows(n, stride, w, h int) bool {
	return n >= w && (h == 1 || stride >= w && (n-w)/stride >= h-1)
}

// chromaSize returns the size of the chroma planes of an image that encodable returned.
func chromaSize(img *image.YCbCr) (w, h int) {
	w, h = img.Rect.Dx(), img.Rect.Dy()
	if img.SubsampleRatio != image.YCbCrSubsampleRatio444 {
		w = (w + 1) / 2
	}
	if img.SubsampleRatio == image.YCbCrSubsampleRatio420 {
		h = (h + 1) / 2
	}
	return w, h
}

// copied returns a frame with the pixels of an image that encodable returned.
func copied(img *image.YCbCr, format astiav.PixelFormat) (*astiav.Frame, error) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	f, err := newFrame(w, h, format)
	if err != nil {
		return nil, err
	}
	cw, ch := chromaSize(img)
	put := func(i int, plane []byte, stride, w, h int) {
		C.ls_plane(f.UnsafePointer(), C.int(i), (*C.uint8_t)(unsafe.SliceData(plane)), C.int(stride), C.int(w), C.int(h))
	}
	put(0, img.Y[img.YOffset(img.Rect.Min.X, img.Rect.Min.Y):], img.YStride, w, h)
	chroma := img.COffset(img.Rect.Min.X, img.Rect.Min.Y)
	put(1, img.Cb[chroma:], img.CStride, cw, ch)
	put(2, img.Cr[chroma:], img.CStride, cw, ch)
	return f, nil
}

// newFrame returns a frame with memory for its pixels.
func newFrame(w, h int, format astiav.PixelFormat) (*astiav.Frame, error) {
	f := astiav.AllocFrame()
	f.SetWidth(w)
	f.SetHeight(h)
	f.SetPixelFormat(format)
	if err := f.AllocBuffer(0); err != nil {
		f.Free()
		return nil, err
	}
	return f, nil
}
