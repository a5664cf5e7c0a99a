package enhance

import "github.com/livestill/livestill/enhance/internal/raster"

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

// A spline is rows of a plane between whose pixels one can read, those from first up to end. The coefficient of pixel (x, y) is
// coefs[(y-first)*stride+x+margin]; the edges are repeated outwards.
type spline struct {
	coefs      []float32
	stride     int
	first, end int
	row        []float32
	rows       [2*reachOfFilter + 1][]byte
}

// begin makes room for rows of another plane.
func (s *spline) begin(p raster.Plane) {
	s.stride, s.first, s.end = p.W+2*margin, 0, 0
	s.row = raster.Grow(s.row, s.stride+2*reachOfFilter)
}

// fit sees to it that rows from one up to another are there, which lie less than margin beyond those of p. Whole planes of coefficients
// would be much memory; as rows are wanted from top to bottom, a few are enough.
func (s *spline) fit(p raster.Plane, from, to int) {
	const ahead = 48 // rows that there is room for
	if from < s.first || from > s.end {
		s.first = max(-margin, from-hop) // the next may begin a little before
		s.end = s.first
	}
	if (to-s.first)*s.stride > len(s.coefs) {
		kept := s.coefs[(min(from, s.end)-s.first)*s.stride : (s.end-s.first)*s.stride]
		s.coefs = raster.Grow(s.coefs, (to-from+ahead)*s.stride)
		s.first = s.end - copy(s.coefs, kept)/s.stride
	}
	for ; s.end < to; s.end++ {
		s.make(p, s.coefs[(s.end-s.first)*s.stride:][:s.stride], s.end)
	}
}

// make makes row y. A filter of a few taps does for what is commonly a recursion there and back, which the assembly could not do eight
// pixels at a time.
func (s *spline) make(p raster.Plane, out []float32, y int) {
	for i := range s.rows {
		s.rows[i] = p.Row(max(0, min(y+i-reachOfFilter, p.H-1)))
	}
	inside := s.row[margin+reachOfFilter:][:p.W]
	kernels.filterDown(inside, &s.rows)
	for i := range margin + reachOfFilter {
		s.row[i], s.row[margin+reachOfFilter+p.W+i] = inside[0], inside[p.W-1]
	}
	kernels.filterAcross(out, s.row)
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
	flow   *flow
	nodeX  float32 // nodes of the flow for each pixel of the plane
	nodeY  float32
	pixelX float32 // pixels of the plane for a pixel of the flow's vectors
	pixelY float32
}

// A rowSource is what a row of a picture is read from, and where. The assembly reads it.
type rowSource struct {
	coefs       []float32 // from pixel (0, y) on, with what lies before it
	u, v        []float32 // vectors of nodes, in pixels of the plane; the first is that of a node left of the plane
	stride      int
	x           int     // of the first pixel to be read
	node        float32 // nodes for each pixel
	lowX, highX float32 // what is read is kept within these
	lowY, highY float32 // as seen from the row
	before      int     // of coefs, to pixel (0, y)
}

// warpRow writes row y of the picture p as warped. s has rows of it, and r is room to work in.
func (w *warper) warpRow(out []float32, p raster.Plane, y int, s *spline, r *rowSource) {
	const (
		rim           = 6    // pixels: beyond it, a spline whose edge is repeated is flat
		above, behind = 2, 3 // rows that are read around a place
	)
	w.vectors(len(out), y, r)
	low, high := r.v[0], r.v[0]
	for _, v := range r.v {
		if v < low {
			low = v
		} else if v > high {
			high = v
		}
	}
	within := func(v int) int { return max(-rim-y, min(v, p.H-1+rim-y)) }
	top, bottom := within(floorInt(low)), within(-floorInt(-high))
	s.fit(p, y+top-above, y+bottom+behind)
	r.coefs, r.before = s.coefs, (y-s.first)*s.stride+margin
	r.stride, r.x, r.node = s.stride, 0, w.nodeX
	r.lowX, r.highX, r.lowY, r.highY = -rim, float32(p.W-1+rim), float32(top), float32(bottom)
	kernels.warp(out, r)
}

// warp reads pixels from r.x on, and moves r.x past them.
func warp(out []float32, r *rowSource) {
	for i := range out {
		at := (float32(r.x+i) + 0.5) * r.node
		n := int(at)
		at -= float32(n)
		u, v := r.u[n]+(r.u[n+1]-r.u[n])*at, r.v[n]+(r.v[n+1]-r.v[n])*at
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
func (w *warper) vectors(n, y int, r *rowSource) {
	f := w.flow
	// The centre of a patch is half of it into it, and that of a pixel of the plane is half a pixel into it.
	const centre = float32(patch) / 2 / step
	gy := max(0, min((float32(y)+0.5)*w.nodeY-centre, float32(f.h-1)))
	j := min(int(gy), max(0, f.h-2))
	gy -= float32(j)
	nodes := int(float32(n+wide)*w.nodeX) + wide + 2
	r.u, r.v = raster.Grow(r.u, nodes), raster.Grow(r.v, nodes)
	for _, d := range []struct {
		out, from []float32
		scale     float32
	}{{r.u, f.u, w.pixelX}, {r.v, f.v, w.pixelY}} {
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
