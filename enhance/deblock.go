package enhance

import (
	"context"
	"image"
	"math"

	"github.com/livestill/livestill/enhance/internal/raster"
)

// Deblock gets back what a quantiser did to a single picture: blocks, ringing beside edges, and weak detail that became too weak; noise
// that it left goes as well. It knows from other pictures what coefficients are likely to have been, see Fuse, of which it is the part
// that needs no neighbours. It gains a few tenths of a decibel, more where there is noise; where nothing was lost it changes nothing.
type Deblock struct {
	// QP is the quantiser that the picture was coded with, in the scale of
	// H.264, as frame.Picture's EffectiveQP is. Zero means estimated from
	// the blocks that are to be seen: none are if the codec smoothed them.
	// Negative does nothing.
	QP float64

	// Turned says that the picture was turned or mirrored since it was
	// decoded. Then its blocks may be those of its far sides, where these
	// are no multiples of 8.
	Turned bool
}

// Apply restores img.
func (d Deblock) Apply(ctx context.Context, img *image.YCbCr) error {
	planes, err := raster.Split(img)
	if err != nil {
		return err
	}
	if planes[0].W < tile || planes[0].H < tile || d.QP < 0 {
		return context.Cause(ctx)
	}
	if d.QP == 0 {
		d.QP = quantiser(planes[0], d.Turned)
	}
	if d.QP == 0 {
		return context.Cause(ctx)
	}
	sigma, _ := someNoise(ctx, planes[0], sparse)
	if !damaged(d.QP, sigma) {
		return context.Cause(ctx)
	}
	for c, p := range planes {
		variance, noise := coding(float32(d.QP)), float32(sigma*sigma)
		if c > 0 {
			variance *= ofChroma
		}
		if err := restorePlane(ctx, p, variance+noise, noise); err != nil {
			return err
		}
	}
	return nil
}

// restorePlane makes of a plane what it is likely to have been, given the variance of its errors, and noise's part of that.
func restorePlane(ctx context.Context, p raster.Plane, variance, noise float32) error {
	src := raster.CopyOf(p)
	defer src.Release()
	hidden := trained().Truth.ofTarget(variance, noise)
	return merge(ctx, p, []input{{Plane: src.Plane, variance: variance, weight: 1 / variance, hidden: hidden}})
}

// damaged reports whether anybody would see what a quantiser did to a picture, or its noise.
func damaged(qp, sigma float64) bool {
	const (
		fine  = 12 // its step of 2.5 code values puts pixels off by half of one, about
		grain = 2  // that good pictures have
	)
	return qp > fine || sigma > grain
}

const blockSide = 8 // pixels, both ways, of what codecs transform

// quantiser estimates that of a plane in the scale of H.264, from how much more it changes from one block of 8x8 pixels to the next than
// within blocks; zero if it does not. One that was turned may have its blocks counted from its far sides.
func quantiser(p raster.Plane, turned bool) float64 {
	const (
		least = 0.1 // of what changes within, before it is no accident: chosen by trial, so that pictures without blocks have none
		times = 1.3 // as much are pixels off as the edges of blocks, by which they change too much: measured with JPEG
	)
	rows, columns := bendsOfRows(p, blockSide), bendsOfColumns(p, blockSide)
	if turned {
		rows = rows.orMore(bendsOfRows(p, blockSide+p.W%blockSide))
		columns = columns.orMore(bendsOfColumns(p, blockSide+p.H%blockSide))
	}
	edges, within, n := rows.edges+columns.edges, rows.within+columns.within, rows.n+columns.n
	if n == 0 || edges <= (1+least)*within {
		return 0
	}
	off := times * (edges - within) / n
	return max(0, 4+6*math.Log2(off*math.Sqrt(24)))
}

// Bends are how much n places bend at the edges of blocks, and as many within blocks.
type bends struct{ edges, within, n float64 }

// orMore returns o, if that has more to tell of blocks.
func (b bends) orMore(o bends) bends {
	if o.edges-o.within > b.edges-b.within {
		return o
	}
	return b
}

// bendsOfRows sums the bends of rows, where a block begins at the first and each 8 pixels after it. Some rows tell as much as all.
func bendsOfRows(p raster.Plane, first int) (b bends) {
	for y := 0; y < p.H; y += 3 {
		row := p.Row(y)
		for x := first; x+4+2 <= p.W; x += blockSide {
			b.edges += bend(row[x-2:])
			b.within += bend(row[x+4-2:])
			b.n++
		}
	}
	return b
}

// bendsOfColumns is bendsOfRows of columns.
func bendsOfColumns(p raster.Plane, first int) (b bends) {
	for x := 0; x < p.W; x += 3 {
		at := func(y int) byte { return p.Row(y)[x] }
		for y := first; y+4+2 <= p.H; y += blockSide {
			b.edges += bend([]byte{at(y - 2), at(y - 1), at(y), at(y + 1)})
			b.within += bend([]byte{at(y + 2), at(y + 3), at(y + 4), at(y + 5)})
			b.n++
		}
	}
	return b
}

// bend returns by how much the step amid four pixels differs from those beside it.
func bend(p []byte) float64 {
	a, b, c, d := float64(p[0]), float64(p[1]), float64(p[2]), float64(p[3])
	return math.Abs((c - b) - (b-a+d-c)/2)
}
