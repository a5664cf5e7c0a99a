package enhance_test

import (
	"fmt"
	"image"
	"testing"
	"time"

	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/frame"
)

func BenchmarkFilters(b *testing.B) {
	for _, size := range []image.Point{{1280, 720}, {1920, 1080}} {
		src := noisy(scene(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420), 3)
		for _, c := range []struct {
			name   string
			filter enhance.Filter
		}{
			{"Denoise", enhance.Denoise{}},
			{"Deblock", enhance.Deblock{QP: 30}},
			{"Sharpen", enhance.Sharpen{}},
			{"Chain", enhance.Chain{enhance.Denoise{}, enhance.Sharpen{}}},
		} {
			b.Run(fmt.Sprintf("%s/%dp", c.name, size.Y), func(b *testing.B) {
				m := clone(src)
				apply(b, c.filter, m) // fills the pools
				b.ReportAllocs()
				for b.Loop() {
					copy(m.Y, src.Y)
					copy(m.Cb, src.Cb)
					copy(m.Cr, src.Cr)
					apply(b, c.filter, m)
				}
			})
		}
	}
}

func BenchmarkMeasures(b *testing.B) {
	m := noisy(scene(image.Rect(0, 0, 1280, 720), image.YCbCrSubsampleRatio420), 3)
	b.Run("Noise/720p", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			enhance.Noise(m)
		}
	})
	b.Run("Sharpness/720p", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			enhance.Sharpness(m)
		}
	})
}

// pan returns n pictures that a noisy camera takes as it moves over a scene by parts of a pixel, each the first of its GOP.
func pan(size image.Point, n int) *frame.Burst {
	const (
		fine    = 4  // pixels of the scene for one of the pictures, both ways
		texture = 24 // code values
	)
	b := &frame.Burst{Target: n - 1}
	octave := func(x, y, size int) float64 { // values at the corners of a grid, linear between
		at := func(i, j int) float64 { return float64((uint32(i)*2654435761^uint32(j)*2246822519)>>16&255)/255 - 0.5 }
		i, j := x/size, y/size
		u, v := float64(x%size)/float64(size), float64(y%size)/float64(size)
		return (1-v)*((1-u)*at(i, j)+u*at(i+1, j)) + v*((1-u)*at(i, j+1)+u*at(i+1, j+1))
	}
	for k := range n {
		m := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		for y := range size.Y {
			for x := range size.X {
				u, v := fine*x+5*k, fine*y+3*k
				value := 128 + texture*(octave(u, v, 3*fine)+2*octave(u, v, 11*fine)+3*octave(u, v, 64*fine))
				m.Y[m.YOffset(x, y)] = byte(value)
				m.Cb[m.COffset(x, y)], m.Cr[m.COffset(x, y)] = byte(value/2+60), byte(190-value/2)
			}
		}
		b.Pictures = append(b.Pictures, &frame.Picture{
			YCbCr: noisy(m, 3+float64(k)/100), PTS: time.Duration(k) * time.Second, Key: true, EffectiveQP: 28,
		})
	}
	return b
}
