package e2e_test

import (
	"testing"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// BenchmarkCapture captures from a History of 1080p30 with a key interval of two seconds, as it stands when the last picture of
// a GOP, the most costly, has just come.
func BenchmarkCapture(b *testing.B) {
	clip := frametest.Clip{Width: 1920, Height: 1080, Frames: 60, GOP: 60, Noise: 3, Args: []string{"-b:v", "4M", "-maxrate", "4M", "-bufsize", "4M"}}
	full := camera()
	plain := &capture.Camera{Decoder: &ffmpeg.Decoder{}, Encoder: &ffmpeg.JPEG{}}
	for _, u := range clip.Units(b) {
		full.History.Add(u)
		plain.History.Add(u)
	}
	for _, bench := range []struct {
		name string
		cam  *capture.Camera
		r    capture.Request
	}{
		{"newest, enhanced", full, capture.Request{}},
		{"newest, plain", plain, capture.Request{}},
		{"key, plain", plain, capture.Request{Moment: capture.Keyframe()}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bench.cam.Capture(b.Context(), bench.r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
