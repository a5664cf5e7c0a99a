// Package scale makes pictures of another size: in linear light, so that a fine pattern keeps its brightness, and without aliasing, by a kernel
// that is as wide as what one pixel of the result stands for.
//
// It works row by row, and needs memory for a few rows beside the result:
//
//	scale.go   what can be scaled, and to what
//	taps.go    which pixels make one of the result, and how much each counts
//	light.go   from and to linear light
//	read.go    rows of an image as light
//	work.go    which rows are kept, summed and made when
//	write.go   rows of light as those of an image
//	rows.go    the inner loops of all: in Go in rows_other.go, with AVX2 in rows_amd64.go and rows_amd64.s
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
// that pixels of dst share with others beyond its Rect becomes that of dst alone. It uses one goroutine, has no more than 64 rows of src in memory
// beside both, at six bytes a pixel, and ends early when ctx does.
func Into(ctx context.Context, dst, src *image.YCbCr) error { return IntoAll(ctx, src, dst) }

// IntoAll is Into of several images, which takes less time than one after the other: src is read once. All are checked before any is begun.
func IntoAll(ctx context.Context, src *image.YCbCr, all ...*image.YCbCr) error {
	err := check(src)
	for _, dst := range all {
		err = errors.Join(err, checkMade(dst))
	}
	if err != nil {
		return err
	}
	r := newReader(src)
	works := make([]*work, len(all))
	for i, dst := range all {
		works[i] = newWork(dst, r)
	}
	return run(ctx, r, works)
}

// checkMade reports what is wrong with an image that is to be made.
func checkMade(m *image.YCbCr) error {
	if err := check(m); err != nil {
		return err
	}
	from := m.Rect.Min
	if m.SubsampleRatio != image.YCbCrSubsampleRatio444 && (m.SubsampleRatio != image.YCbCrSubsampleRatio420 || from.X%2 != 0 || from.Y%2 != 0) {
		return fmt.Errorf("%w: cannot make %v at %v", ErrImage, m.SubsampleRatio, from)
	}
	return nil
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
