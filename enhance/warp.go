package enhance

// reachOfFilter is how many pixels around one make its coefficient of a spline. Those beyond make a quarter of a code value at the most,
// of the finest checks.
const reachOfFilter = 5

// prefilter makes coefficients of the cubic spline through given pixels, down and across alike: the middle one of its taps and those to
// one side. It is the inverse of what samples a spline, whose coefficients fall by the pole from one to the next: Unser, "Splines: a
// perfect fit for signal and image processing" (1999). Other than the usual interpolation from four pixels it does not blur.
var prefilter = func() (k [reachOfFilter + 1]float32) {
	const pole = -0.26794919243112270 // root of 3, less 2
	tap, sum := 1., -1.
	taps := [len(k)]float64{}
	for i := range taps {
		taps[i] = tap
		sum += 2 * tap
		tap *= pole
	}
	for i, t := range taps {
		k[i] = float32(t / sum)
	}
	return k
}()

// A spline is a plane between whose pixels one can read. The coefficient of pixel (x, y) is coefs[(y+margin)*stride+x+margin]; the edges
// are repeated outwards.
type spline struct {
	coefs        []float32
	stride, w, h int
	row          []float32
	rows         [2*reachOfFilter + 1][]byte
}

// fit makes s the spline through the pixels of p. A filter of a few taps does for what is commonly a recursion there and back, which the
// assembly could not do eight pixels at a time.
func (s *spline) fit(p plane) {
	const flat = reachOfFilter // rows beyond the edge that are alike begin here
	s.w, s.h, s.stride = p.w, p.h, p.w+2*margin
	s.coefs = grow(s.coefs, s.stride*(p.h+2*margin))
	s.row = grow(s.row, s.stride+2*reachOfFilter)
	for y := -margin; y < p.h+margin; y++ {
		out := s.coefs[(y+margin)*s.stride:][:s.stride]
		if y > p.h+flat {
			copy(out, s.coefs[(y+margin-1)*s.stride:])
			continue
		}
		if y > -margin && y < -flat {
			copy(out, s.coefs)
			continue
		}
		for i := range s.rows {
			s.rows[i] = p.row(max(0, min(y+i-reachOfFilter, p.h-1)))
		}
		inside := s.row[margin+reachOfFilter:][:p.w]
		kernels.filterDown(inside, &s.rows)
		for i := range margin + reachOfFilter {
			s.row[i], s.row[margin+reachOfFilter+p.w+i] = inside[0], inside[p.w-1]
		}
		kernels.filterAcross(out, s.row)
	}
	clear(s.rows[:]) // the pictures are not the spline's to keep
}

// filterDown filters columns.
func filterDown(dst []float32, rows *[2*reachOfFilter + 1][]byte) {
	const m = reachOfFilter
	k := &prefilter
	for x, v := range rows[m][:len(dst)] {
		dst[x] = float32(v) * k[0]
	}
	for i := 1; i <= m; i++ {
		a, b := rows[m-i][:len(dst)], rows[m+i][:len(dst)]
		for x := range dst {
			dst[x] += k[i] * float32(int(a[x])+int(b[x]))
		}
	}
}

// filterAcross filters a row.
func filterAcross(dst, src []float32) {
	const m = reachOfFilter
	k := &prefilter
	for x := range dst {
		s := (*[2*m + 1]float32)(src[x:])
		dst[x] = k[0]*s[m] + k[1]*(s[m-1]+s[m+1]) + k[2]*(s[m-2]+s[m+2]) + k[3]*(s[m-3]+s[m+3]) + k[4]*(s[m-4]+s[m+4]) + k[5]*(s[m-5]+s[m+5])
	}
}

// A warper reads one picture as another sees it.
type warper struct {
	spline *spline
	flow   *flow
	nodeX  float32 // nodes of the flow for each pixel of the plane
	nodeY  float32
	pixelX float32 // pixels of the plane for a pixel of the flow's vectors
	pixelY float32
}

