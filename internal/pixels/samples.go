package pixels

import (
	"image"
	"math"
)

// Nearest444 returns the image with a sample of chroma for each of luma: the one that an image.YCbCr has for it.
func Nearest444(img *image.YCbCr) *image.YCbCr {
	full := image.NewYCbCr(image.Rect(0, 0, img.Rect.Dx(), img.Rect.Dy()), image.YCbCrSubsampleRatio444)
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			from := img.YCbCrAt(img.Rect.Min.X+x, img.Rect.Min.Y+y)
			at := y*full.YStride + x
			full.Y[at], full.Cb[at], full.Cr[at] = from.Y, from.Cb, from.Cr
		}
	}
	return full
}

// Smooth444 returns an image with as many samples of chroma as of luma. Those between come from the four nearest, which weigh 9, 3, 3 and 1
// sixteenths, or from the two nearest, which weigh 3 and 1 quarters: what libjpeg calls fancy upsampling. It suits chroma that lies in the middle
// of the luma that it is for, as a Picture's does.
func Smooth444(img *image.YCbCr) *image.YCbCr {
	var acrossBy, downBy int // how far the second nearest is
	switch img.SubsampleRatio {
	case image.YCbCrSubsampleRatio444:
		return img
	case image.YCbCrSubsampleRatio420:
		acrossBy, downBy = 1, 1
	case image.YCbCrSubsampleRatio422:
		acrossBy = 1
	case image.YCbCrSubsampleRatio440:
		downBy = 1
	case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410: // a sample in four: each is taken as it is
	}
	r := img.Rect
	full := image.NewYCbCr(image.Rect(0, 0, r.Dx(), r.Dy()), image.YCbCrSubsampleRatio444)
	next := func(v, by, low, high int) int { // the luma sample whose chroma is the second nearest to v's
		if v%2 == 0 {
			by = -by
		}
		return min(max(v+by, low), high-1)
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		to := (y - r.Min.Y) * full.YStride
		copy(full.Y[to:to+r.Dx()], img.Y[img.YOffset(r.Min.X, y):])
		below := next(y, downBy, r.Min.Y, r.Max.Y)
		for x := r.Min.X; x < r.Max.X; x++ {
			beside := next(x, acrossBy, r.Min.X, r.Max.X)
			a, b := img.COffset(x, y), img.COffset(beside, y)
			c, d := img.COffset(x, below), img.COffset(beside, below)
			full.Cb[to] = weigh(img.Cb, a, b, c, d)
			full.Cr[to] = weigh(img.Cr, a, b, c, d)
			to++
		}
	}
	return full
}

func weigh(plane []byte, a, b, c, d int) byte {
	return byte((9*int(plane[a]) + 3*int(plane[b]) + 3*int(plane[c]) + int(plane[d]) + 8) / 16)
}

// Limited420 returns the image as VP8 has it (RFC 6386 section 9.2): with BT.601's limited range, 16 to 235 for luma and 16 to 240 for chroma, and
// half as many samples of chroma, both across and down.
func Limited420(img *image.YCbCr) *image.YCbCr {
	var luma, chroma [256]byte
	for v := range 256 {
		luma[v] = byte(math.Round(16 + float64(v)*219/255))
		chroma[v] = byte(math.Round(128 + float64(v-128)*224/255))
	}
	r := img.Rect
	out := image.NewYCbCr(image.Rect(0, 0, r.Dx(), r.Dy()), image.YCbCrSubsampleRatio420)
	for y := range r.Dy() {
		to := out.Y[y*out.YStride:][:r.Dx()]
		for x, v := range img.Y[img.YOffset(r.Min.X, r.Min.Y+y):][:len(to)] {
			to[x] = luma[v]
		}
	}
	for i := range out.Cb {
		x, y := r.Min.X+i%out.CStride*2, r.Min.Y+i/out.CStride*2
		across, down := min(x+1, r.Max.X-1), min(y+1, r.Max.Y-1)
		a, b, c, d := img.COffset(x, y), img.COffset(across, y), img.COffset(x, down), img.COffset(across, down)
		out.Cb[i] = chroma[mean(img.Cb, a, b, c, d)]
		out.Cr[i] = chroma[mean(img.Cr, a, b, c, d)]
	}
	return out
}

func mean(plane []byte, a, b, c, d int) byte {
	return byte((int(plane[a]) + int(plane[b]) + int(plane[c]) + int(plane[d]) + 2) / 4)
}
