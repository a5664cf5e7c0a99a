package enhance_test

import (
	"image"
	"math"
	"testing"

	"github.com/livestill/livestill/enhance"
)

// What Denoise does, written as its definition: no lanes, no shared columns, no whole numbers.
func reference(m *image.YCbCr, sigma float64) []byte {
	rows := [8][8]float64{
		{8, 8, 8, 8, 8, 8, 8, 8}, {12, 10, 6, 3, -3, -6, -10, -12},
		{8, 4, -4, -8, -8, -4, 4, 8}, {10, -3, -12, -6, 6, 12, 3, -10},
		{8, -8, -8, 8, 8, -8, -8, 8}, {6, -12, 3, 10, -10, -3, 12, -6},
		{4, -8, 8, -4, -4, 8, -8, 4}, {3, -6, 10, -12, 12, -10, 6, -3},
	}
	for i, r := range rows { // of unit length
		sum := 0.
		for _, v := range r {
			sum += v * v
		}
		for j := range r {
			rows[i][j] /= math.Sqrt(sum)
		}
	}
	weights := [8]float64{1. / 16, 5. / 16, 11. / 16, 15. / 16, 15. / 16, 11. / 16, 5. / 16, 1. / 16}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	reflect := func(i, n int) int {
		i = ((i % (2 * n)) + 2*n) % (2 * n)
		return min(i, 2*n-1-i)
	}
	noise := make([]float64, w*h)
	for y0 := -4; y0 < h; y0 += 4 {
		for x0 := -4; x0 < w; x0 += 4 {
			for v := range 8 {
				for u := range 8 {
					c := 0.
					for y := range 8 {
						for x := range 8 {
							c += rows[v][y] * rows[u][x] * float64(m.Y[reflect(y0+y, h)*m.YStride+reflect(x0+x, w)])
						}
					}
					if u+v == 0 {
						continue
					}
					t4 := math.Pow(2.7*sigma, 4)
					c *= t4 / (math.Pow(c, 4) + t4)
					for y := max(0, -y0); y < min(8, h-y0); y++ {
						for x := max(0, -x0); x < min(8, w-x0); x++ {
							noise[(y0+y)*w+x0+x] += c * rows[v][y] * rows[u][x] * weights[y] * weights[x]
						}
					}
				}
			}
		}
	}
	out := make([]byte, len(noise))
	for y := range h {
		for x := range w {
			out[y*w+x] = byte(math.Round(max(0, min(255, float64(m.Y[y*m.YStride+x])-noise[y*w+x]))))
		}
	}
	return out
}

// The largest steps at the largest strength would show an overflow of the packed lanes as wild pixels.
func TestDenoiseIsItsDefinition(t *testing.T) {
	for name, at := range map[string]func(x, y int) bool{
		"checks":  func(x, y int) bool { return (x+y)%2 == 0 },
		"squares": func(x, y int) bool { return (x/4+y/4)%2 == 0 },
		"dots":    func(x, y int) bool { return x%8 == 3 && y%8 == 4 },
		"stripes": func(x, y int) bool { return x%3 == 0 },
		"hash":    func(x, y int) bool { return (x*7919^y*104729)%13 < 5 },
		"corner":  func(x, y int) bool { return x > 20 && y > 17 },
	} {
		for _, sigma := range []float64{0.5, 3, 40} {
			for _, size := range []image.Point{{45, 31}, {1, 1}, {3, 9}, {16, 5}} {
				m := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio444)
				for y := range size.Y {
					for x := range size.X {
						if at(x, y) {
							m.Y[m.YOffset(x, y)] = 255
						}
					}
				}
				want := reference(m, sigma)
				apply(t, enhance.Denoise{Luma: sigma}, m)
				for i, v := range want {
					if d := int(v) - int(m.Y[i]); d < -1 || d > 1 {
						t.Fatalf("%s of %v, sigma %g: pixel %d is %d, by the definition %d", name, size, sigma, i, m.Y[i], v)
					}
				}
			}
		}
	}
}
