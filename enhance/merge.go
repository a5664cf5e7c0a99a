package enhance

import (
	"context"
	"math"
	"sync"

	"github.com/livestill/livestill/enhance/internal/raster"
)

const (
	tile    = 16 // pixels, both ways
	hop     = tile / 2
	tileLen = tile * tile

	// A neighbour with less trust is left out of a tile. Chosen for speed: it would count for a hundredth of its weight.
	leastTrust = 0.01
)

// window is the square root of a raised cosine. It is applied before the transform and again after it, so that overlapping tiles add up to
// one. It is divided by the square root of 8, by which the transform's coefficients are too large, see dct.go.
var window = func() (w [tile]float32) {
	for i := range w {
		w[i] = float32(math.Sin((float64(i)+0.5)*math.Pi/tile) / math.Sqrt(tile/2))
	}
	return w
}()

// An input is a picture to be merged: the target itself, which comes first, or a neighbour as the target sees it.
type input struct {
	raster.Plane
	warper                   // of a neighbour
	variance float32         // of the errors of its pixels
	weight   float32         // in the mean: see weights
	hidden   [hidden]float32 // what its network knows of the picture
	trust    []float32       // in a neighbour, from zero to one, for each tile
	share    []float32       // how much of it counted, for each tile; nil if nobody wants to know
}

// A merger is the scratch memory of one band.
type merger struct {
	rows    [][]float32 // for each input: the rows that the tiles of a tile row cover, of a neighbour what it differs by from the target
	splines []spline    // of neighbours
	columns [][]float32 // rows windowed and transformed down: 16 coefficients for each column
	source  rowSource
	sum     []float32 // the merged columns
	out     []float32 // the merged rows
	tile    blend
}

var mergers = sync.Pool{New: func() any { return new(merger) }}

// merge writes to dst what the inputs, of which the first is the target, show together.
func merge(ctx context.Context, dst raster.Plane, inputs []input) error {
	return raster.Bands(ctx, (dst.H+hop-1)/hop, 8, func(ctx context.Context, from, to int) {
		m := mergers.Get().(*merger)
		defer mergers.Put(m)
		m.band(ctx, dst, inputs, from, to)
	})
}

// band merges the rows from hop*from up to hop*to. Rows hop*g.. lie in the tile rows g, which begins at hop*(g-1), and g+1.
func (m *merger) band(ctx context.Context, dst raster.Plane, inputs []input, from, to int) {
	tiles, last := (dst.W-1)/hop+2, (dst.H+hop-1)/hop
	width := hop*tiles + hop
	m.begin(inputs, width)
	m.next(inputs, from-1, width)
	m.sum, m.out = raster.Grow(m.sum, tile*width), raster.Grow(m.out, tile*width)
	clear(m.out)
	for g := from; g <= to && ctx.Err() == nil; g++ {
		m.next(inputs, g, width)
		for k := range inputs {
			kernels.down(m.columns[k], m.rows[k], width)
		}
		clear(m.sum)
		for c := range tiles {
			m.blend(inputs, tile*hop*c, g*tiles+c, g < to || to == last)
		}
		kernels.up(m.out, m.sum, width)
		if g > from {
			for y := hop * (g - 1); y < min(hop*g, dst.H); y++ {
				kernels.store(dst.Row(y), m.out[(y-hop*(g-1))*width+hop:])
			}
		}
		copy(m.out, m.out[hop*width:])
		clear(m.out[hop*width:])
	}
}

// begin makes room for the rows of inputs.
func (m *merger) begin(inputs []input, width int) {
	for len(m.rows) < len(inputs) {
		m.rows, m.columns, m.splines = append(m.rows, nil), append(m.columns, nil), append(m.splines, spline{})
	}
	for k := range inputs {
		m.rows[k], m.columns[k] = raster.Grow(m.rows[k], tile*width), raster.Grow(m.columns[k], tile*width)
		m.splines[k].begin(inputs[k].Plane)
	}
}

// next takes up the rows from hop*g on, as many as a tile row has below the one before.
func (m *merger) next(inputs []input, g, width int) {
	for k, rows := range m.rows[:len(inputs)] {
		copy(rows, rows[hop*width:])
		for y := range hop {
			row := rows[(hop+y)*width:][:width]
			m.read(&inputs[k], hop*g+y, row, &m.splines[k])
			if k > 0 {
				kernels.differ(row, m.rows[0][(hop+y)*width:])
			}
		}
	}
}

// read reads row y of an input, which may lie beyond the edge: there it is mirrored.
func (m *merger) read(in *input, y int, row []float32, s *spline) {
	y = raster.Mirror(y, in.H)
	inside := row[hop:][:in.W]
	if in.flow == nil {
		kernels.widen(inside, in.Row(y))
	} else {
		in.warpRow(inside, in.Plane, y, s, &m.source)
	}
	for i := range hop {
		row[i] = inside[raster.Mirror(i-hop, in.W)]
	}
	for i := hop + in.W; i < len(row); i++ {
		row[i] = inside[raster.Mirror(i-hop, in.W)]
	}
}

// down transforms the columns of the rows.
func down(columns, rows []float32, width int) {
	for x := range width {
		c := (*[tile]float32)(columns[tile*x:])
		for y := range c {
			c[y] = rows[y*width+x] * window[y]
		}
		cosine16(c)
	}
}

// up transforms columns back and adds them to rows.
func up(rows, columns []float32, width int) {
	for x := range width {
		c := (*[tile]float32)(columns[tile*x:])
		cosine16T(c)
		for y, v := range c {
			rows[y*width+x] += v * window[y]
		}
	}
}

// across transforms the rows of a tile, which begins at columns[0].
func across(out *[tileLen]float32, columns []float32) {
	in := (*[tileLen]float32)(columns)
	for v := range tile {
		var r [tile]float32
		for u := range r {
			r[u] = in[tile*u+v] * window[u]
		}
		cosine16(&r)
		for u, c := range r {
			out[tile*u+v] = c
		}
	}
}

// back transforms the rows of a tile back and adds them to columns.
func back(columns []float32, in *[tileLen]float32) {
	out := (*[tileLen]float32)(columns)
	for v := range tile {
		var r [tile]float32
		for u := range r {
			r[u] = in[tile*u+v]
		}
		cosine16T(&r)
		for u, c := range r {
			out[tile*u+v] += c * window[u]
		}
	}
}

// store rounds a row to pixels.
func store(dst []byte, row []float32) {
	for x, v := range row[:len(dst)] {
		dst[x] = byte(max(0, min(255, int32(v+0.5))))
	}
}

// blend merges the tile that begins at columns[at]; index is its place in the lists of trust. Where bands overlap only one of them tells
// what counted.
func (m *merger) blend(inputs []input, at, index int, tell bool) {
	t := &m.tile
	t.begin(m, inputs, at, index)
	t.merge(&inputs[0])
	kernels.back(m.sum[at:], &t.merged)
	if !tell || inputs[len(inputs)-1].share == nil {
		return
	}
	for k := range inputs[1:] {
		inputs[1+k].share[index] = 0
	}
	for k := range t.others {
		t.others[k].in.share[index] = t.others[k].share
	}
}
