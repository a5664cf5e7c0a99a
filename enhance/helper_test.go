package enhance_test

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/livestill/livestill/enhance"
)

var ratios = []image.YCbCrSubsampleRatio{
	image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
	image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
}

// scene draws a picture without noise: shades, blobs, a grating, hard edges and fine type, with chroma of its own.
func scene(r image.Rectangle, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	m := image.NewYCbCr(r, ratio)
	w, h := float64(r.Dx()), float64(r.Dy())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			fx, fy := float64(x-r.Min.X), float64(y-r.Min.Y)
			v := 90 + 60*fx/w + 20*math.Sin(fy/h*5)
			switch {
			case math.Hypot(fx-w*.7, fy-h*.3) < h*.15: // a disc
				v = 200
			case fx > w*.1 && fx < w*.35 && fy > h*.6 && fy < h*.9: // a grating
				v += 40 * math.Sin(fx*1.1+fy*.4)
			case fx > w*.5 && fy > h*.75 && (x*7+y/3*5)%11 < 4: // something like type
				v = 40
			}
			m.Y[m.YOffset(x, y)] = byte(math.Round(v))
			c := m.COffset(x, y)
			m.Cb[c] = byte(math.Round(118 + 20*fy/h))
			m.Cr[c] = byte(math.Round(140 - 25*fx/w))
		}
	}
	return m
}

// noisy returns a copy of m with Gaussian noise of the given standard deviation in every plane.
func noisy(m *image.YCbCr, sigma float64) *image.YCbCr {
	rnd := rand.New(rand.NewPCG(1, uint64(sigma*100)))
	m = clone(m)
	for _, p := range [][]byte{m.Y, m.Cb, m.Cr} {
		for i, v := range p {
			p[i] = byte(math.Round(max(0, min(255, float64(v)+sigma*rnd.NormFloat64()))))
		}
	}
	return m
}

func clone(m *image.YCbCr) *image.YCbCr {
	c := *m
	c.Y, c.Cb, c.Cr = slices.Clone(m.Y), slices.Clone(m.Cb), slices.Clone(m.Cr)
	return &c
}

func same(a, b *image.YCbCr) bool {
	return slices.Equal(a.Y, b.Y) && slices.Equal(a.Cb, b.Cb) && slices.Equal(a.Cr, b.Cr)
}

// psnr compares two planes of equal size, in dB.
func psnr(a, b []byte) float64 {
	sum := 0.
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return 10 * math.Log10(255*255*float64(len(a))/max(sum, 1e-9))
}

// compact returns a picture of the same Rect with planes of its own that have nothing else.
func compact(m *image.YCbCr) *image.YCbCr {
	c := image.NewYCbCr(m.Rect, m.SubsampleRatio)
	for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y++ {
		for x := m.Rect.Min.X; x < m.Rect.Max.X; x++ {
			c.Y[c.YOffset(x, y)] = m.Y[m.YOffset(x, y)]
			i, j := c.COffset(x, y), m.COffset(x, y)
			c.Cb[i], c.Cr[i] = m.Cb[j], m.Cr[j]
		}
	}
	return c
}

// outside reports the first sample of got that no pixel of r uses and that differs from want.
func outside(got, want *image.YCbCr, r image.Rectangle) error {
	luma, chroma := make([]bool, len(got.Y)), make([]bool, max(len(got.Cb), len(got.Cr)))
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			luma[got.YOffset(x, y)], chroma[got.COffset(x, y)] = true, true
		}
	}
	for name, p := range map[string][2][]byte{"Y": {got.Y, want.Y}, "Cb": {got.Cb, want.Cb}, "Cr": {got.Cr, want.Cr}} {
		inside := chroma
		if name == "Y" {
			inside = luma
		}
		for i := range p[0] {
			if !inside[i] && p[0][i] != p[1][i] {
				return fmt.Errorf("%s[%d], outside %v, was %d and became %d", name, i, r, p[1][i], p[0][i])
			}
		}
	}
	return nil
}

// apply applies f to m and ends the test on an error.
func apply(tb testing.TB, f enhance.Filter, m *image.YCbCr) {
	tb.Helper()
	if err := f.Apply(tb.Context(), m); err != nil {
		tb.Fatal(err)
	}
}
