package enhance

import (
	"context"
	"image"
	"slices"
	"sync"

	"github.com/livestill/livestill/enhance/internal/raster"
	"github.com/livestill/livestill/enhance/internal/spectrum"
	"github.com/livestill/livestill/internal/measure"
)

// Noise returns the standard deviation of the noise in the luma of img, in code values. The 0.29 that rounding to whole values
// leaves in every shade is part of it. It is zero for a picture without noise, of fewer than 8x8 pixels, or malformed.
//
// It asks the high frequencies of the flattest blocks of 8x8 pixels, much as Ponomarenko et al., "An automatic approach to lossy
// compression of AVIRIS images" (IGARSS 2007). Blocks that touch black or white have no say: clipping took their noise.
func Noise(img *image.YCbCr) float64 {
	planes, err := raster.Split(img)
	if err != nil {
		return 0
	}
	sigma, _ := noise(context.Background(), planes[0])
	return sigma
}

// energies recycles the list of block energies.
var energies = sync.Pool{New: func() any { return new([]float32) }}

// noise measures the noise of a plane, see measure.Noise. It is zero if ctx ends.
func noise(ctx context.Context, p raster.Plane) (sigma, trust float64) { return someNoise(ctx, p, 1) }

// someNoise asks but one of every so many rows of blocks.
func someNoise(ctx context.Context, p raster.Plane, every int) (sigma, trust float64) {
	across, down := p.W/8, (p.H/8+every-1)/every
	if across == 0 || down == 0 {
		return 0, 0
	}
	buf := energies.Get().(*[]float32)
	defer energies.Put(buf)
	*buf = raster.Grow(*buf, across*down)
	list := *buf
	err := raster.Bands(ctx, down, 16, func(_ context.Context, from, to int) {
		for y := from; y < to; y++ {
			for x := range across {
				list[y*across+x] = kernels.energy(p.Pix[8*every*y*p.Stride+8*x:], p.Stride)
			}
		}
	})
	if err != nil {
		return 0, 0
	}
	return measure.Noise(slices.DeleteFunc(list, func(e float32) bool { return e == spectrum.Clipped }))
}
