package enhance

// margin is how far the planes of a pyramid go on beyond their edges, so that a patch may lie across them.
const margin = 16

// A layer is a plane of a pyramid with its edges repeated outwards: pixel (x, y) is pix[(y+margin)*stride+x+margin].
type layer struct {
	pix, gx, gy  []float32 // gx and gy are the gradient; layer 0 has none
	stride, w, h int
}

func (l *layer) at(x, y int) int { return (y+margin)*l.stride + x + margin }

func (l *layer) resize(w, h int) {
	l.w, l.h, l.stride = w, h, w+2*margin
	l.pix = grow(l.pix, l.stride*(h+2*margin))
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
func (l *layer) load(p plane) {
	l.resize(p.w, p.h)
	for y := range p.h {
		out := l.pix[l.at(0, y):][:p.w]
		for x, v := range p.row(y) {
			out[x] = float32(v)
		}
	}
	l.extend()
}

// halve fills a layer with the means of four pixels of m.
func (l *layer) halve(m *layer) {
	l.resize((m.w+1)/2, (m.h+1)/2)
	for y := range l.h {
		out := l.pix[l.at(0, y):][:l.w]
		r, s := m.pix[m.at(0, 2*y):][:2*l.w], m.pix[m.at(0, 2*y+1):][:2*l.w]
		for x := range out {
			out[x] = (r[2*x] + r[2*x+1] + s[2*x] + s[2*x+1]) / 4
		}
	}
	l.extend()
}

// slope fills in the gradient.
func (l *layer) slope() {
	l.gx, l.gy = grow(l.gx, len(l.pix)), grow(l.gy, len(l.pix))
	n, s := len(l.pix), l.stride
	clear(l.gx[:s+1])
	clear(l.gy[:s+1])
	clear(l.gx[n-s-1:])
	clear(l.gy[n-s-1:])
	mid := l.pix[s+1 : n-s-1]
	left, right, up, down := l.pix[s:][:len(mid)], l.pix[s+2:][:len(mid)], l.pix[1:][:len(mid)], l.pix[2*s+1:][:len(mid)]
	gx, gy := l.gx[s+1:][:len(mid)], l.gy[s+1:][:len(mid)]
	for i := range mid {
		gx[i] = (right[i] - left[i]) / 2
		gy[i] = (down[i] - up[i]) / 2
	}
}

// A pyramid is a plane, and the same at half the size, and so on.
type pyramid []layer

// build makes a pyramid of p, of layers not smaller than one patch.
func (y *pyramid) build(p plane) {
	const most = 8
	if *y == nil {
		*y = make(pyramid, most)
	}
	all := (*y)[:most]
	all[0].load(p)
	n := 1
	for n < most && min(all[n-1].w, all[n-1].h) >= 4*patch {
		all[n].halve(&all[n-1])
		n++
	}
	for i := range n {
		all[i].slope()
	}
	*y = all[:n]
}
