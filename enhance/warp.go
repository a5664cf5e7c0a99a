package enhance

// phases is how finely cubic interpolation tells places between pixels apart.
const phases = 256

// cubic holds the weights of four coefficients at each phase: those of the cubic B-spline.
var cubic = func() (k [phases + 1][4]float32) {
	for i := range k {
		t := float64(i) / phases
		r := 1 - t
		k[i] = [4]float32{float32(r * r * r / 6), float32((3*t-6)*t*t/6 + 2./3), float32((3*r-6)*r*r/6 + 2./3), float32(t * t * t / 6)}
	}
	return k
}()

// spline writes to s the coefficients of the cubic spline through the pixels of l, margins included: Unser, "Splines: a perfect fit for
// signal and image processing" (1999). Other than the usual interpolation from four pixels it does not blur.
func (l *layer) spline(s []float32) []float32 {
	const pole = -0.26794919243112270 // root of 3, less 2
	s = grow(s, len(l.pix))
	n := l.stride
	for y := range len(l.pix) / n {
		in, out := l.pix[y*n:][:n], s[y*n:][:n]
		// A filter there and back. It begins as if flat ends, as the margins are, went on for ever.
		c := in[0] * 6 / (1 - pole)
		for x, v := range in {
			c = 6*v + pole*c
			out[x] = c
		}
		c = in[n-1]
		for x := n - 1; x >= 0; x-- {
			c = pole * (c - out[x])
			out[x] = c
		}
	}
	above := s[:n]
	for x, v := range above {
		above[x] = v * 6 / (1 - pole)
	}
	for y := n; y < len(s); y += n {
		row := s[y:][:n]
		for x, v := range above[:n] {
			row[x] = 6*row[x] + pole*v
		}
		above = row
	}
	below := s[len(s)-n:]
	for x, v := range below { // all is flat, so that what was there before the filter is this
		below[x] = v * (1 - pole) / 6
	}
	for y := len(s) - 2*n; y >= 0; y -= n {
		row := s[y:][:n]
		for x, v := range below[:n] {
			row[x] = pole * (v - row[x])
		}
		below = row
	}
	return s
}

// A warper reads one picture as another sees it.
type warper struct {
	layer  *layer
	coefs  []float32 // of its spline
	flow   *flow
	nodeX  float32 // nodes of the flow for each pixel of the layer
	nodeY  float32
	pixelX float32 // pixels of the layer for a pixel of the flow's vectors
	pixelY float32
	u, v   []float32 // the flow of a row
}

// row writes the row y of the picture as warped, w pixels.
func (p *warper) row(out []float32, y int) {
	l := p.layer
	p.vectors(len(out), y)
	const safe = margin - 3
	lowX, highX, lowY, highY := float32(-safe), float32(l.w+safe-1), float32(-safe), float32(l.h+safe-1)
	us, vs := p.u[:len(out)], p.v[:len(out)]
	for x := range out {
		fx, fy := max(lowX, min(float32(x)+us[x], highX)), max(lowY, min(float32(y)+vs[x], highY))
		fx, fy = fx+margin, fy+margin // never negative
		ix, iy := int(fx), int(fy)
		kx, ky := &cubic[int((fx-float32(ix))*phases+0.5)], &cubic[int((fy-float32(iy))*phases+0.5)]
		o := (iy-1)*l.stride + ix - 1
		r0, r1, r2, r3 := (*[4]float32)(p.coefs[o:]), (*[4]float32)(p.coefs[o+l.stride:]), (*[4]float32)(p.coefs[o+2*l.stride:]), (*[4]float32)(p.coefs[o+3*l.stride:])
		out[x] = ky[0]*(kx[0]*r0[0]+kx[1]*r0[1]+kx[2]*r0[2]+kx[3]*r0[3]) +
			ky[1]*(kx[0]*r1[0]+kx[1]*r1[1]+kx[2]*r1[2]+kx[3]*r1[3]) +
			ky[2]*(kx[0]*r2[0]+kx[1]*r2[1]+kx[2]*r2[2]+kx[3]*r2[3]) +
			ky[3]*(kx[0]*r3[0]+kx[1]*r3[1]+kx[2]*r3[2]+kx[3]*r3[3])
	}
}

// vectors fills in the flow of row y, n pixels.
func (p *warper) vectors(n, y int) {
	f := p.flow
	p.u, p.v = grow(p.u, n), grow(p.v, n)
	// The centre of a patch is 3.5 pixels into it, and that of a pixel of the layer is half a pixel into it.
	const centre = float32(patch) / 2 / step
	gy := max(0, min((float32(y)+0.5)*p.nodeY-centre, float32(f.h-1)))
	j := min(int(gy), max(0, f.h-2))
	gy -= float32(j)
	top, bottom := j*f.w, min(j+1, f.h-1)*f.w
	x := 0
	for i := -1; i < f.w; i++ {
		l, r := max(i, 0), min(i+1, f.w-1)
		lu, lv := (f.u[top+l]*(1-gy)+f.u[bottom+l]*gy)*p.pixelX, (f.v[top+l]*(1-gy)+f.v[bottom+l]*gy)*p.pixelY
		ru, rv := (f.u[top+r]*(1-gy)+f.u[bottom+r]*gy)*p.pixelX, (f.v[top+r]*(1-gy)+f.v[bottom+r]*gy)*p.pixelY
		for ; x < n; x++ {
			gx := (float32(x)+0.5)*p.nodeX - centre - float32(i)
			if gx >= 1 && i < f.w-1 {
				break
			}
			p.u[x], p.v[x] = lu+(ru-lu)*gx, lv+(rv-lv)*gx
		}
	}
}
