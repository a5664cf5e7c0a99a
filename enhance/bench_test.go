package enhance_test

import (
	"fmt"
	"image"
	"testing"

	"github.com/livestill/livestill/enhance"
)

func BenchmarkFilters(b *testing.B) {
	for _, size := range []image.Point{{1280, 720}, {1920, 1080}} {
		src := noisy(scene(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420), 3)
		for _, c := range []struct {
			name   string
			filter enhance.Filter
		}{
			{"Denoise", enhance.Denoise{}},
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
