package measure_test

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/livestill/livestill/internal/measure"
)

// energies returns those of n blocks of white noise, of which a share have texture as well.
func energies[F float32 | float64](r *rand.Rand, n int, sigma, textured float64) (all []F) {
	for range n {
		sum := 0.
		for range 48 {
			c := sigma * r.NormFloat64()
			sum += c * c
		}
		if r.Float64() < textured {
			sum += 48 * 4000 * r.Float64()
		}
		all = append(all, F(sum/48))
	}
	return all
}

func TestNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, test := range []struct {
		about           string
		sigma, textured float64
		trusted         bool
	}{
		{"nothing but noise", 3, 0, true},
		{"little noise", 0.5, 0, true},
		{"half is texture", 3, 0.5, true},
		{"nearly all is texture", 3, 0.97, false},
		{"no noise", 0, 0.5, true},
	} {
		sigma, trust := measure.Noise(energies[float32](r, 5000, test.sigma, test.textured))
		if test.trusted && math.Abs(sigma-test.sigma) > 0.1*test.sigma || (trust == 1) != test.trusted {
			t.Errorf("%s: %.2f, want %.2f; trust %.2f", test.about, sigma, test.sigma, trust)
		}
	}
	if sigma, trust := measure.Noise([]float64{}); sigma != 0 || trust != 0 {
		t.Errorf("of nothing: %v, %v", sigma, trust)
	}
}

// FuzzNoise: the estimate is no more than any block's noise would be, grows with all energies, and does not depend on their order or type.
func FuzzNoise(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 200, 3})
	f.Add([]byte{1})
	f.Add([]byte{9, 90, 250, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		var up, down []float64
		var single, twice []float32
		for i := range b {
			up, down = append(up, float64(b[i])), append(down, float64(b[len(b)-1-i]))
			single, twice = append(single, float32(b[i])), append(twice, 4*float32(b[i]))
		}
		sigma, trust := measure.Noise(up)
		if s, u := measure.Noise(down); s != sigma || u != trust {
			t.Errorf("in another order %v, %v, not %v, %v", s, u, sigma, trust)
		}
		if s, u := measure.Noise(single); s != sigma || u != trust {
			t.Errorf("of float32 %v, %v, not %v, %v", s, u, sigma, trust)
		}
		if s, u := measure.Noise(twice); math.Abs(s-2*sigma) > 1e-9*s || u != trust {
			t.Errorf("of twice the noise %v, %v, not %v, %v", s, u, 2*sigma, trust)
		}
		if !(sigma >= 0 && trust >= 0 && trust <= 1) {
			t.Errorf("%v, %v", sigma, trust)
		}
	})
}

func TestBlank(t *testing.T) {
	shade := func(p *image.YCbCr, y, cb, cr byte) *image.YCbCr {
		for i := range p.Y {
			p.Y[i] = y
		}
		for i := range p.Cb {
			p.Cb[i], p.Cr[i] = cb, cr
		}
		return p
	}
	blank := func() *image.YCbCr {
		return shade(image.NewYCbCr(image.Rect(0, 0, 63, 35), image.YCbCrSubsampleRatio420), 16, 128, 128)
	}
	for _, test := range []struct {
		about string
		odd   func(p *image.YCbCr)
		want  bool
	}{
		{"black", func(*image.YCbCr) {}, true},
		{"what compression leaves", func(p *image.YCbCr) { p.Y[3] += 6 }, true},
		{"more than that", func(p *image.YCbCr) { p.Y[3] += 7 }, false},
		{"the last column", func(p *image.YCbCr) { p.Y[p.YOffset(62, 32)] = 99 }, false},
		{"the last column of chroma", func(p *image.YCbCr) { p.Cr[p.COffset(62, 32)] = 99 }, false},
		{"beside the picture", func(p *image.YCbCr) {
			*p = *p.SubImage(image.Rect(0, 0, 30, 30)).(*image.YCbCr)
			p.Y[p.YOffset(31, 0)] = 99
		}, true},
	} {
		p := blank()
		test.odd(p)
		if got := measure.Blank(p); got != test.want {
			t.Errorf("%s: %v, want %v", test.about, got, test.want)
		}
	}
}

func TestSameLuma(t *testing.T) {
	whole := image.NewYCbCr(image.Rect(0, 0, 64, 32), image.YCbCrSubsampleRatio420)
	part := whole.SubImage(image.Rect(0, 0, 32, 32)).(*image.YCbCr)
	other := image.NewYCbCr(part.Rect, image.YCbCrSubsampleRatio444)
	if measure.SameLuma(whole, part) || !measure.SameLuma(part, other) {
		t.Error("of black pictures those of the same size are the same")
	}
	whole.Y[40] = 1 // beside the part
	if !measure.SameLuma(part, other) {
		t.Error("what is beside a picture is none of it")
	}
	other.Y[5] = 1
	if measure.SameLuma(part, other) {
		t.Error("a pixel differs")
	}
}
