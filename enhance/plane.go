package enhance

import (
	"errors"
	"fmt"
	"image"
)

// ErrImage is wrapped by the error for an image whose fields contradict each other: a stride shorter than a row, a plane shorter
// than its rows, an unknown subsampling.
var ErrImage = errors.New("enhance: malformed image")

// maxSide bounds width and height, so that sums over a row or column stay far from overflow: 16 times as wide as 4K.
const maxSide = 1 << 16

// A plane is one component of a picture. Row y is pix[y*stride:][:w].
type plane struct {
	pix          []byte
	stride, w, h int
}

func (p plane) row(y int) []byte { return p.pix[y*p.stride:][:p.w:p.w] }

// split returns the luma and both chroma planes of img. An empty image has three empty planes, whatever its fields say.
func split(img *image.YCbCr) (planes [3]plane, err error) {
	if img == nil {
		return planes, fmt.Errorf("%w: nil", ErrImage)
	}
	r := img.Rect
	if r.Empty() {
		return planes, nil
	}
	hs, vs, err := subsampling(img.SubsampleRatio)
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

func newPlane(name string, pix []byte, stride int, r image.Rectangle) (plane, error) {
	w, h := r.Dx(), r.Dy()
	switch {
	case w <= 0 || h <= 0 || w > maxSide || h > maxSide: // the first two: Dx of an absurd Rect overflows
		return plane{}, fmt.Errorf("%w: %s is %v, sides are limited to %d", ErrImage, name, r, maxSide)
	case stride < w && h > 1:
		return plane{}, fmt.Errorf("%w: stride of %s is %d for rows of %d", ErrImage, name, stride, w)
	case len(pix) < w || h > 1 && (len(pix)-w)/stride < h-1:
		return plane{}, fmt.Errorf("%w: %s has %d bytes for %dx%d with stride %d", ErrImage, name, len(pix), w, h, stride)
	}
	return plane{pix, stride, w, h}, nil
}

// subsampling returns how many pixels share a chroma sample, across and down.
func subsampling(s image.YCbCrSubsampleRatio) (across, down int, err error) {
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
