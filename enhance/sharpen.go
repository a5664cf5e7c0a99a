package enhance

import (
	"context"
	"image"
	"math"
	"sync"

	"github.com/livestill/livestill/enhance/internal/raster"
)

// Sharpen makes luma crisper by unsharp masking without its two vices: what does not stand out from the noise is not amplified
// (coring), and no pixel leaves the range of its 5x5 neighbourhood by more than one code value, so that edges get steeper but
// grow no halo. Chroma stays.
//
// Sharpening is a taste: it moves a picture toward what people call sharp and, by any measure of fidelity, away from the scene.
// So the zero value does next to nothing, to strong edges only; an Amount from 0.3 to 1 is what one asks for to see it.
type Sharpen struct {
	// Radius is the standard deviation of the blur that details are told
	// by, in pixels, up to 8; zero means 1.
	Radius float64

	// Amount is how much of the detail is added, up to 16; zero means 0.02;
	// negative adds nothing.
	Amount float64

	// Threshold is the detail, in code values, below which nothing is
	// added; zero means 3 times Noise; negative means 0.
	Threshold float64
}

// The defaults were chosen by trial: such a Sharpen does no harm on any clip of the benchmark. The bounds are chosen, not measured.
const (
	defaultRadius    = 1
	defaultAmount    = 0.02
	defaultThreshold = 3 // times the noise
	maxRadius        = 8
	maxAmount        = 16
	overshoot        = 1 // code values beyond the neighbourhood's range
)

// Apply sharpens img.
func (s Sharpen) Apply(ctx context.Context, img *image.YCbCr) error {
	planes, err := raster.Split(img)
	if err != nil {
		return err
	}
	p := planes[0]
	if s.Amount == 0 {
		s.Amount = defaultAmount
	}
	if p.W == 0 || !(s.Amount > 0) {
		return context.Cause(ctx)
	}
	if s.Threshold == 0 {
		sigma, _ := noise(ctx, p)
		s.Threshold = defaultThreshold * sigma
	}
	if !(s.Radius > 0) {
		s.Radius = defaultRadius
	}
	k := mask{
		blur:      gaussian(min(s.Radius, maxRadius)),
		amount:    int64(min(s.Amount, maxAmount) * (1 << amountBits)),
		threshold: int32(max(0, min(s.Threshold, 255)) * (1 << (2 * weightBits))),
	}
	src := raster.CopyOf(p)
	defer src.Release()
	return raster.Bands(ctx, p.H, 32, func(ctx context.Context, from, to int) {
		m := sharpeners.Get().(*sharpener)
		defer sharpeners.Put(m)
		m.band(ctx, k, src.Plane, p, from, to)
	})
}

const (
	weightBits = 11 // the weights of the blur add up to 1<<11: 8-bit pixels weighted twice fit 30 bits
	amountBits = 12
)

// A mask is what a Sharpen comes to, in fixed point.
type mask struct {
	blur      []int32 // weights from the middle outward
	amount    int64
	threshold int32 // at the scale of twice blurred pixels
}

// gaussian returns half a Gaussian bell, from the middle outward; with its mirror image it adds up to 1<<weightBits.
func gaussian(sigma float64) []int32 {
	weights := make([]float64, int(math.Ceil(3*sigma))+1)
	sum := 0.
	for i := range weights {
		weights[i] = math.Exp(-float64(i*i) / (2 * sigma * sigma))
		sum += 2 * weights[i]
	}
	sum -= weights[0]
	bell, rest := make([]int32, len(weights)), int32(1<<weightBits)
	for i := len(weights) - 1; i > 0; i-- {
		bell[i] = int32(math.Round(weights[i] / sum * (1 << weightBits)))
		rest -= 2 * bell[i]
	}
	bell[0] = rest
	return bell
}

// A sharpener is the scratch memory of one band.
type sharpener struct {
	column    []int32 // a row blurred down its columns, with mirrored ends
	blurred   []int32 // and across
	low, high []byte  // extrema of five rows, with mirrored ends
}

var sharpeners = sync.Pool{New: func() any { return new(sharpener) }}

