// Package turn turns and mirrors pictures, so that they are upright.
package turn

import "image"

// Picture returns img turned clockwise by so many degrees, a multiple of 90, after it was mirrored, left for right, if mirrored is true. It is made
// by newImage, and its first pixel is at (0, 0). img has pixels, and is only read.
//
// Luma is moved, and so is chroma wherever its samples of the new picture lie on those of the old one: always, if no side is odd. Else chroma is
// shifted by half a sample. The subsampling of 4:4:4, 4:2:0 and mirrored 4:2:2 stays; 4:2:2 that is turned by 90 or 270 degrees becomes 4:4:4, and so
// does all other.
func Picture(img *image.YCbCr, degrees int, mirrored bool,
	newImage func(image.Rectangle, image.YCbCrSubsampleRatio) *image.YCbCr,
) *image.YCbCr {
	o := orientationOf(degrees, mirrored)
	y, cb, cr, ratio := planes(img, o)
	size := image.Rect(0, 0, y.w, y.h)
	if o.swapped {
		size = image.Rect(0, 0, y.h, y.w)
	}
	out := newImage(size, ratio)
	c := size.Max
	if ratio != image.YCbCrSubsampleRatio444 {
		c.X = (c.X + 1) / 2
	}
	if ratio == image.YCbCrSubsampleRatio420 {
		c.Y = (c.Y + 1) / 2
	}
	o.move(plane{out.Y, out.YStride, size.Max.X, size.Max.Y}, y)
	o.move(plane{out.Cb, out.CStride, c.X, c.Y}, cb)
	o.move(plane{out.Cr, out.CStride, c.X, c.Y}, cr)
	return out
}

// An orientation says where rows and columns go.
type orientation struct {
	swapped bool // rows become columns
	fromEnd struct {
		x, y bool // the last column, or row, becomes the first
	}
}

func orientationOf(degrees int, mirrored bool) (o orientation) {
	const whole, half, quarter = 360, 180, 90
	degrees = (degrees%whole + whole) % whole
	o.swapped = degrees%half == quarter
	o.fromEnd.x = mirrored != (degrees >= half)
	o.fromEnd.y = degrees == quarter || degrees == half
	return o
}

// planes returns the planes of img as they are to be moved, and the subsampling that they have then.
func planes(img *image.YCbCr, o orientation) (y, cb, cr plane, ratio image.YCbCrSubsampleRatio) {
	r := img.Rect
	y = plane{img.Y[img.YOffset(r.Min.X, r.Min.Y):], img.YStride, r.Dx(), r.Dy()}
	first, last := img.COffset(r.Min.X, r.Min.Y), img.COffset(r.Max.X-1, r.Min.Y)
	height := (img.COffset(r.Min.X, r.Max.Y-1)-first)/img.CStride + 1
	cb = plane{img.Cb[first:], img.CStride, last - first + 1, height}
	cr = plane{img.Cr[first:], img.CStride, last - first + 1, height}
	ratio = img.SubsampleRatio
	oddX, oddY := r.Min.X&1, r.Min.Y&1
	switch {
	case ratio == image.YCbCrSubsampleRatio444:
	case ratio == image.YCbCrSubsampleRatio422 && o.swapped:
		return y, widened(cb, y.w, oddX), widened(cr, y.w, oddX), image.YCbCrSubsampleRatio444
	case ratio == image.YCbCrSubsampleRatio422:
		x := shift(y.w, oddX, o.fromEnd.x)
		cb, cr = shiftedX(cb, y.w, x), shiftedX(cr, y.w, x)
	case ratio == image.YCbCrSubsampleRatio420:
		x, z := shift(y.w, oddX, o.fromEnd.x), shift(y.h, oddY, o.fromEnd.y)
		cb, cr = shiftedY(shiftedX(cb, y.w, x), y.h, z), shiftedY(shiftedX(cr, y.w, x), y.h, z)
	default:
		return y, repeated(img, img.Cb), repeated(img, img.Cr), image.YCbCrSubsampleRatio444
	}
	return y, cb, cr, ratio
}

// repeated returns a plane of chroma of an img of any subsampling with a sample for each pixel.
func repeated(img *image.YCbCr, samples []byte) plane {
	p := newPlane(img.Rect.Dx(), img.Rect.Dy())
	for y := range p.h {
		row := p.row(y)
		for x := range row {
			row[x] = samples[img.COffset(img.Rect.Min.X+x, img.Rect.Min.Y+y)]
		}
	}
	return p
}
