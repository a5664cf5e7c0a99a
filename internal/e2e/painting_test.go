package e2e_test

import (
	"image"
	"math"
	"math/rand/v2"
	"sync"
)

// A painting is a picture to be painted, in full range.
type painting struct {
	*image.YCbCr
	w, h float64
}

// A paint is a texture to be tiled: luma, and chroma at the same size.
type paint struct{ y, cb, cr []float32 }

const paintSide = 1024 // a power of two

// paints are two scenes, as photographs are: less of everything the finer it is, things with edges, some of them with texture.
//
// The race detector does not look at what paints and compares pixels: one goroutine does, and it would take ten times as long.
var paints = sync.OnceValue(paintScenes)

//go:norace
func paintScenes() *[2]paint {
	var all [2]paint
	for k := range all {
		rnd := rand.New(rand.NewPCG(uint64(k), 7))
		p := paint{make([]float32, paintSide*paintSide), make([]float32, paintSide*paintSide), make([]float32, paintSide*paintSide)}
		for i := range p.y {
			p.y[i], p.cb[i], p.cr[i] = 120, 124, 132
		}
		octaves(rnd, p.y, 90, 0.55, 2)
		octaves(rnd, p.cb, 40, 0.75, 8)
		octaves(rnd, p.cr, 40, 0.75, 8)
		for range 90 { // things
			cx, cy, r := rnd.IntN(paintSide), rnd.IntN(paintSide), 12+rnd.IntN(60)
			shade, cb, cr := 40+170*rnd.Float32(), 100+56*rnd.Float32(), 100+56*rnd.Float32()
			turn, flat, grain := rnd.Float64()*math.Pi, 0.3+rnd.Float64(), 60*rnd.Float32()*rnd.Float32()
			sin, cos := math.Sincos(turn)
			for y := -r; y <= r; y++ {
				for x := -r; x <= r; x++ {
					u, v := cos*float64(x)+sin*float64(y), (cos*float64(y)-sin*float64(x))/flat
					d := float64(r) - math.Hypot(u, v)
					if r%2 == 0 {
						d = float64(r) - max(math.Abs(u), math.Abs(v))*1.4
					}
					a := float32(max(0, min(1, d)))
					if a == 0 {
						continue
					}
					i := (cy+y)&(paintSide-1)*paintSide + (cx+x)&(paintSide-1)
					p.y[i] += a * (shade + float32(u+v)/3 + grain*(rnd.Float32()-0.5) - p.y[i])
					p.cb[i] += a * (cb - p.cb[i])
					p.cr[i] += a * (cr - p.cr[i])
				}
			}
		}
		// A lens: nothing is sharper than it.
		for _, plane := range [][]float32{p.y, p.cb, p.cr} {
			for i := range plane {
				r, d := i&^(paintSide-1)|(i+1)&(paintSide-1), (i+paintSide)&(paintSide*paintSide-1)
				plane[i] = (2*plane[i] + plane[r] + plane[d]) / 4
			}
		}
		all[k] = p
	}
	return &all
}

// octaves adds noise to a texture, less of it the finer it is.
//
//go:norace
func octaves(rnd *rand.Rand, dst []float32, amount, falls float64, to int) {
	const from = 256
	lattice := make([]float32, paintSide*paintSide)
	for s := from; s >= to; s /= 2 {
		n := paintSide / s
		for i := range n * n {
			lattice[i] = rnd.Float32() - 0.5
		}
		a := float32(amount * math.Pow(float64(s)/from, falls))
		for y := range paintSide {
			j, v := y/s, float32(y%s)/float32(s)
			for x := range paintSide {
				c, u := x/s, float32(x%s)/float32(s)
				r, b := (c+1)%n, (j+1)%n
				dst[y*paintSide+x] += a * ((1-v)*((1-u)*lattice[j*n+c]+u*lattice[j*n+r]) + v*((1-u)*lattice[b*n+c]+u*lattice[b*n+r]))
			}
		}
	}
}

// sample reads a texture between its pixels.
//
//go:norace
func sample(p []float32, x, y float64) float32 {
	i, j := int(math.Floor(x)), int(math.Floor(y))
	u, v := float32(x-float64(i)), float32(y-float64(j))
	top, bottom := j&(paintSide-1)*paintSide, (j+1)&(paintSide-1)*paintSide
	l, r := i&(paintSide-1), (i+1)&(paintSide-1)
	return (1-v)*((1-u)*p[top+l]+u*p[top+r]) + v*((1-u)*p[bottom+l]+u*p[bottom+r])
}

// code rounds to a code value.
//
//go:norace
func code(v float32) byte { return byte(max(0, min(255, v+0.5))) }

