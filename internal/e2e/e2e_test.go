// Package e2e tests the whole way of a picture: a real ffmpeg publishes a clip with a burnt-in frame counter over RTMP, and the
// stills that come out must show just the frames that were asked for.
package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/rtmp"
)

func TestMain(m *testing.M) {
	ffmpeg.Child()               // decodes, and does not return, in the processes of an Isolated
	logrus.SetOutput(io.Discard) // of go-rtmp's client
	goleak.VerifyTestMain(m)
}

// ample is longer than any stall of a busy machine. It stands where a timeout must not come.
const ample = 5 * time.Minute

// listen runs an RTMP server for h until the test ends, and returns the URL that stream names follow.
func listen(tb testing.TB, h frame.Handler) string {
	tb.Helper()
	ln, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() {
		served <- (&rtmp.Server{Handler: h, Logger: slog.New(slog.DiscardHandler),
			HandshakeTimeout: ample, PublishTimeout: ample, IdleTimeout: ample}).Serve(ctx, ln)
	}()
	tb.Cleanup(func() {
		cancel()
		if err := <-served; !errors.Is(err, context.Canceled) {
			tb.Error(err)
		}
	})
	return "rtmp://" + ln.Addr().String() + "/live/"
}

// camera returns one with all its steps real.
func camera() *capture.Camera {
	return &capture.Camera{
		Decoder:  &ffmpeg.Decoder{},
		Enhancer: capture.Apply(enhance.Chain{enhance.Denoise{}, enhance.Sharpen{}}),
		Encoder:  &ffmpeg.JPEG{},
		History:  frame.History{MaxAge: time.Minute},
	}
}

// remember publishes a whole file, as fast as it is taken, and returns a Camera that remembers it.
func remember(t *testing.T, path string, args ...string) *capture.Camera {
	t.Helper()
	cam := camera()
	ended := make(chan error, 1)
	url := listen(t, frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		err := cam.ServeStream(ctx, s)
		ended <- err
		return err
	}))
	if out, err := frametest.PublishFile(t, path, url+"whole", false, args...).Wait(); err != nil {
		t.Fatal(err, out)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return cam
}

// number reads the frame counter in the image file of a still.
func number(tb testing.TB, s *capture.Still) int {
	tb.Helper()
	img, err := jpeg.Decode(bytes.NewReader(s.Data))
	if err != nil {
		tb.Fatal(err)
	}
	n, ok := frametest.Read(img.(*image.YCbCr))
	if !ok {
		tb.Errorf("the still of %v shows no frame number", s.PTS)
	}
	return n
}

var clips = []struct {
	about string
	clip  frametest.Clip
	sound []string // arguments for the publisher
}{
	{"no B-frames", frametest.Clip{FPS: 30, Frames: 45, GOP: 15}, nil},
	{"B-frames that refer to B-frames", frametest.Clip{FPS: 30, Frames: 45, GOP: 15, BFrames: 3}, nil},
	{"a single GOP of several slices", frametest.Clip{FPS: 30, Frames: 30, GOP: 30, Args: []string{"-slices", "4"}}, nil},
	{"25 fps, of an odd shape", frametest.Clip{Width: 321, Height: 181, FPS: 25, Frames: 30, GOP: 10, BFrames: 2, Args: []string{"-pix_fmt", "yuv444p"}}, nil},
	{"with sound", frametest.Clip{FPS: 30, Frames: 45, GOP: 15, BFrames: 2}, []string{"-f", "lavfi", "-i", "sine", "-c:a", "aac", "-shortest"}},
}

// TestEveryFrame asks for each picture that a publisher sent, at its first instant and its last.
func TestEveryFrame(t *testing.T) {
	for _, test := range clips {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			cam := remember(t, test.clip.File(t), test.sound...)
			shown := make([]time.Time, test.clip.Frames) // by frame number
			first := cam.History.GOPs()[0][0].PTS
			for _, g := range cam.History.GOPs() {
				for _, u := range g {
					n := (u.PTS - first).Seconds() * float64(test.clip.FPS)
					shown[int(n+0.5)] = u.Time
				}
			}
			// The last few are not decided: a picture that is shown before them might still come.
			for n, at := range shown[:len(shown)-4] {
				for _, instant := range []time.Time{at, shown[n+1].Add(-1)} {
					still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.At(instant), Tolerance: -1})
					if err != nil {
						t.Fatal(err)
					}
					if got := number(t, still); got != n || !still.Time.Equal(at) || still.Instead != nil {
						t.Errorf("%v into frame %d: frame %d, %v", instant.Sub(at), n, got, still.Instead)
					}
				}
			}
			for moment, want := range map[capture.Moment]int{
				{}:                 test.clip.Frames - 1,
				capture.Keyframe(): test.clip.Frames - test.clip.GOP,
			} {
				still, err := cam.Capture(t.Context(), capture.Request{Moment: moment, Tolerance: -1})
				if err != nil {
					t.Fatal(err)
				}
				if got := number(t, still); got != want || still.Key != (want%test.clip.GOP == 0) {
					t.Errorf("%v: frame %d, key %v; want %d", moment, got, still.Key, want)
				}
			}
		})
	}
}
