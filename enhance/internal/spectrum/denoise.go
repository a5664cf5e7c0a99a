package spectrum

import (
	"context"
	"sync"

	"github.com/livestill/livestill/enhance/internal/raster"
)

const half = 4 // tiles are 8x8 and lie this far apart

// The weight of a tile falls towards its ends, along both axes: a raised cosine in sixteenths, whose halves add up to one where
// tiles overlap.
const (
	windowBits = 4
	w0, w7     = 1, 1
	w1, w6     = 5, 5
	w2, w5     = 11, 11
	w3, w4     = 15, 15
)

// A denoiser is the scratch memory of one band. Its work goes from one row of tiles, which lie side by side, to the next. What
// tiles share is done once: their columns are transformed down before the tiles part, and back after they have been summed.
//
// Every element is two lanes (see forward8): the left half of the picture, and the right.
type denoiser struct {
	rows    []int64 // the eight rows of the plane that the tiles cover
	columns []int64 // rows, transformed down: eight coefficients for each column
	removed []int64 // the noise in columns, weighted across
	noise   []int64 // the noise in rows, weighted in both directions
}

var denoisers = sync.Pool{New: func() any { return new(denoiser) }}

// Denoise removes noise of a standard deviation from a plane. It shrinks what of the spectrum of tiles of 8x8 pixels is no more than that. The tiles
// overlap by half in both directions. It returns context.Cause(ctx) soon after ctx ends.
func Denoise(ctx context.Context, p raster.Plane, sigma float64) error {
	src := raster.CopyOf(p)
	defer src.Release()
	s := newShrinker(sigma)
	groups := (p.H + half - 1) / half
	return raster.Bands(ctx, groups, 8, func(ctx context.Context, from, to int) {
		d := denoisers.Get().(*denoiser)
		defer denoisers.Put(d)
		d.band(ctx, s, src.Plane, p, from, to)
	})
}

// band removes the noise of the rows from 4*from up to 4*to. Rows 4*g.. lie in the tile rows that begin at 4*g-4 and 4*g.
func (d *denoiser) band(ctx context.Context, s *shrinker, src, dst raster.Plane, from, to int) {
	tiles := (src.W-1)/half + 2 // across, the first begins at -4
	lane := (tiles + 1) / 2     // of them in the left lane; the right lane begins 4*lane further right
	width := half*lane + half   // of the packed rows
	d.rows, d.columns = raster.Grow(d.rows, 8*width), raster.Grow(d.columns, 8*width)
	d.removed, d.noise = raster.Grow(d.removed, 8*width), raster.Grow(d.noise, 8*width)
	clear(d.noise)
	for y := range half {
		pack(d.rows[(half+y)*width:][:width], src, half*(from-1)+y, half*lane)
	}
	for g := from; g <= to && ctx.Err() == nil; g++ {
		copy(d.rows, d.rows[half*width:])
		for y := range half {
			pack(d.rows[(half+y)*width:][:width], src, half*g+y, half*lane)
		}
		d.vertical(width)
		clear(d.removed)
		for x := 0; x+8 <= width; x += half {
			s.tile(d.columns[8*x:][:64], d.removed[8*x:][:64])
		}
		d.gather(width)
		if g > from {
			for y := half * (g - 1); y < min(half*g, src.H); y++ {
				subtract(dst.Row(y), src.Row(y), d.noise[(y-half*(g-1))*width:][:width], half*lane)
			}
		}
		copy(d.noise, d.noise[half*width:])
		clear(d.noise[half*width:])
	}
}

// pack fills row with both lanes of row y of p, mirrored beyond its edges: row[i] has the pixels i-4 and i-4+right.
func pack(row []int64, p raster.Plane, y, right int) {
	line := p.Row(raster.Mirror(y, p.H))
	inside := max(half, min(len(row), p.W+half-right)) // the end of what needs no mirror in either lane
	for i := range half {
		row[i] = int64(line[raster.Mirror(i-half, p.W)]) + int64(line[raster.Mirror(i-half+right, p.W)])<<32
	}
	if n := inside - half; n > 0 {
		l, r, out := line[:n], line[right:][:n], row[half:][:n]
		for i := range out {
			out[i] = int64(l[i]) + int64(r[i])<<32
		}
	}
	for i := inside; i < len(row); i++ {
		row[i] = int64(line[raster.Mirror(i-half, p.W)]) + int64(line[raster.Mirror(i-half+right, p.W)])<<32
	}
}

// vertical transforms the columns of the rows; column x goes to columns[8*x:][:8].
func (d *denoiser) vertical(width int) {
	r := d.rows
	r0, r1, r2, r3 := r[:width], r[width:][:width], r[2*width:][:width], r[3*width:][:width]
	r4, r5, r6, r7 := r[4*width:][:width], r[5*width:][:width], r[6*width:][:width], r[7*width:][:width]
	out := d.columns
	for x := range r0 {
		o := (*[8]int64)(out[8*x:])
		o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7] = forward8(r0[x], r1[x], r2[x], r3[x], r4[x], r5[x], r6[x], r7[x])
	}
}

// gather transforms removed back down the columns and adds it, windowed, to noise.
func (d *denoiser) gather(width int) {
	r := d.noise
	r0, r1, r2, r3 := r[:width], r[width:][:width], r[2*width:][:width], r[3*width:][:width]
	r4, r5, r6, r7 := r[4*width:][:width], r[5*width:][:width], r[6*width:][:width], r[7*width:][:width]
	for x := range r0 {
		o := (*[8]int64)(d.removed[8*x:])
		y0, y1, y2, y3, y4, y5, y6, y7 := inverse8(o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7])
		r0[x] += w0 * y0
		r1[x] += w1 * y1
		r2[x] += w2 * y2
		r3[x] += w3 * y3
		r4[x] += w4 * y4
		r5[x] += w5 * y5
		r6[x] += w6 * y6
		r7[x] += w7 * y7
	}
}

// subtract writes src less noise to dst.
func subtract(dst, src []byte, noise []int64, right int) {
	dst = dst[:len(src)]
	// Where the lanes meet, each has what its own tiles found.
	for i, n := range noise[:half] {
		_, r := lanes(n)
		noise[right+i] += int64(r)
	}
	noise = noise[half:]
	n := min(right, len(src))
	left, rest := noise[:n], noise[:len(src)-n]
	for x, v := range src[:n] {
		l, _ := lanes(left[x])
		dst[x] = less(v, l)
	}
	src, dst = src[n:], dst[n:]
	dst, rest = dst[:len(src)], rest[:len(src)]
	for x, v := range src {
		_, r := lanes(rest[x])
		dst[x] = less(v, r)
	}
}

// less returns a pixel without its noise, rounded.
func less(v byte, noise int32) byte {
	const bits = scaleBits + 2*windowBits
	return byte(max(0, min(255, int32(v)-(noise+1<<(bits-1))>>bits)))
}
