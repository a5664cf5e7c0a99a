package enhance

import (
	"context"
	"image"
	"math"

	"github.com/livestill/livestill/enhance/internal/raster"
)

// Sharpness returns the root mean square of the luma gradient of img, in code values per pixel, without what Noise accounts for.
// It compares pictures of one scene: whatever blurs a picture, whether motion, focus or compression, lowers it. Of two scenes the
// one with more contrast has more. It is zero for a picture without detail, less than three pixels wide or high, or malformed.
func Sharpness(img *image.YCbCr) float64 {
	planes, err := raster.Split(img)
	if err != nil || planes[0].W < 3 || planes[0].H < 3 {
		return 0
	}
	p := planes[0]
	sum := int64(0) // of squares of twice the gradient
	for y := 1; y < p.H-1; y++ {
		above, below := p.Row(y - 1)[1:], p.Row(y + 1)[1:]
		left := p.Row(y)
		right := left[2:]
		above, below, left = above[:len(right)], below[:len(right)], left[:len(right)]
		for x, r := range right {
			h, v := int32(r)-int32(left[x]), int32(below[x])-int32(above[x])
			sum += int64(h*h + v*v)
		}
	}
	mean := float64(sum) / 4 / float64((p.W-2)*(p.H-2))
	sigma, _ := noise(context.Background(), p) // adds sigma²/2 to the squared half difference of two pixels, across and down
	return math.Sqrt(max(0, mean-sigma*sigma))
}
