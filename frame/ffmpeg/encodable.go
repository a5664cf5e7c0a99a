package ffmpeg

// #include "raw.h"
import "C"

import (
	"image"
	"unsafe"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/internal/pixels"
)

// encodable returns an image, whose planes have all of it, with a subsampling that encoders know, and its pixel format.
func encodable(img *image.YCbCr) (*image.YCbCr, astiav.PixelFormat) {
	// A rectangle that does not begin on a chroma sample has no planes of its own to hand over.
	aligned := img.Rect.Min.X%2 == 0 && img.Rect.Min.Y%2 == 0
	switch {
	case img.SubsampleRatio == image.YCbCrSubsampleRatio444:
		return img, astiav.PixelFormatYuvj444P
	case img.SubsampleRatio == image.YCbCrSubsampleRatio422 && aligned:
		return img, astiav.PixelFormatYuvj422P
	case img.SubsampleRatio == image.YCbCrSubsampleRatio420 && aligned:
		return img, astiav.PixelFormatYuvj420P
	}
	return pixels.Nearest444(img), astiav.PixelFormatYuvj444P
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
