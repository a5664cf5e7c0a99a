package enhance

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A twins is a test of kernels: what they make of the same random input.
type twins struct {
	*testing.T
	random *rand.Rand
}

func (t twins) floats(n int, low, high float32) []float32 {
	f := make([]float32, n)
	for i := range f {
		f[i] = low + t.random.Float32()*(high-low)
	}
	return f
}

func (t twins) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(t.random.Uint32())
	}
	return b
}

// alike compares floats, which may differ by so much: sums are made in another order, and products added without rounding.
func (t twins) alike(what string, got, want []float32, by float64) {
	t.Helper()
	for i, v := range want {
		if d := math.Abs(float64(got[i] - v)); !(d <= by) {
			t.Fatalf("%s: value %d of %d is %g, in Go %g", what, i, len(want), got[i], v)
		}
	}
}

func TestKernelsAreAsTheirTwins(t *testing.T) {
	fast, slow := fastest(), portable
	tests := map[string]func(t twins, n int){
		"widen": func(t twins, n int) {
			src, a, b := t.bytes(n), make([]float32, n), make([]float32, n)
			fast.widen(a, src)
			slow.widen(b, src)
			t.alike("widen", a, b, 0)
		},
		"halve": func(t twins, n int) {
			top, bottom, a, b := t.bytes(2*n+1), t.bytes(2*n), make([]float32, n), make([]float32, n)
			fast.halve(a, top, bottom)
			slow.halve(b, top, bottom)
			t.alike("halve", a, b, 0)
		},
		"store": func(t twins, n int) {
			src, a, b := t.floats(n, -300, 600), make([]byte, n), make([]byte, n)
			fast.store(a, src)
			slow.store(b, src)
			if !slices.Equal(a, b) {
				t.Fatalf("store: %v, in Go %v", a, b)
			}
		},
		"energy": func(t twins, n int) {
			stride := 8 + n
			for _, limits := range [][2]byte{{0, 255}, {1, 254}, {100, 104}} {
				pix := t.bytes(8 * stride)
				for i := range pix {
					pix[i] = max(limits[0], min(pix[i], limits[1]))
				}
				a, b := fast.energy(pix, stride), slow.energy(pix, stride)
				t.alike("energy", []float32{a / max(1, b)}, []float32{b / max(1, b)}, 1e-5)
			}
		},
		"filter": func(t twins, n int) {
			var rows [2*reachOfFilter + 1][]byte
			for i := range rows {
				rows[i] = t.bytes(n)
			}
			a, b := make([]float32, n), make([]float32, n)
			fast.filterDown(a, &rows)
			slow.filterDown(b, &rows)
			t.alike("down", a, b, 1e-4)
			src := t.floats(n+2*reachOfFilter, 0, 255)
			fast.filterAcross(a, src)
			slow.filterAcross(b, src)
			t.alike("across", a, b, 1e-4)
		},
		"patch": func(t twins, n int) {
			var l, other layer
			for _, l := range []*layer{&l, &other} {
				l.resize(n, 5)
				l.pix = t.floats(len(l.pix), 0, 255)
			}
			var a, b template
			stride := l.stride
			fast.cut(&a.pattern, l.pix[l.at(-1, -1):], stride)
			b.cut(&l, 0, 0)
			slow.cut(&b.pattern, l.pix[l.at(-1, -1):], stride)
			t.alike("pixels", a.pix[:], b.pix[:], 0)
			t.alike("gradient", append(a.gx[:], a.gy[:]...), append(b.gx[:], b.gy[:]...), 0)
			t.alike("moments", a.sums[:5], b.sums[:5], 0.5)              // sums of 64 products of up to 128
			for _, by := range []float32{0, -0.3, 0.7, 5.5, -100, 100} { // the last beyond the margins
				f, g := fast.match(&b.pattern, &other, by, -by/2), slow.match(&b.pattern, &other, by, -by/2)
				t.alike("match", []float32{f.miss, f.bx, f.by}, []float32{g.miss, g.bx, g.by}, 2)
			}
		},
		"smooth": func(t twins, n int) {
			f := &flow{noise: 20}
			f.resize(n, 3)
			f.u, f.v, f.miss = t.floats(3*n, -3, 3), t.floats(3*n, -3, 3), t.floats(3*n, 0, 100)
			f.xx, f.xy, f.yy = t.floats(3*n, 5, 100), t.floats(3*n, -5, 5), t.floats(3*n, 5, 100)
			var g grid
			g.load(f)
			m := g.stride - 2
			ua, va, ub, vb := make([]float32, m), make([]float32, m), make([]float32, m), make([]float32, m)
			for row := 1; row <= 3; row++ {
				fast.smooth(ua, va, &g, row*g.stride+1)
				slow.smooth(ub, vb, &g, row*g.stride+1)
				t.alike("u", ua[:n], ub[:n], 1e-5)
				t.alike("v", va[:n], vb[:n], 1e-5)
			}
		},
		"warp": func(t twins, n int) {
			const high = 9
			for _, node := range []float32{1. / 16, 1. / 8, 1. / 4, 1} {
				for _, far := range []float32{0, 0.9, 3, 100} { // the last beyond all edges
					r := rowSource{stride: n + 2*margin, before: (4+margin)*(n+2*margin) + margin, node: node}
					r.lowX, r.highX, r.lowY, r.highY = -6, float32(n+5), -10, high
					r.coefs = t.floats(r.stride*(high+2*margin), 0, 255)
					r.u, r.v = t.floats(n+3*wide, -far, far), t.floats(n+3*wide, -far, far)
					other := r
					a, b := make([]float32, n), make([]float32, n)
					fast.warp(a, &r)
					slow.warp(b, &other)
					t.alike("warp", a, b, 0.02) // at the far end of a row places have fewer bits
					if r.x != n || other.x != n {
						t.Fatalf("warp ends at %d, in Go at %d, want %d", r.x, other.x, n)
					}
				}
			}
		},
		"tiles": func(t twins, n int) {
			width := tile + n&^(wide-1)
			rows := t.floats(tile*width, 0, 255)
			a, b := make([]float32, tile*width), make([]float32, tile*width)
			fast.down(a, rows, width)
			slow.down(b, rows, width)
			t.alike("down", a, b, 1e-3)
			target := t.floats(width, 0, 255)
			c, d := slices.Clone(rows[:width]), slices.Clone(rows[:width])
			fast.differ(c, target)
			slow.differ(d, target)
			t.alike("difference", c, d, 0)
			var s, u [tileLen]float32
			fast.across(&s, a)
			slow.across(&u, a)
			t.alike("across", s[:], u[:], 1e-3)
			c, d = slices.Clone(a), slices.Clone(a)
			fast.back(c, &s)
			slow.back(d, &s)
			t.alike("back", c, d, 1e-3)
			e, f := slices.Clone(rows), slices.Clone(rows)
			fast.up(e, slices.Clone(c), width)
			slow.up(f, slices.Clone(c), width)
			t.alike("up", e, f, 1e-3)
		},
	}
	tests["blend"] = func(t twins, n int) {
		a := &blend{target: [tileLen]float32(t.floats(tileLen, -99, 99))}
		difference, worth := [tileLen]float32(t.floats(tileLen, -99, 99)), [hidden]float32(t.floats(hidden, -5, 5))
		for i := range difference {
			difference[i] *= float32(n) / 99
		}
		var c, d [padded]float32
		fast.spread(&c, &difference, 0.1)
		slow.spread(&d, &difference, 0.1)
		t.alike("energies", c[:], d[:], 1e-4)
		b := new(blend)
		*b = *a
		fast.count(a, &difference, &worth, 0.3, 30)
		slow.count(b, &difference, &worth, 0.3, 30)
		t.alike("weights", a.weight[:], b.weight[:], 1e-4)
		t.alike("sum", a.sum[:], b.sum[:], 1e-3)
		*b = *a
		fast.mix(a, 0.1)
		slow.mix(b, 0.1)
		t.alike("merged", a.merged[:], b.merged[:], 1e-4)
		t.alike("left", a.left[:], b.left[:], 1e-6)
		truth := [2][hidden]float32{[hidden]float32(t.floats(hidden, -30, 30)), [hidden]float32(t.floats(hidden, -30, 30))}
		fast.restore(a, &truth, 0.1, 50)
		slow.restore(b, &truth, 0.1, 50)
		t.alike("restored", a.merged[:], b.merged[:], 1e-3)
	}
	tests["network"] = func(t twins, n int) {
		in, l := t.floats(2*n, -9, 9), connections(t.floats(2*n*hidden, -1, 1))
		a := [hidden]float32(t.floats(hidden, -9, 9))
		b := a
		least := float32(n%3 - 1)
		fast.feed(&a, l, in, least)
		slow.feed(&b, l, in, least)
		t.alike("hidden values", a[:], b[:], 1e-3)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			for n := 1; n < 70; n++ {
				test(twins{t, random}, n)
			}
		})
	}
}
