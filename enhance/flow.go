package enhance

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
	miss       []float32 // mean square of what a patch differs from what it found, but for its mean
	xx, xy, yy []float32 // how sure a vector is: the inverse of its covariance, but for a factor
	w, h       int
	noise      float32 // variance of the difference of pixels that show the same
}

func (f *flow) resize(w, h int) {
	f.w, f.h = w, h
	f.xx, f.xy, f.yy = grow(f.xx, w*h), grow(f.xy, w*h), grow(f.yy, w*h)
	f.u, f.v, f.miss = grow(f.u, w*h), grow(f.v, w*h), grow(f.miss, w*h)
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

// change returns how far the vector at a place in the grid is from those a node away, squared, at most.
func (f *flow) change(x, y, u, v float32) (most float32) {
	for _, d := range [4][2]float32{{-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
		a, b := f.vector(x+d[0], y+d[1])
		most = max(most, (u-a)*(u-a)+(v-b)*(v-b))
	}
	return most
}

// A tracker finds flows. It holds what is needed on the way.
type tracker struct {
	fields [2]flow
	patch  template
	u, v   []float32
}

// find finds the flow from one picture to another, on the layer finest and those below it. noise is the variance of the difference of
// their pixels where they show the same.
func (t *tracker) find(from, to pyramid, finest int, noise float32, f *flow) {
	last := len(from) - 1
	finest = min(finest, last)
	var coarse *flow
	for n := last; n >= finest; n-- {
		now := &t.fields[n&1]
		if n == finest {
			now = f
		}
		now.noise = max(noise/float32(int(1)<<(2*n)), 0.25) // a mean of four pixels has a quarter of their noise
		t.layer(&from[n], &to[n], coarse, now, now.noise)
		for range smoothings {
			t.smooth(now, now.noise)
		}
		coarse = now
	}
}

// layer finds the flow of one layer, given that of the next coarser one, nil if there is none.
func (t *tracker) layer(from, to *layer, coarse, f *flow, noise float32) {
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
			best := p.match(to, u, v)
			pu, pv := u, v
			if i > 0 {
				best, u, v = p.better(to, f.u[n-1], f.v[n-1], best, u, v)
			}
			if j > 0 {
				best, u, v = p.better(to, f.u[n-f.w], f.v[n-f.w], best, u, v)
			}
			f.u[n], f.v[n], f.miss[n] = p.descend(to, best, u, v, pu, pv, noise)
			f.xx[n], f.xy[n], f.yy[n] = p.xx, p.xy, p.yy
		}
	}
}

// smooth draws vectors to those of their neighbours that are about the same, each as far as it is sure.
func (t *tracker) smooth(f *flow, noise float32) {
	t.u, t.v = grow(t.u, len(f.u)), grow(t.v, len(f.u))
	for j := range f.h {
		for i := range f.w {
			n := j*f.w + i
			var xx, xy, yy, bx, by float32
			for y := max(0, j-1); y <= min(f.h-1, j+1); y++ {
				for x := max(0, i-1); x <= min(f.w-1, i+1); x++ {
					k := y*f.w + x
					du, dv := f.u[k]-f.u[n], f.v[k]-f.v[n]
					m := f.miss[k] / noise // of a sound match: about one
					w := 1 / (1 + (du*du + dv*dv)) / (1 + m*m)
					axx, axy, ayy := w*(f.xx[k]+noise), w*f.xy[k], w*(f.yy[k]+noise)
					xx += axx
					xy += axy
					yy += ayy
					bx += axx*du + axy*dv
					by += axy*du + ayy*dv
				}
			}
			det := 1 / (xx*yy - xy*xy)
			t.u[n], t.v[n] = f.u[n]+(yy*bx-xy*by)*det, f.v[n]+(xx*by-xy*bx)*det
		}
	}
	f.u, t.u = t.u, f.u
	f.v, t.v = t.v, f.v
}

// A template is a patch to be found.
type template struct {
	x, y        int
	pix, gx, gy [patch * patch]float32
	sx, sy      float32 // sums of the gradient
	xx, xy, yy  float32 // its second moments about the mean
	minX, maxX  float32 // vectors that stay within the margins
	minY, maxY  float32
}

// A fit is how a template differs from what lies at some place.
type fit struct {
	miss   float32 // square of the difference, but for its mean
	bx, by float32 // its products with the gradient
}

