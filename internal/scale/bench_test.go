package scale_test

import (
	"fmt"
	"image"
	"testing"

	"github.com/livestill/livestill/internal/scale"
)

func BenchmarkInto(b *testing.B) {
	for _, from := range []image.Point{{1280, 720}, {1920, 1080}, {3840, 2160}} {
		src := noise(from, image.YCbCrSubsampleRatio420)
		for _, width := range []int{1280, 640, 320} {
			to := image.Pt(width, width*9/16)
			b.Run(fmt.Sprintf("%dp to %d", from.Y, width), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := scale.Into(b.Context(), image.NewYCbCr(image.Rectangle{Max: to}, image.YCbCrSubsampleRatio420), src); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