func (m *sharpener) band(ctx context.Context, k mask, src, dst raster.Plane, from, to int) {
	reach := len(k.blur) - 1
	m.column, m.blurred = raster.Grow(m.column, src.W+2*reach), raster.Grow(m.blurred, src.W)
	m.low, m.high = raster.Grow(m.low, src.W+4), raster.Grow(m.high, src.W+4)
	for y := from; y < to && ctx.Err() == nil; y++ {
		m.blur(k.blur, src, y)
		m.extrema(src, y)
		k.add(dst.Row(y), src.Row(y), m.blurred, m.low, m.high)
	}
}

// blur puts row y, blurred in both directions, into blurred.
func (m *sharpener) blur(bell []int32, p raster.Plane, y int) {
	reach := len(bell) - 1
	column := m.column[reach:][:p.W]
	for x, v := range p.Row(y) {
		column[x] = bell[0] * int32(v)
	}
	for i := 1; i <= reach; i++ {
		above, below, w := p.Row(raster.Mirror(y-i, p.H)), p.Row(raster.Mirror(y+i, p.H)), bell[i]
		above, below = above[:len(column)], below[:len(column)]
		for x := range column {
			column[x] += w * (int32(above[x]) + int32(below[x]))
		}
	}
	for i := 1; i <= reach; i++ {
		m.column[reach-i] = column[raster.Mirror(-i, p.W)]
		m.column[reach+p.W-1+i] = column[raster.Mirror(p.W-1+i, p.W)]
	}
	for x, v := range column {
		m.blurred[x] = bell[0] * v
	}
	for i := 1; i <= reach; i++ {
		left, right, w := m.column[reach-i:][:p.W], m.column[reach+i:][:p.W], bell[i]
		blurred := m.blurred[:len(left)]
		right = right[:len(left)]
		for x := range blurred {
			blurred[x] += w * (left[x] + right[x])
		}
	}
}

// extrema puts the least and the greatest of the five pixels around each of row y, up and down, into low and high.
func (m *sharpener) extrema(p raster.Plane, y int) {
	w := p.W
	r0, r1, r2 := p.Row(raster.Mirror(y-2, p.H))[:w], p.Row(raster.Mirror(y-1, p.H))[:w], p.Row(y)[:w]
	r3, r4 := p.Row(raster.Mirror(y+1, p.H))[:w], p.Row(raster.Mirror(y+2, p.H))[:w]
	low, high := m.low[2:][:w], m.high[2:][:w]
	for x := range low {
		l0, h0 := order(int32(r0[x]), int32(r1[x]))
		l1, h1 := order(int32(r3[x]), int32(r4[x]))
		l0, _ = order(l0, l1)
		_, h1 = order(h0, h1)
		l0, _ = order(l0, int32(r2[x]))
		_, h1 = order(h1, int32(r2[x]))
		low[x], high[x] = byte(l0), byte(h1)
	}
	for i := 1; i <= 2; i++ {
		a, b := raster.Mirror(-i, w), raster.Mirror(w-1+i, w)
		m.low[2-i], m.high[2-i] = low[a], high[a]
		m.low[w+1+i], m.high[w+1+i] = low[b], high[b]
	}
}

// order sorts two values without a branch, which noise would make unpredictable.
func order(a, b int32) (low, high int32) {
	d := a - b
	d &= d >> 31
	return b + d, a - d
}

// add writes src and its cored detail to dst, within the extrema.
func (k *mask) add(dst, src []byte, blurred []int32, low, high []byte) {
	const one = 2*weightBits + amountBits
	dst, blurred, low, high = dst[:len(src)], blurred[:len(src)], low[:len(src)+4], high[:len(src)+4]
	for x, v := range src {
		detail := int32(v)<<(2*weightBits) - blurred[x]
		detail -= max(-k.threshold, min(k.threshold, detail))
		if detail == 0 {
			dst[x] = v
			continue
		}
		s := int32(v) + int32((int64(detail)*k.amount+1<<(one-1))>>one)
		lo := min(low[x], low[x+1], low[x+2], low[x+3], low[x+4])
		hi := max(high[x], high[x+1], high[x+2], high[x+3], high[x+4])
		dst[x] = byte(max(0, int32(lo)-overshoot, min(255, int32(hi)+overshoot, s)))
	}
}
