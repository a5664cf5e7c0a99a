//go:build unix

package enhance_test

import (
	"context"
	"fmt"
	"image"
	"syscall"
	"testing"
	"time"

	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/frame"
)

// busy returns how long processors have worked for the process: where others keep them busy as well, clocks tell little.
func busy(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkFuse merges six neighbours, none of which may be left out.
func BenchmarkFuse(b *testing.B) { benchmark(b, enhance.Fuse{}.Enhance, 7) }

// BenchmarkAuto makes the most of a picture without neighbours.
func BenchmarkAuto(b *testing.B) { benchmark(b, enhance.Auto{Style: enhance.Crisp}.Enhance, 1) }

func benchmark(b *testing.B, do func(context.Context, *frame.Burst) (*frame.Picture, error), pictures int) {
	b.Helper()
	for _, size := range []image.Point{{1280, 720}, {1920, 1080}} {
		burst := pan(size, pictures)
		b.Run(fmt.Sprintf("%dp", size.Y), func(b *testing.B) {
			b.ReportAllocs()
			var began time.Duration
			for i := 0; b.Loop(); i++ {
				if _, err := do(b.Context(), burst); err != nil {
					b.Fatal(err)
				}
				if i == 0 {
					b.ResetTimer() // the first filled the pools
					began = busy(b)
				}
			}
			b.ReportMetric(float64((busy(b)-began).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}
