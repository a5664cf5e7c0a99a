package enhance_test

import (
	"image"
	"math"
	"slices"
	"testing"

	"github.com/livestill/livestill/enhance"
)

// A step between any two heights, at any place, orientation and softness, stays within its range except for two code values.
func TestSharpenDoesNotRing(t *testing.T) {
	heights := [][2]byte{{0, 255}, {16, 235}, {100, 101}, {100, 110}, {50, 180}, {250, 255}, {0, 3}}
	for _, f := range []enhance.Sharpen{
		{}, {Amount: 1}, {Radius: 0.5, Amount: 16}, {Radius: 3, Amount: 4, Threshold: -1}, {Radius: 100, Amount: 1e9},
	} {
		for _, h := range heights {
			for _, angle := range []float64{0, 90, 180, 45, 20, 101} {
				for _, place := range []float64{-14, -5, 0, 0.5, 3, 15} {
					for _, width := range []float64{0, 1, 4} {
						m := step(h, angle, place, width)
						apply(t, f, m)
						if lo, hi := slices.Min(m.Y), slices.Max(m.Y); int(lo) < int(h[0])-2 || int(hi) > int(h[1])+2 {
							t.Fatalf("%+v: a step %v at %g, %g degrees, %g wide, became %d to %d",
								f, h, place, angle, width, lo, hi)
						}
					}
				}
			}
		}
	}
}

// step draws an edge from the lower to the upper height, place pixels off the middle, turned by angle degrees.
func step(heights [2]byte, angle, place, width float64) *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, 37, 35), image.YCbCrSubsampleRatio420)
	sin, cos := math.Sincos(angle * math.Pi / 180)
	for y := range 35 {
		for x := range 37 {
			d := cos*float64(x-18) + sin*float64(y-17) - place
			d = max(0, min(1, d/(width+1e-9)+0.5))
			m.Y[m.YOffset(x, y)] = byte(math.Round(float64(heights[0]) + d*float64(int(heights[1])-int(heights[0]))))
		}
	}
	return m
}

func TestSharpenSharpens(t *testing.T) {
	m := scene(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
	last := enhance.Sharpness(m)
	for _, amount := range []float64{0.5, 1, 2} {
		c := clone(m)
		apply(t, enhance.Sharpen{Amount: amount}, c)
		now := enhance.Sharpness(c)
		if now <= last {
			t.Errorf("amount %g: sharpness %.3f after %.3f", amount, now, last)
		}
		if string(c.Cb) != string(m.Cb) || string(c.Cr) != string(m.Cr) {
			t.Errorf("amount %g: chroma changed", amount)
		}
		last = now
	}
}

func TestSharpenLeavesNoise(t *testing.T) {
	flat := image.NewYCbCr(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
	for i := range flat.Y {
		flat.Y[i] = 120
	}
	for _, sigma := range []float64{1, 3, 6} {
		m := noisy(flat, sigma)
		before := psnr(m.Y, flat.Y)
		apply(t, enhance.Sharpen{Amount: 1}, m)
		if after := psnr(m.Y, flat.Y); after < before-0.05 {
			t.Errorf("sigma %g: noise went from %.2f to %.2f dB", sigma, before, after)
		}
	}
}

func TestSharpenFields(t *testing.T) {
	src := noisy(scene(image.Rect(0, 0, 160, 120), image.YCbCrSubsampleRatio420), 3)
	for _, c := range []struct {
		sentence string
		s        enhance.Sharpen
		change   bool
	}{
		{"a negative amount adds nothing", enhance.Sharpen{Amount: -1}, false},
		{"no detail reaches a threshold of 255", enhance.Sharpen{Amount: 1, Threshold: 255}, false},
		{"an amount is added", enhance.Sharpen{Amount: 1}, true},
		{"a number that is none counts as nothing", enhance.Sharpen{Amount: math.NaN()}, false},
		{"a radius that is none is the default", enhance.Sharpen{Amount: 1, Radius: math.NaN()}, true},
	} {
		m := clone(src)
		apply(t, c.s, m)
		if change := !same(m, src); change != c.change {
			t.Errorf("%s: changed: %v", c.sentence, change)
		}
	}
}
