package enhance

import "github.com/livestill/livestill/enhance/internal/raster"

// margin is how far layers go on beyond their edges, so that a patch may lie across them.
const margin = 16

// A layer is a plane of a pyramid with its edges repeated outwards: pixel (x, y) is pix[(y+margin)*stride+x+margin].
type layer struct {
	pix          []float32
	stride, w, h int
}

func (l *layer) at(x, y int) int { return (y+margin)*l.stride + x + margin }

func (l *layer) resize(w, h int) {
	l.w, l.h, l.stride = w, h, w+2*margin
	l.pix = raster.Grow(l.pix, l.stride*(h+2*margin))
}

// extend repeats the edges of a layer.
func (l *layer) extend() {
	for y := range l.h {
		row := l.pix[(y+margin)*l.stride:][:l.stride]
		for i := range margin {
			row[i], row[margin+l.w+i] = row[margin], row[margin+l.w-1]
		}
	}
	first, last := l.pix[margin*l.stride:][:l.stride], l.pix[(margin+l.h-1)*l.stride:][:l.stride]
	for i := range margin {
		copy(l.pix[i*l.stride:][:l.stride], first)
		copy(l.pix[(margin+l.h+i)*l.stride:][:l.stride], last)
	}
}

// load fills a layer with the pixels of p.
func (l *layer) load(p raster.Plane) {
	l.resize(p.W, p.H)
	for y := range p.H {
		kernels.widen(l.pix[l.at(0, y):][:p.W], p.Row(y))
	}
	l.extend()
}

// half fills a layer with the means of four pixels of p.
func (l *layer) half(p raster.Plane) {
	l.resize((p.W+1)/2, (p.H+1)/2)
	for y := range l.h {
		out, top, bottom := l.pix[l.at(0, y):][:l.w], p.Row(2*y), p.Row(min(2*y+1, p.H-1))
		kernels.halve(out[:p.W/2], top, bottom)
		if p.W%2 == 1 {
			out[p.W/2] = (float32(top[p.W-1]) + float32(bottom[p.W-1])) / 2
		}
	}
	l.extend()
}

// halve writes the means of four pixels of two rows.
func halve(dst []float32, top, bottom []byte) {
	for x := range dst {
		t, b := (*[2]byte)(top[2*x:]), (*[2]byte)(bottom[2*x:])
		dst[x] = float32(int(t[0])+int(t[1])+int(b[0])+int(b[1])) / 4
	}
}

// shrink fills a layer with the means of four pixels of m.
func (l *layer) shrink(m *layer) {
	l.resize((m.w+1)/2, (m.h+1)/2)
	for y := range l.h {
		out := l.pix[l.at(0, y):][:l.w]
		r, s := m.pix[m.at(0, 2*y):][:2*l.w], m.pix[m.at(0, 2*y+1):][:2*l.w]
		for x := range out {
			a, b := (*[2]float32)(r[2*x:]), (*[2]float32)(s[2*x:])
			out[x] = (a[0] + a[1] + b[0] + b[1]) / 4
		}
	}
	l.extend()
}

// A pyramid is a plane, and the same at half the size, and so on.
type pyramid []layer

// build makes a pyramid of p, of layers not smaller than one patch. Those larger than the layer finest are left out, and have no pixels.
func (y *pyramid) build(p raster.Plane, finest int) {
	const most = 8 // layers; 2160p has as many
	if *y == nil {
		*y = make(pyramid, most)
	}
	all := (*y)[:most]
	n, w, h := 1, p.W, p.H
	for n < most && min(w, h) >= 4*patch {
		n, w, h = n+1, (w+1)/2, (h+1)/2
	}
	if finest == 0 || n == 1 {
		all[0].load(p)
	}
	for i := 1; i < n; i++ {
		if i == 1 {
			all[1].half(p)
		} else {
			all[i].shrink(&all[i-1])
		}
	}
	*y = all[:n]
}

// widen makes floats of bytes.
func widen(dst []float32, src []byte) {
	for x, v := range src {
		dst[x] = float32(v)
	}
}
