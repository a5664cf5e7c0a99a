package enhance

import (
	"context"
	"image"
	"slices"
	"sync"

	"github.com/livestill/livestill/internal/measure"
)

// Noise returns the standard deviation of the noise in the luma of img, in code values. The 0.29 that rounding to whole values
// leaves in every shade is part of it. It is zero for a picture without noise, of fewer than 8x8 pixels, or malformed.
//
// It asks the high frequencies of the flattest blocks of 8x8 pixels, much as Ponomarenko et al., "An automatic approach to lossy
// compression of AVIRIS images" (IGARSS 2007). Blocks that touch black or white have no say: clipping took their noise.
func Noise(img *image.YCbCr) float64 {
	planes, err := split(img)
	if err != nil {
		return 0
	}
	sigma, _ := noise(context.Background(), planes[0])
	return sigma
}

// energies recycles the list of block energies.
var energies = sync.Pool{New: func() any { return new([]float32) }}

// noise measures the noise of a plane, see measure.Noise. It is zero if ctx ends.
func noise(ctx context.Context, p plane) (sigma, trust float64) { return someNoise(ctx, p, 1) }

// someNoise asks but one of every so many rows of blocks.
func someNoise(ctx context.Context, p plane, every int) (sigma, trust float64) {
	across, down := p.w/8, (p.h/8+every-1)/every
	if across == 0 || down == 0 {
		return 0, 0
	}
	buf := energies.Get().(*[]float32)
	defer energies.Put(buf)
	*buf = grow(*buf, across*down)
	list := *buf
	err := bands(ctx, down, 16, func(_ context.Context, from, to int) {
		for y := from; y < to; y++ {
			for x := range across {
				list[y*across+x] = kernels.energy(p.pix[8*every*y*p.stride+8*x:], p.stride)
			}
		}
	})
	if err != nil {
		return 0, 0
	}
	return measure.Noise(slices.DeleteFunc(list, func(e float32) bool { return e == clipped }))
}

const clipped = -1

// energy returns the mean energy of the 48 coefficients of a block whose frequency is high in either direction, or clipped if the block
// touches black or white.
func energy(pix []byte, stride int) float32 {
	var c [64]int64
	for v := range 8 {
		r, o := (*[8]byte)(pix[v*stride:]), (*[8]int64)(c[8*v:])
		for _, b := range r {
			if b-1 >= 254 { // 0 or 255
				return clipped
			}
		}
		o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7] = forward8(int64(r[0]), int64(r[1]), int64(r[2]), int64(r[3]),
			int64(r[4]), int64(r[5]), int64(r[6]), int64(r[7]))
	}
	const even, odd, low = 1. / 512, 1. / 578, 1. / 320
	sum := 0.
	for u := range 8 {
		y0, y1, y2, y3, y4, y5, y6, y7 := forward8(c[u], c[8+u], c[16+u], c[24+u], c[32+u], c[40+u], c[48+u], c[56+u])
		e := float64(y4*y4)*even + float64(y5*y5+y7*y7)*odd + float64(y6*y6)*low
		if u >= 4 {
			e += float64(y0*y0)*even + float64(y1*y1+y3*y3)*odd + float64(y2*y2)*low
		}
		sum += e / norm2[u]
	}
	return float32(sum / 48)
}