// A reach is what a row of a picture is read from, and where. The assembly knows the places of its fields.
type reach struct {
	coefs       []float32 // from pixel (0, y) on, with what lies before it
	u, v        []float32 // vectors of nodes, in pixels of the plane; the first is that of a node left of the plane
	stride      int
	x           int     // of the first pixel to be read
	node        float32 // nodes for each pixel
	lowX, highX float32 // what is read is kept within these
	lowY, highY float32 // as seen from the row
	before      int     // of coefs, to pixel (0, y)
}

// row writes the row y of the picture as warped. r is room to work in.
func (p *warper) row(out []float32, y int, r *reach) {
	const rim = 6 // pixels: beyond it, a spline whose edge is repeated is flat
	s := p.spline
	p.vectors(len(out), y, r)
	r.coefs, r.before = s.coefs, (y+margin)*s.stride+margin
	r.stride, r.x, r.node = s.stride, 0, p.nodeX
	r.lowX, r.highX, r.lowY, r.highY = -rim, float32(s.w-1+rim), float32(-rim-y), float32(s.h-1+rim-y)
	kernels.warp(out, r)
}

// warp reads pixels from r.x on, and moves r.x past them.
func warp(out []float32, r *reach) {
	for i := range out {
		place := (float32(r.x+i) + 0.5) * r.node
		n := int(place)
		place -= float32(n)
		u, v := r.u[n]+(r.u[n+1]-r.u[n])*place, r.v[n]+(r.v[n+1]-r.v[n])*place
		x := float32(r.x + i)
		u, v = max(r.lowX-x, min(u, r.highX-x)), max(r.lowY, min(v, r.highY))
		iu, iv := floorInt(u), floorInt(v)
		kx, ky := cubic(u-float32(iu)), cubic(v-float32(iv))
		o := r.before + (iv-1)*r.stride + r.x + i + iu - 1
		r0, r1, r2, r3 := (*[4]float32)(r.coefs[o:]), (*[4]float32)(r.coefs[o+r.stride:]), (*[4]float32)(r.coefs[o+2*r.stride:]), (*[4]float32)(r.coefs[o+3*r.stride:])
		out[i] = ky[0]*(kx[0]*r0[0]+kx[1]*r0[1]+kx[2]*r0[2]+kx[3]*r0[3]) +
			ky[1]*(kx[0]*r1[0]+kx[1]*r1[1]+kx[2]*r1[2]+kx[3]*r1[3]) +
			ky[2]*(kx[0]*r2[0]+kx[1]*r2[1]+kx[2]*r2[2]+kx[3]*r2[3]) +
			ky[3]*(kx[0]*r3[0]+kx[1]*r3[1]+kx[2]*r3[2]+kx[3]*r3[3])
	}
	r.x += len(out)
}

// cubic returns the weights of the four coefficients around a place that is t behind the second: those of the cubic B-spline.
func cubic(t float32) [4]float32 {
	r := 1 - t
	a, d := r*r*r/6, t*t*t/6
	b := (1+r)*(1+r)*(1+r)/6 - 4*a
	return [4]float32{a, b, 1 - a - b - d, d}
}

// vectors fills in the flow of the nodes' row at y, for n pixels.
func (p *warper) vectors(n, y int, r *reach) {
	f := p.flow
	// The centre of a patch is half of it into it, and that of a pixel of the plane is half a pixel into it.
	const centre = float32(patch) / 2 / step
	gy := max(0, min((float32(y)+0.5)*p.nodeY-centre, float32(f.h-1)))
	j := min(int(gy), max(0, f.h-2))
	gy -= float32(j)
	nodes := int(float32(n+wide)*p.nodeX) + wide + 2
	r.u, r.v = grow(r.u, nodes), grow(r.v, nodes)
	for _, d := range []struct {
		out, from []float32
		scale     float32
	}{{r.u, f.u, p.pixelX}, {r.v, f.v, p.pixelY}} {
		top, bottom := d.from[j*f.w:][:f.w], d.from[min(j+1, f.h-1)*f.w:][:f.w]
		a, b := (1-gy)*d.scale, gy*d.scale
		within := d.out[1:]
		for i := range min(f.w, len(within)) {
			within[i] = a*top[i] + b*bottom[i]
		}
		d.out[0] = within[0]
		for i := f.w; i < len(within); i++ {
			within[i] = within[f.w-1]
		}
	}
}
