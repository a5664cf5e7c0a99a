package e2e_test

import (
	"context"
	"image"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// TestTurned captures of a stream on its side, or of a camera that hangs upside down: all moments, merged with neighbours, in a process of its own.
// The stills are upright, and tell what was done.
func TestTurned(t *testing.T) {
	for _, test := range []struct {
		about    string
		args     []string // of the encoder
		metadata []string // of the publisher
		rotate   int
		signal   int32
		did      string
	}{
		{"by messages of the stream", []string{"-vf", "transpose=clock", "-bsf:v", "h264_metadata=display_orientation=insert:rotate=90"}, nil, 0, 270, "turned"},
		{"by the publisher's metadata", []string{"-vf", "transpose=cclock"}, []string{"-metadata", "orientation=90"}, 0, 90, "turned"},
		{"by the Camera", []string{"-vf", "transpose=cclock"}, nil, 90, 0, "turned"},
		{"by both", []string{"-vf", "transpose=clock", "-bsf:v", "h264_metadata=display_orientation=insert:rotate=-90"}, nil, 180, 90, "turned"},
		{"of pixels that are not square", []string{"-vf", "transpose=clock,scale=90:320,setsar=2", "-bsf:v", "h264_metadata=display_orientation=insert:rotate=90"},
			nil, 0, 270, "squared, turned"},
		{"mirrored", []string{"-vf", "hflip", "-bsf:v", "h264_metadata=display_orientation=insert:flip=horizontal"}, nil, 0, 0, "flipped"},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			clip := frametest.Clip{FPS: 30, Frames: 30, GOP: 15, BFrames: 2, Args: test.args}
			isolated := &ffmpeg.Isolated{}
			defer isolated.Close()
			cam := &capture.Camera{Decoder: isolated, Enhancer: enhance.Auto{}, Encoder: &ffmpeg.JPEG{}, Rotate: test.rotate,
				History: frame.History{MaxAge: time.Hour}}
			ended := make(chan error, 1)
			url := listen(t, frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
				err := cam.ServeStream(ctx, s)
				ended <- err
				return err
			}))
			if out, err := frametest.PublishFile(t, clip.File(t), url+"turned", false, test.metadata...).Wait(); err != nil {
				t.Fatal(err, out)
			}
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			for _, g := range cam.History.GOPs() {
				for i := 0; i < len(g); i += 5 {
					still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.AtPTS(g[i].PTS), Tolerance: -1})
					if err != nil {
						t.Fatal(err)
					}
					want := int((g[i].PTS-cam.History.GOPs()[0][0].PTS).Seconds()*30 + 0.5)
					if got := number(t, still); got != want || still.Picture.Rect != image.Rect(0, 0, 320, 180) {
						t.Errorf("shows %d, want %d; %v", got, want, still.Picture.Rect)
					}
					if still.Signal.Rotation != test.signal {
						t.Errorf("its signal is %+v", still.Signal)
					}
					var did []string
					for _, step := range still.Steps {
						if step.Did != "" {
							did = append(did, step.Name+" "+step.Did)
						}
					}
					if got := strings.Join(did, "; "); got != "decode "+test.did {
						t.Errorf("steps: %s", got)
					}
				}
			}
		})
	}
}

// TestTurnedOverRTSP has the message in the stream alone: RTSP carries none of its own that is read.
func TestTurnedOverRTSP(t *testing.T) {
	clip := frametest.Clip{FPS: 30, Frames: 45, GOP: 15, Args: []string{"-vf", "transpose=cclock_flip", "-bsf:v",
		"h264_metadata=display_orientation=insert:flip=horizontal:rotate=90"}}
	cam := record(t, &lossy{random: rand.New(rand.NewPCG(1, 1))}, clip.File(t))
	for _, moment := range []capture.Moment{{}, capture.Keyframe(), capture.AtPTS(cam.History.GOPs()[1][7].PTS)} {
		still, err := cam.Capture(t.Context(), capture.Request{Moment: moment})
		if err != nil {
			t.Fatal(err)
		}
		number(t, still)
		s := still.Signal
		if still.Picture.Rect != image.Rect(0, 0, 320, 180) || s.Rotation != 270 || !s.Mirrored || still.Steps[1].Did != "turned, flipped" {
			t.Errorf("%v: %v, %+v, %+v", moment, still.Picture.Rect, s, still.Steps)
		}
	}
}
