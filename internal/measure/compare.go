package measure

import (
	"image"
	"slices"
)

// Blank reports whether a picture is of one colour, as encoders send while they wait for the camera, and decoders make of nothing.
func Blank(img *image.YCbCr) bool {
	const (
		step   = 4 // every so many rows: chosen for speed, since what is to be seen is higher
		spread = 6 // code values that compression makes of one: chosen by trial, for encoders that wait for a camera
	)
	flat := func(plane []byte, stride, w, h int) bool {
		low, high := byte(255), byte(0)
		for y := 0; y < h; y += step {
			for _, v := range plane[y*stride : y*stride+w] {
				low, high = min(low, v), max(high, v)
			}
			if int(high)-int(low) > spread {
				return false
			}
		}
		return true
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	end := img.COffset(img.Rect.Max.X-1, img.Rect.Max.Y-1) + 1
	cw := img.COffset(img.Rect.Max.X-1, img.Rect.Min.Y) + 1
	ch := (end-cw)/img.CStride + 1
	return flat(img.Y, img.YStride, w, h) && flat(img.Cb, img.CStride, cw, ch) && flat(img.Cr, img.CStride, cw, ch)
}

// SameLuma reports whether two pictures have the same luma.
func SameLuma(a, b *image.YCbCr) bool {
	if a.Rect != b.Rect {
		return false
	}
	w := a.Rect.Dx()
	for y := range a.Rect.Dy() {
		if !slices.Equal(a.Y[y*a.YStride:][:w], b.Y[y*b.YStride:][:w]) {
			return false
		}
	}
	return true
}