// put mixes a colour into a pixel.
//
//go:norace
func (p *painting) put(x, y int, luma, cb, cr, part float32) {
	if !image.Pt(x, y).In(p.Rect) || part <= 0 {
		return
	}
	i, c := p.YOffset(x, y), p.COffset(x, y)
	p.Y[i] = code(float32(p.Y[i])*(1-part) + luma*part)
	p.Cb[c] = code(float32(p.Cb[c])*(1-part) + cb*part)
	p.Cr[c] = code(float32(p.Cr[c])*(1-part) + cr*part)
}

//go:norace
func (p *painting) fill(y, cb, cr byte) {
	for i := range p.Y {
		p.Y[i] = y
	}
	for i := range p.Cb {
		p.Cb[i], p.Cr[i] = cb, cr
	}
}

// world paints a scene as seen from (x, y).
func (p *painting) world(k int, x, y float64) { p.over(k, x, y, 1) }

// over paints it over what is there, of which a part shines through.
//
//go:norace
func (p *painting) over(k int, x, y, part float64) {
	t, a := &paints()[k], float32(part)
	for v := range p.Rect.Dy() {
		for u := range p.Rect.Dx() {
			i := p.YOffset(u, v)
			p.Y[i] = code(float32(p.Y[i])*(1-a) + a*sample(t.y, x+float64(u), y+float64(v)))
			if u%2 == 0 && v%2 == 0 {
				c := p.COffset(u, v)
				p.Cb[c] = code(float32(p.Cb[c])*(1-a) + a*sample(t.cb, x+float64(u)+0.5, y+float64(v)+0.5))
				p.Cr[c] = code(float32(p.Cr[c])*(1-a) + a*sample(t.cr, x+float64(u)+0.5, y+float64(v)+0.5))
			}
		}
	}
}

// blob paints something like a hand: of one colour, with creases.
//
//go:norace
func (p *painting) blob(x, y, r float64) {
	for v := int(y - r); v <= int(y+r); v++ {
		for u := int(x - r); u <= int(x+r); u++ {
			du, dv := float64(u)-x, float64(v)-y
			d := r*(0.75+0.2*math.Sin(5*math.Atan2(dv, du))) - math.Hypot(du, dv)
			crease := 12*math.Sin(du/5+2*math.Sin(dv/9)) + 6*math.Sin(dv/2.3)
			p.put(u, v, float32(165+crease-du/4), 110, 152, float32(max(0, min(1, d+0.5))))
		}
	}
}

// light makes all brighter, or darker.
//
//go:norace
func (p *painting) light(times, plus float64) {
	for i, v := range p.Y {
		p.Y[i] = code(float32(float64(v)*times + plus))
	}
}

// shade darkens a part.
//
//go:norace
func (p *painting) shade(part, left, top, right, bottom float64) {
	for y := int(top); y < int(bottom); y++ {
		for x := int(left); x < int(right); x++ {
			p.put(x, y, 20, 128, 128, float32(1-part))
		}
	}
}

// line writes something like a word or a number.
//
//go:norace
func (p *painting) line(seed uint64, x, y, letters, scale int, shade float32) {
	rnd := rand.New(rand.NewPCG(seed, 3))
	for range letters {
		bits := rnd.Uint64()
		for v := range 7 * scale {
			for u := range 5 * scale {
				if bits>>(v/scale*5+u/scale)&1 == 1 {
					p.put(x+u, y+v, shade, 128, 128, 1)
				}
			}
		}
		x += 6 * scale
	}
}

// text writes lines.
func (p *painting) text(seed uint64, x, y, letters, lines, scale int) {
	for i := range lines {
		p.line(seed<<8|uint64(i), x, y+10*scale*i, letters, scale, 40)
	}
}

//go:norace
func (p *painting) bricks(x, y float64) {
	texture := paints()[0].y
	for v := range p.Rect.Dy() {
		for u := range p.Rect.Dx() {
			fu, fv := float64(u)+x, float64(v)+y
			row := math.Floor(fv / 18)
			mu := math.Mod(fu+9*math.Mod(row, 2)*2, 36)
			d := min(mu, 36-mu, fv-18*row, 18*(row+1)-fv)
			k := max(0, min(1, d-1))
			luma := 190 - 90*k + 0.15*float64(sample(texture, fu, fv))
			p.put(u, v, float32(luma), float32(128-12*k), float32(128+20*k), 1)
		}
	}
}

//go:norace
func (p *painting) stripes(x float64) {
	for v := range p.Rect.Dy() {
		for u := range p.Rect.Dx() {
			p.put(u, v, float32(128+50*math.Sin((float64(u)+x+0.2*float64(v))*2*math.Pi/13)), 120, 134, 1)
		}
	}
}
