package ffmpeg

import "image"

// smooth444 returns an image with as many samples of chroma as of luma. Those between come from the four nearest, which weigh 9, 3, 3 and 1
// sixteenths, or from the two nearest, which weigh 3 and 1 quarters: what libjpeg calls fancy upsampling. It suits chroma that lies in the middle
// of the luma that it is for, as a Picture's does.
func smooth444(img *image.YCbCr) *image.YCbCr {
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
