package enhance_test

import (
	"image"
	"math"
	"testing"

	"github.com/livestill/livestill/enhance"
)

func TestNoise(t *testing.T) {
	for _, size := range []image.Point{{320, 240}, {1280, 720}} {
		clean := scene(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		for _, sigma := range []float64{1, 2, 3, 5, 10, 15} {
			if got := enhance.Noise(noisy(clean, sigma)); math.Abs(got/sigma-1) > 0.2 {
				t.Errorf("%v: noise of %g measures %.2f", size, sigma, got)
			}
		}
	}
}

func TestNoiseOfOddPictures(t *testing.T) {
	paint := func(w, h int, at func(x, y int) byte) *image.YCbCr {
		m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
		for y := range h {
			for x := range w {
				m.Y[m.YOffset(x, y)] = at(x, y)
			}
		}
		return m
	}
	letterbox := noisy(paint(320, 240, func(int, int) byte { return 120 }), 4)
	for i := range letterbox.Y[:320*100] {
		letterbox.Y[i] = 0
	}
	for _, c := range []struct {
		sentence string
		m        *image.YCbCr
		min, max float64
	}{
		{"a flat picture has none", paint(64, 64, func(int, int) byte { return 99 }), 0, 0},
		{"a picture too small to tell has none", noisy(paint(7, 90, func(int, int) byte { return 99 }), 9), 0, 0},
		{"black bars do not hide it", letterbox, 3.2, 4.8},
		{"a shade has what rounding leaves", paint(640, 64, func(x, y int) byte { return byte(50 + (x+y)/5) }), 0, 0.35},
		{"checks of black and white have none", paint(64, 64, func(x, y int) byte { return byte((x + y) % 2 * 255) }), 0, 0},
		{"small type on a flat ground is none", paint(640, 640, func(x, y int) byte {
			if x > 40 && y%32 < 12 && (x*7+y*3)%11 < 4 {
				return 30
			}
			return 220
		}), 0, 0},
	} {
		if got := enhance.Noise(c.m); got < c.min || got > c.max {
			t.Errorf("%s: %.2f, want %g to %g", c.sentence, got, c.min, c.max)
		}
	}
}

func TestSharpness(t *testing.T) {
	m := scene(image.Rect(0, 0, 640, 360), image.YCbCrSubsampleRatio420)
	sharp := enhance.Sharpness(m)
	last := sharp
	for range 3 {
		m = blurred(m)
		now := enhance.Sharpness(m)
		if now >= last {
			t.Errorf("blurring raised sharpness from %.3f to %.3f", last, now)
		}
		last = now
	}
	for _, sigma := range []float64{2, 5} {
		clean := scene(image.Rect(0, 0, 640, 360), image.YCbCrSubsampleRatio420)
		if got := enhance.Sharpness(noisy(clean, sigma)); math.Abs(got/sharp-1) > 0.1 {
			t.Errorf("noise of %g changed sharpness from %.3f to %.3f", sigma, sharp, got)
		}
	}
	for _, size := range []image.Point{{0, 0}, {2, 9}, {9, 2}} {
		if got := enhance.Sharpness(image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)); got != 0 {
			t.Errorf("%v: sharpness %g", size, got)
		}
	}
}

// blurred returns m with each pixel averaged with its right and lower neighbours.
func blurred(m *image.YCbCr) *image.YCbCr {
	b := clone(m)
	for y := range m.Rect.Dy() - 1 {
		for x := range m.Rect.Dx() - 1 {
			i := m.YOffset(x, y)
			b.Y[i] = byte((int(m.Y[i]) + int(m.Y[i+1]) + int(m.Y[i+m.YStride]) + int(m.Y[i+m.YStride+1]) + 2) / 4)
		}
	}
	return b
}
