package ffmpeg_test

import (
	"bytes"
	"fmt"
	"image"
	"math"
	"os"
	"testing"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/internal/peer"
)

// BenchmarkEfforts measures what more work makes of a file: of AVIF, whose bytes are those at the SSIM of a JPEG of 90, and of PNG. An operation is
// all six pictures of docs/figures.md.
func BenchmarkEfforts(b *testing.B) {
	const wanted = 0.9914 // SSIM, in the table of docs/figures.md
	pictures := figurePictures(b)
	for _, speed := range []int{8, 7, 6, 4} {
		b.Run(fmt.Sprint("AVIF, speed ", speed), func(b *testing.B) {
			// From the nearest qualities below and above that SSIM, by a straight line of the logarithm.
			low, lowSSIM := effort(b, pictures, &ffmpeg.AVIF{Quality: 82, Speed: speed}, ".avif")
			high, highSSIM := effort(b, pictures, &ffmpeg.AVIF{Quality: 86, Speed: speed}, ".avif")
			share := (wanted - lowSSIM) / (highSSIM - lowSSIM)
			b.Logf("quality %.2f: SSIM %.4f at 82, %.4f at 86", 82+4*share, lowSSIM, highSSIM)
			work(b, pictures, &ffmpeg.AVIF{Quality: 84, Speed: speed})
			b.ReportMetric(math.Exp(math.Log(low)+share*(math.Log(high)-math.Log(low))), "bytes/file")
		})
	}
	for _, filter := range []string{"none", "sub", "up", "paeth", "mixed"} {
		for _, level := range []string{"1", "3", "6"} {
			b.Run(fmt.Sprintf("PNG, %s, level %s", filter, level), func(b *testing.B) {
				work(b, pictures, &ffmpeg.PNGOf{Filter: filter, Level: level})
			})
		}
	}
}

// work encodes the pictures, again and again.
func work(b *testing.B, pictures []*image.YCbCr, encoder capture.Encoder) {
	b.Helper()
	size := 0
	before := ffmpeg.ProcessorTime(b)
	for b.Loop() {
		size = 0
		for _, img := range pictures {
			var file bytes.Buffer
			if err := encoder.Encode(b.Context(), &file, &frame.Picture{YCbCr: img}); err != nil {
				b.Fatal(err)
			}
			size += file.Len()
		}
	}
	b.ReportMetric(float64(ffmpeg.ProcessorTime(b)-before)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(size)/float64(len(pictures)), "bytes/file")
}

// effort returns how large files are and how much they look like the pictures, on average.
func effort(b *testing.B, pictures []*image.YCbCr, encoder capture.Encoder, ending string) (size, likeness float64) {
	b.Helper()
	for _, program := range []string{"ffmpeg", "avifdec"} {
		peer.Needs(b, program)
	}
	dir := b.TempDir()
	for i, img := range pictures {
		source, name := figureName(dir, i, ".png"), figureName(dir, i, ending)
		file := fileKind{name: name, encoder: encoder}.encode(b, img)
		if err := os.WriteFile(source, fileKind{encoder: &ffmpeg.PNG{}}.encode(b, img), 0o600); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, file, 0o600); err != nil {
			b.Fatal(err)
		}
		size += float64(len(file)) / float64(len(pictures))
	}
	return size, figureSSIM(b, dir, ending)
}
