package e2e_test

import (
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// A scene is a stream of 1080p30 with a key interval of two seconds, as it stands when the last picture of a GOP, the most costly,
// has just come.
type scene []frame.AccessUnit

func newScene(tb testing.TB) scene {
	tb.Helper()
	clip := frametest.Clip{Width: 1920, Height: 1080, Frames: 60, GOP: 60, Noise: 3, Args: []string{"-b:v", "4M", "-maxrate", "4M", "-bufsize", "4M"}}
	return clip.Units(tb)
}

// remember gives the stream to a Camera, which then makes its first capture of it.
func (s scene) remember(cam *capture.Camera) *capture.Camera {
	for _, u := range s {
		cam.History.Add(u)
	}
	return cam
}

func plain() *capture.Camera {
	return &capture.Camera{Decoder: &ffmpeg.Decoder{}, Encoder: &ffmpeg.JPEG{}}
}

func BenchmarkCapture(b *testing.B) {
	stream := newScene(b)
	for _, bench := range []struct {
		name string
		cam  func() *capture.Camera
		r    capture.Request
	}{
		{"newest, enhanced", camera, capture.Request{}},
		{"newest, plain", plain, capture.Request{}},
		{"key, plain", plain, capture.Request{Moment: capture.Keyframe()}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := stream.remember(bench.cam()).Capture(b.Context(), bench.r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTaps captures the newest picture 500 times at once; what that costs beside one capture is for handing it out.
func BenchmarkTaps(b *testing.B) {
	stream := newScene(b)
	for b.Loop() {
		cam := stream.remember(plain())
		var taps sync.WaitGroup
		for range 500 {
			taps.Go(func() {
				if _, err := cam.Capture(b.Context(), capture.Request{}); err != nil {
					b.Error(err)
				}
			})
		}
		taps.Wait()
	}
}

// BenchmarkWarm captures the newest picture of a stream that is kept warm, 30 times a second as it comes.
func BenchmarkWarm(b *testing.B) {
	stream := newScene(b)
	cam := plain()
	cam.Warm = time.Nanosecond
	arrive := make(chan frame.AccessUnit)
	var serving sync.WaitGroup
	serving.Go(func() {
		err := cam.ServeStream(b.Context(), &frame.Stream{Units: func(yield func(frame.AccessUnit, error) bool) {
			for u := range arrive {
				yield(u, nil)
			}
		}})
		if err != nil {
			b.Error(err)
		}
	})
	begun, taken, n := time.Now(), time.Duration(0), 0
	for b.Loop() {
		u, at := stream[n%len(stream)], time.Duration(n)*time.Second/30
		u.PTS, u.DTS, u.Time = at, at, begun.Add(at)
		n++
		changed := cam.History.Changed()
		arrive <- u
		<-changed
		time.Sleep(time.Until(u.Time.Add(time.Second / 60))) // for half of a picture's time the decoder catches up
		tapped := time.Now()
		if _, err := cam.Capture(b.Context(), capture.Request{}); err != nil {
			b.Fatal(err)
		}
		taken += time.Since(tapped)
	}
	b.ReportMetric(float64(taken.Microseconds())/1000/float64(n), "ms/capture")
	close(arrive)
	serving.Wait()
}
