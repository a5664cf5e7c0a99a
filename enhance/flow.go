package enhance

import (
	"sync"

	"github.com/livestill/livestill/enhance/internal/raster"
)

// Dense optical flow by inverse search: Kroeger et al., "Fast optical flow using dense inverse search" (ECCV 2016). Patches of 8x8
// pixels, half overlapped, look for themselves in the other picture, from the smallest layer of a pyramid to the largest, by
// Gauss-Newton steps whose Hessian is that of the patch and need be made but once.
//
// Where they spread the patches' vectors over pixels by how well each fits, here the patches themselves are the nodes of a grid between
// which the flow is linear: what that loses at edges of motion is not trusted anyway.

const (
	patch = 8 // pixels, both ways
	step  = 4 // between patches

	smoothings = 3 // of each layer's vectors: more do little
)

// A flow tells where the pixels of a picture are found in another. Node (i, j) is the centre of the patch that begins at pixel
// (step*i, step*j) of its layer, and its vector is in pixels of that.
type flow struct {
	u, v       []float32
	miss       []float32 // mean square of what a patch differs from what it found, except for its mean
	xx, xy, yy []float32 // how sure a vector is: the inverse of its covariance, except for a factor
	w, h       int
	noise      float32 // variance of the difference of pixels that show the same
}

func (f *flow) resize(w, h int) {
	f.w, f.h = w, h
	f.xx, f.xy, f.yy = raster.Grow(f.xx, w*h), raster.Grow(f.xy, w*h), raster.Grow(f.yy, w*h)
	f.u, f.v, f.miss = raster.Grow(f.u, w*h), raster.Grow(f.v, w*h), raster.Grow(f.miss, w*h)
}

// vector returns the flow at a place in the grid, linear between nodes.
func (f *flow) vector(x, y float32) (u, v float32) {
	x, y = max(0, min(x, float32(f.w-1))), max(0, min(y, float32(f.h-1)))
	i, j := min(int(x), max(0, f.w-2)), min(int(y), max(0, f.h-2))
	x, y = x-float32(i), y-float32(j)
	n := j*f.w + i
	r, d := 1, f.w
	if f.w == 1 {
		r = 0
	}
	if f.h == 1 {
		d = 0
	}
	k0, k1, k2, k3 := (1-x)*(1-y), x*(1-y), (1-x)*y, x*y
	return k0*f.u[n] + k1*f.u[n+r] + k2*f.u[n+d] + k3*f.u[n+d+r], k0*f.v[n] + k1*f.v[n+r] + k2*f.v[n+d] + k3*f.v[n+d+r]
}

// A tracker finds flows. It has what is needed on the way.
type tracker struct {
	luma   pyramid // of the neighbour
	fields [2]flow // of coarser layers, used alternately
	patch  template
	grid   grid
	u, v   []float32
}

var trackers = sync.Pool{New: func() any { return new(tracker) }}

// find finds the flow from one picture to another, on the layer finest and those below it. noise is the variance of the difference of
// their pixels where they show the same.
func (t *tracker) find(from, to pyramid, finest int, noise float32, f *flow) {
	var coarse *flow
	for n := len(from) - 1; n >= finest; n-- {
		now := &t.fields[n&1]
		if n == finest {
			now = f
		}
		now.noise = noiseAt(noise, n)
		t.layer(&from[n], &to[n], coarse, now)
		t.smooth(now)
		coarse = now
	}
}

// noiseAt returns the variance of noise on a layer, given that of pixels: a mean of four has a quarter of it. It is
// a quarter at least: chosen, not measured.
func noiseAt(noise float32, layer int) float32 { return max(noise/float32(int(1)<<(2*layer)), 0.25) }

// layer finds the flow of one layer, given that of the next coarser one, nil if there is none.
func (t *tracker) layer(from, to *layer, coarse, f *flow) {
	f.resize(max(0, from.w-patch+step-1)/step+1, max(0, from.h-patch+step-1)/step+1)
	for j := range f.h {
		for i := range f.w {
			n := j*f.w + i
			var u, v float32
			if coarse != nil { // the centre is at step*i+3.5 here, half of that and a quarter less there
				u, v = coarse.vector((float32(step*i)-4)/(2*step), (float32(step*j)-4)/(2*step))
				u, v = 2*u, 2*v
			}
			p := &t.patch
			p.cut(from, step*i, step*j)
			best := kernels.match(&p.pattern, to, u, v)
			pu, pv := u, v
			if i > 0 {
				best, u, v = p.better(to, f.u[n-1], f.v[n-1], best, u, v)
			}
			if j > 0 {
				best, u, v = p.better(to, f.u[n-f.w], f.v[n-f.w], best, u, v)
			}
			f.u[n], f.v[n], f.miss[n] = p.descend(to, best, u, v, pu, pv, f.noise)
			f.xx[n], f.xy[n], f.yy[n] = p.xx, p.xy, p.yy
		}
	}
}