// cut takes the template at (x, y).
func (p *template) cut(l *layer, x, y int) {
	p.x, p.y = x, y
	p.minX, p.maxX = float32(-x-margin+1), float32(l.w+margin-patch-2-x)
	p.minY, p.maxY = float32(-y-margin+1), float32(l.h+margin-patch-2-y)
	var sx, sy, xx, xy, yy float32
	for v := range patch {
		o := l.at(x, y+v)
		copy(p.pix[v*patch:][:patch], l.pix[o:])
		gx, gy := (*[patch]float32)(l.gx[o:]), (*[patch]float32)(l.gy[o:])
		*(*[patch]float32)(p.gx[v*patch:]), *(*[patch]float32)(p.gy[v*patch:]) = *gx, *gy
		for u, a := range gx {
			b := gy[u]
			sx += a
			sy += b
			xx += a * a
			xy += a * b
			yy += b * b
		}
	}
	const n = patch * patch
	p.sx, p.sy, p.xx, p.xy, p.yy = sx, sy, xx-sx*sx/n, xy-sx*sy/n, yy-sy*sy/n
}

// match compares the template with what lies (u, v) away from it.
func (p *template) match(l *layer, u, v float32) fit {
	u, v = max(p.minX, min(u, p.maxX)), max(p.minY, min(v, p.maxY))
	iu, iv := floorInt(u), floorInt(v)
	fu, fv := u-float32(iu), v-float32(iv)
	k0, k1, k2, k3 := (1-fu)*(1-fv), fu*(1-fv), (1-fu)*fv, fu*fv
	var s, ss, bx, by float32
	o := l.at(p.x+iu, p.y+iv)
	below := (*[patch + 1]float32)(l.pix[o:])
	for y := range patch {
		o += l.stride
		above := below
		below = (*[patch + 1]float32)(l.pix[o:])
		t, gx, gy := (*[patch]float32)(p.pix[y*patch:]), (*[patch]float32)(p.gx[y*patch:]), (*[patch]float32)(p.gy[y*patch:])
		for x := range t {
			d := k0*above[x] + k1*above[x+1] + k2*below[x] + k3*below[x+1] - t[x]
			s += d
			ss += d * d
			bx += d * gx[x]
			by += d * gy[x]
		}
	}
	const n = patch * patch
	return fit{max(0, ss-s*s/n), bx - s*p.sx/n, by - s*p.sy/n}
}

func floorInt(f float32) int {
	i := int(f)
	if float32(i) > f {
		i--
	}
	return i
}

// better returns the vector (u, v) and its fit if that is the better one.
func (p *template) better(l *layer, u, v float32, old fit, oldU, oldV float32) (fit, float32, float32) {
	if dx, dy := u-oldU, v-oldV; dx*dx+dy*dy < 0.01 {
		return old, oldU, oldV
	}
	if f := p.match(l, u, v); f.miss < old.miss {
		return f, u, v
	}
	return old, oldU, oldV
}

// descend improves a vector until it no longer moves. It is drawn towards (pu, pv), as far as noise allows doubt.
func (p *template) descend(l *layer, f fit, u, v, pu, pv, noise float32) (bestU, bestV, miss float32) {
	const (
		most  = 8     // steps
		still = 0.02  // pixels
		far   = patch // pixels away from where it began it has lost its way
		stiff = 0.3   // standard deviation, in pixels, of a vector from what is expected of it
	)
	pull := noise / (stiff * stiff)
	xx, xy, yy := p.xx+pull, p.xy, p.yy+pull
	det := 1 / (xx*yy - xy*xy)
	u0, v0 := u, v
	cost := func(f fit, u, v float32) float32 { return f.miss + pull*((u-pu)*(u-pu)+(v-pv)*(v-pv)) }
	bestU, bestV, miss = u, v, f.miss
	best := cost(f, u, v)
	for range most {
		bx, by := f.bx+pull*(u-pu), f.by+pull*(v-pv)
		dx, dy := (yy*bx-xy*by)*det, (xx*by-xy*bx)*det
		u, v = u-dx, v-dy
		if (u-u0)*(u-u0)+(v-v0)*(v-v0) > far*far {
			break
		}
		f = p.match(l, u, v)
		c := cost(f, u, v)
		if c >= best {
			break
		}
		bestU, bestV, miss, best = u, v, f.miss, c
		if dx*dx+dy*dy < still*still {
			break
		}
	}
	return bestU, bestV, miss / (patch * patch)
}
