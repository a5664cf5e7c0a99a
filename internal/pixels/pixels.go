// Package pixels is for those who are given a picture that someone else has made: it says whether there is one, and makes the samples of it that they
// can work with.
package pixels

import (
	"errors"
	"fmt"
	"image"

	"github.com/livestill/livestill/frame"
)

// MaxJPEG is the most pixels that a side of a JPEG file has. The format has room for 65,535, but libjpeg, by which most programs read such files, and
// FFmpeg's encoder take no more than this (JPEG_MAX_DIMENSION).
const MaxJPEG = 65500

// Check returns an error if there is no picture, or if its planes do not hold what its size and its strides promise.
func Check(p *frame.Picture) error {
	switch {
	case p == nil:
		return errors.New("there is no picture")
	case p.YCbCr == nil || p.Rect.Empty():
		return errors.New("the picture has no pixels")
	}
	r := p.Rect
	one := image.YCbCr{CStride: 1, SubsampleRatio: p.SubsampleRatio, Rect: r} // counts rows of chroma
	rows := one.COffset(r.Min.X, r.Max.Y-1) + 1
	one.CStride = 0
	columns := one.COffset(r.Max.X-1, r.Min.Y) + 1
	switch {
	case !holds(len(p.Y), p.YStride, r.Dx(), r.Dy()):
		return fmt.Errorf("the picture's luma is too small for %v", r.Size())
	case !holds(min(len(p.Cb), len(p.Cr)), p.CStride, columns, rows):
		return fmt.Errorf("the picture's chroma is too small for %v", r.Size())
	}
	return nil
}

// holds reports whether a plane of n bytes has h rows of w. A part of an image may end with its last row, and not with the stride.
func holds(n, stride, w, h int) bool {
	return n >= w && (h == 1 || stride >= w && (n-w)/stride >= h-1)
}

// CheckFile is Check for who makes a file of a picture that has so many pixels a side at most. What it refuses is a frame.ErrUnsupported.
func CheckFile(p *frame.Picture, most int) error {
	if err := Check(p); err != nil {
		return fmt.Errorf("%w: %w", frame.ErrUnsupported, err)
	}
	if size := p.Rect.Size(); max(size.X, size.Y) > most {
		return fmt.Errorf("%w: a picture of %d x %d, where such a file has %d x %d at most: scale it down, or take another encoder",
			frame.ErrUnsupported, size.X, size.Y, most, most)
	}
	return nil
}