// refine improves a flow by patches of the next finer layer, one at each node, which have twice the resolution of those of its own.
func (t *tracker) refine(from, to *layer, noise float32, f *flow) {
	f.noise = noise
	for j := range f.h {
		for i := range f.w {
			n := j*f.w + i
			u, v := 2*f.u[n], 2*f.v[n]
			p := &t.patch
			p.cut(from, 2*step*i+patch/2, 2*step*j+patch/2) // has the same centre
			u, v, f.miss[n] = p.descend(to, kernels.match(&p.pattern, to, u, v), u, v, u, v, f.noise)
			f.u[n], f.v[n] = u/2, v/2
			f.xx[n], f.xy[n], f.yy[n] = p.xx, p.xy, p.yy
		}
	}
	t.smooth(f)
}

// A grid is a flow with a border of nodes that count for nothing: node (i, j) is at (j+1)*stride+i+1. The assembly reads it.
type grid struct {
	u, v       []float32
	xx, xy, yy []float32 // how far a vector is to be trusted, for how sure it is and how well it fits
	stride     int
}

// load takes up a flow. Rows are as long as the assembly likes them.
func (g *grid) load(f *flow) {
	g.stride = (f.w+wide-1)/wide*wide + 2
	n := g.stride * (f.h + 2)
	for _, field := range []*[]float32{&g.u, &g.v, &g.xx, &g.xy, &g.yy} {
		*field = raster.Grow(*field, n)
		clear(*field)
	}
	for j := range f.h {
		n, k := j*f.w, (j+1)*g.stride+1
		copy(g.u[k:], f.u[n:][:f.w])
		copy(g.v[k:], f.v[n:][:f.w])
		for i := range f.w {
			m := f.miss[n+i] / f.noise // of a sound match: about one
			w := 1 / (1 + m*m)
			g.xx[k+i], g.xy[k+i], g.yy[k+i] = w*(f.xx[n+i]+f.noise), w*f.xy[n+i], w*(f.yy[n+i]+f.noise)
		}
	}
}

// smooth draws vectors to those of their neighbours that are about the same, each as far as it is sure.
func (t *tracker) smooth(f *flow) {
	g := &t.grid
	g.load(f)
	t.u, t.v = raster.Grow(t.u, len(g.u)), raster.Grow(t.v, len(g.v))
	clear(t.u)
	clear(t.v)
	for range smoothings {
		for j := range f.h {
			n := (j+1)*g.stride + 1
			kernels.smooth(t.u[n:][:g.stride-2], t.v[n:][:g.stride-2], g, n)
		}
		g.u, t.u = t.u, g.u
		g.v, t.v = t.v, g.v
	}
	for j := range f.h {
		n := (j+1)*g.stride + 1
		copy(f.u[j*f.w:][:f.w], g.u[n:])
		copy(f.v[j*f.w:][:f.w], g.v[n:])
	}
}

// smooth writes the vectors from node n on, as drawn to those around them.
func smooth(u, v []float32, g *grid, n int) {
	const least = 1e-12 // beside nodes of the border alone there is nothing to divide by
	for i := range u {
		n := n + i
		xx, xy, yy, bx, by := float32(least), float32(0), float32(least), float32(0), float32(0)
		for row := n - g.stride; row <= n+g.stride; row += g.stride {
			for k := row - 1; k <= row+1; k++ {
				du, dv := g.u[k]-g.u[n], g.v[k]-g.v[n]
				w := 1 / (1 + (du*du + dv*dv))
				axx, axy, ayy := w*g.xx[k], w*g.xy[k], w*g.yy[k]
				xx += axx
				xy += axy
				yy += ayy
				bx += axx*du + axy*dv
				by += axy*du + ayy*dv
			}
		}
		det := 1 / (xx*yy - xy*xy)
		u[i], v[i] = g.u[n]+(yy*bx-xy*by)*det, g.v[n]+(xx*by-xy*bx)*det
	}
}
