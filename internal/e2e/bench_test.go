package e2e_test

import (
	"sync"
	"syscall"
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

// BenchmarkTaps says what CPU time one capture takes, what it takes to hand out its still once more, and what 500 captures at once take,
// also as a multiple of one capture and 500 hand-outs.
func BenchmarkTaps(b *testing.B) {
	const taps = 500
	stream := newScene(b)
	take := func(cam *capture.Camera) {
		if _, err := cam.Capture(b.Context(), capture.Request{}); err != nil {
			b.Error(err)
		}
	}
	var one, handOut float64 // seconds of CPU
	for _, bench := range []struct {
		name string
		do   func(cam *capture.Camera) (used float64)
		tell func(b *testing.B, used float64)
	}{
		{"one", func(cam *capture.Camera) float64 {
			return cpu(func() { take(cam) })
		}, func(_ *testing.B, used float64) { one = used }},
		{"hand-out", func(cam *capture.Camera) float64 {
			take(cam)
			return cpu(func() {
				for range taps {
					take(cam)
				}
			}) / taps
		}, func(_ *testing.B, used float64) { handOut = used }},
		{"500", func(cam *capture.Camera) float64 {
			return cpu(func() {
				var all sync.WaitGroup
				for range taps {
					all.Go(func() { take(cam) })
				}
				all.Wait()
			})
		}, func(b *testing.B, used float64) {
			b.Helper()
			if one > 0 && handOut > 0 {
				b.ReportMetric(used/(one+taps*handOut), "of-one-and-hand-outs")
			}
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var used float64
			n := 0
			for ; b.Loop(); n++ {
				used += bench.do(stream.remember(plain()))
				time.Sleep(300 * time.Millisecond) // until the Camera has let go of what it kept
			}
			b.ReportMetric(1e3*used/float64(n), "cpu-ms/op")
			bench.tell(b, used/float64(n))
		})
	}
}

// cpu returns the seconds of CPU time that the process takes while f runs.
func cpu(f func()) float64 {
	now := func() int64 {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := now()
	f()
	return float64(now()-before) / 1e9
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
