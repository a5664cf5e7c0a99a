// Package raster has the planes of a picture as they lie in memory, and splits work on them over the processors.
package raster

import (
	"errors"
	"fmt"
	"image"
)

// ErrImage is enhance.ErrImage.
var ErrImage = errors.New("enhance: malformed image")

// maxSide bounds width and height, so that sums over a row or column stay far from overflow: 16 times as wide as 4K.
const maxSide = 1 << 16

// A Plane is one component of a picture.
type Plane struct {
	Pix          []byte
	Stride, W, H int
}

// Row returns row y.
func (p Plane) Row(y int) []byte { return p.Pix[y*p.Stride:][:p.W:p.W] }

// Split returns the luma and both chroma planes of img. An empty image has three empty planes, whatever its fields say.
func Split(img *image.YCbCr) (planes [3]Plane, err error) {
	if img == nil {
		return planes, fmt.Errorf("%w: nil", ErrImage)
	}
	r := img.Rect
	if r.Empty() {
		return planes, nil
	}
	hs, vs, err := Subsampling(img.SubsampleRatio)
	if err != nil {
		return planes, err
	}
	if planes[0], err = newPlane("Y", img.Y, img.YStride, r); err != nil {
		return planes, err
	}
	// The chroma samples of a picture as image.YCbCr.COffset finds them, negative coordinates included.
	c := image.Rect(r.Min.X/hs, r.Min.Y/vs, (r.Max.X-1)/hs+1, (r.Max.Y-1)/vs+1)
	if planes[1], err = newPlane("Cb", img.Cb, img.CStride, c); err != nil {
		return planes, err
	}
	planes[2], err = newPlane("Cr", img.Cr, img.CStride, c)
	return planes, err
}

func newPlane(name string, pix []byte, stride int, r image.Rectangle) (Plane, error) {
	w, h := r.Dx(), r.Dy()
	switch {
	case w <= 0 || h <= 0 || w > maxSide || h > maxSide: // the first two: Dx of an absurd Rect overflows
		return Plane{}, fmt.Errorf("%w: %s is %v, sides are limited to %d", ErrImage, name, r, maxSide)
	case stride < w && h > 1:
		return Plane{}, fmt.Errorf("%w: stride of %s is %d for rows of %d", ErrImage, name, stride, w)
	case len(pix) < w || h > 1 && (len(pix)-w)/stride < h-1:
		return Plane{}, fmt.Errorf("%w: %s has %d bytes for %dx%d with stride %d", ErrImage, name, len(pix), w, h, stride)
	}
	return Plane{pix, stride, w, h}, nil
}

// Subsampling returns how many pixels share a chroma sample, across and down.
func Subsampling(s image.YCbCrSubsampleRatio) (across, down int, err error) {
	switch s {
	case image.YCbCrSubsampleRatio444:
		return 1, 1, nil
	case image.YCbCrSubsampleRatio422:
		return 2, 1, nil
	case image.YCbCrSubsampleRatio420:
		return 2, 2, nil
	case image.YCbCrSubsampleRatio440:
		return 1, 2, nil
	case image.YCbCrSubsampleRatio411:
		return 4, 1, nil
	case image.YCbCrSubsampleRatio410:
		return 4, 2, nil
	}
	return 0, 0, fmt.Errorf("%w: subsampling ratio %d", ErrImage, int(s))
}

// Mirror maps any coordinate into [0, n), reflecting at the edges.
func Mirror(i, n int) int {
	for i < 0 || i >= n {
		if i < 0 {
			i = -1 - i
		} else {
			i = 2*n - 1 - i
		}
	}
	return i
}
