// Package scale makes pictures of another size: in linear light, so that a fine pattern keeps its brightness, and without aliasing, by a kernel
// that is as wide as what one pixel of the result stands for.
//
// It works row by row, and needs memory for a few rows beside the result:
//
//	taps.go    which pixels make one of the result, and how much each counts
//	light.go   from and to linear light
//	work.go    which rows are read, kept and written when
//	rows.go    sums of pixels, across and down; rows_amd64.s for AVX2
package scale

import (
	"context"
	"errors"
	"fmt"
	"image"
)

// ErrImage is of an image that is empty, larger than MaxSide, of a subsampling that is not taken, or whose planes are too small for it.
var ErrImage = errors.New("scale: malformed image")

// MaxSide bounds width and height. No number overflows below.
const MaxSide = 1 << 16

// Into fills dst with src, both as far as their Rect. Their pixels are as package image has them: 8-bit full-range BT.601, chroma in the middle of
// the pixels that share it, the transfer function of sRGB. dst is 4:4:4, or 4:2:0 that begins at even coordinates; src has any subsampling. Chroma
// that pixels of dst share with others beyond its Rect becomes that of dst alone. It uses one
// goroutine, has no more than 32 rows of dst and one of src in memory beside both, at 16 bytes a pixel, and ends early when ctx does.
func Into(ctx context.Context, dst, src *image.YCbCr) error {
	if err := errors.Join(check(dst), check(src)); err != nil {
		return err
	}
	if from := dst.Rect.Min; dst.SubsampleRatio != image.YCbCrSubsampleRatio444 &&
		(dst.SubsampleRatio != image.YCbCrSubsampleRatio420 || from.X%2 != 0 || from.Y%2 != 0) {
		return fmt.Errorf("%w: cannot make %v at %v", ErrImage, dst.SubsampleRatio, from)
	}
	size, was := dst.Rect.Size(), src.Rect.Size()
	w := &work{
		from: newReader(src), to: newWriter(dst), across: newTaps(size.X, was.X), down: newTaps(size.Y, was.Y),
		row: make([]pixel, was.X), sums: make([]lights, size.X),
	}
	if w.down.n > mostRows {
		return w.keepSums(ctx)
	}
	return w.keepRows(ctx)
}

// check reports what is wrong with an image.
func check(m *image.YCbCr) error {
	if m == nil || m.Rect.Empty() {
		return fmt.Errorf("%w: no pixels", ErrImage)
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	if w <= 0 || h <= 0 || w > MaxSide || h > MaxSide { // the first two: Dx of an absurd Rect overflows
		return fmt.Errorf("%w: it is %v, sides are limited to %d", ErrImage, m.Rect, MaxSide)
	}
	if m.Rect.Min.X < 0 || m.Rect.Min.Y < 0 {
		return fmt.Errorf("%w: it begins at %v", ErrImage, m.Rect.Min)
	}
	_, down, ok := sharing(m.SubsampleRatio)
	if !ok {
		return fmt.Errorf("%w: subsampling %v", ErrImage, m.SubsampleRatio)
	}
	last := m.Rect.Max.Sub(image.Pt(1, 1))
	if !hasRows(len(m.Y), m.YStride, w, h) {
		return fmt.Errorf("%w: its luma is too small for %v", ErrImage, m.Rect)
	}
	if !hasRows(min(len(m.Cb), len(m.Cr)), m.CStride, m.COffset(last.X, m.Rect.Min.Y)+1, last.Y/down-m.Rect.Min.Y/down+1) {
		return fmt.Errorf("%w: its chroma is too small for %v", ErrImage, m.Rect)
	}
	return nil
}

// hasRows reports whether a plane of n bytes has h rows of w.
func hasRows(n, stride, w, h int) bool {
	return n >= w && (h == 1 || stride >= w && (n-w)/stride >= h-1)
}

// sharing returns how many pixels share a chroma sample, across and down; false of what is no subsampling.
func sharing(s image.YCbCrSubsampleRatio) (across, down int, ok bool) {
	switch s {
	case image.YCbCrSubsampleRatio444:
		return 1, 1, true
	case image.YCbCrSubsampleRatio422:
		return 2, 1, true
	case image.YCbCrSubsampleRatio420:
		return 2, 2, true
	case image.YCbCrSubsampleRatio440:
		return 1, 2, true
	case image.YCbCrSubsampleRatio411:
		return 4, 1, true
	case image.YCbCrSubsampleRatio410:
		return 4, 2, true
	}
	return 0, 0, false
}
