package ffmpeg_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// A live-like stream: 1080p30, a key picture every 2 s.
var live = frametest.Clip{Width: 1920, Height: 1080, Frames: 60, GOP: 60, Noise: 2, Args: []string{"-b:v", "6M"}}

func decodeLast(b *testing.B, d *ffmpeg.Decoder, g frame.GOP) {
	b.Helper()
	newest := g[0].Time
	for i := range g {
		if g[i].Time.After(newest) {
			newest = g[i].Time
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if ps := all(b, d, g, newest); len(ps) != 1 {
			b.Fatalf("%d pictures", len(ps))
		}
	}
}

// The key picture of a 1080p stream, converted.
func BenchmarkDecodeKey(b *testing.B) { decodeLast(b, new(ffmpeg.Decoder), live.GOPs(b)[0][:1]) }

// The newest picture of a whole GOP of 2 s of 1080p30, with and without B-frames.
func BenchmarkDecodeNewest(b *testing.B) {
	reordered := live
	reordered.BFrames = 3
	for name, clip := range map[string]frametest.Clip{"P": live, "B": reordered} {
		b.Run(name, func(b *testing.B) { decodeLast(b, new(ffmpeg.Decoder), clip.GOPs(b)[0]) })
	}
}

// Encoding a 1080p picture, by FFmpeg and by Go's own package at the same quality.
func BenchmarkJPEG(b *testing.B) {
	p := all(b, new(ffmpeg.Decoder), live.GOPs(b)[0][:1], time.Time{})[0]
	encode := func(b *testing.B, f func(*bytes.Buffer) error) {
		b.Helper()
		var file bytes.Buffer
		b.ReportAllocs()
		for b.Loop() {
			file.Reset()
			if err := f(&file); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(file.Len()), "bytes/file")
	}
	b.Run("ffmpeg", func(b *testing.B) {
		encode(b, func(file *bytes.Buffer) error { return new(ffmpeg.JPEG).Encode(context.Background(), file, p) })
	})
	b.Run("go", func(b *testing.B) {
		encode(b, func(file *bytes.Buffer) error {
			return jpeg.Encode(file, image.Image(p.YCbCr), &jpeg.Options{Quality: 90})
		})
	})
}

// Encoding a picture of a real clip, scaled, in each format at its default quality.
func BenchmarkEncoders(b *testing.B) {
	for _, size := range []image.Point{{1280, 720}, {1920, 1080}, {3840, 2160}} {
		p := &frame.Picture{YCbCr: clipPictures(b, "beer", 1, size)[0]}
		for _, encoder := range []struct {
			name string
			capture.Encoder
		}{
			{"JPEG", &ffmpeg.JPEG{}},
			{"JPEG 4:4:4", &ffmpeg.JPEG{Chroma444: true}},
			{"PNG", &ffmpeg.PNG{}},
			{"WebP", &ffmpeg.WebP{}},
			{"WebP lossless", &ffmpeg.WebP{Lossless: true}},
			{"AVIF", &ffmpeg.AVIF{}},
			{"image/jpeg", capture.JPEG{}},
		} {
			b.Run(fmt.Sprintf("%s %dp", encoder.name, size.Y), func(b *testing.B) {
				var file bytes.Buffer
				b.ReportAllocs()
				before := ffmpeg.ProcessorTime(b)
				for b.Loop() {
					file.Reset()
					if err := encoder.Encode(b.Context(), &file, p); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(ffmpeg.ProcessorTime(b)-before)/float64(b.N), "cpu-ns/op")
				b.ReportMetric(float64(file.Len()), "bytes/file")
			})
		}
	}
}

// From what the decoder gives to what a Picture is; bytes are those of the picture.
func BenchmarkColour(b *testing.B) {
	hdr := func(transfer string) []string {
		return []string{"-pix_fmt", "yuv420p10le", "-color_trc", transfer, "-color_primaries", "bt2020", "-colorspace", "bt2020nc"}
	}
	for _, tt := range []struct {
		name string
		args []string
	}{
		{"709 limited", nil},
		{"601 full", []string{"-vf", "scale=out_range=pc,setparams=range=pc:colorspace=smpte170m", "-pix_fmt", "yuvj420p"}},
		{"10 bits", []string{"-pix_fmt", "yuv420p10le"}},
		{"2020", hdr("bt2020-10")},
		{"PQ", hdr("smpte2084")},
		{"HLG", hdr("arib-std-b67")},
	} {
		for _, height := range []int{720, 1080, 2160} {
			b.Run(fmt.Sprintf("%s/%d", tt.name, height), func(b *testing.B) {
				clip := live
				clip.Width, clip.Height, clip.Frames, clip.Args = height*16/9, height, 1, tt.args
				key := clip.GOPs(b)[0][0]
				b.SetBytes(int64(clip.Width * clip.Height * 3 / 2))
				b.ReportAllocs()
				for latent, err := range new(ffmpeg.Decoder).Follow(b.Context(), func(yield func(frame.AccessUnit, bool) bool) { yield(key, true) }) {
					if err != nil {
						b.Fatal(err)
					}
					for b.Loop() {
						if _, err := latent.Develop(); err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		}
	}
}
