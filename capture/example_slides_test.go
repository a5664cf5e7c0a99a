package capture_test

import (
	"context"
	"image"
	"iter"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// The examples capture from a stream of slides that has been live for half
// an hour: slide 0 was shown first, a new one came each minute, slide 29 is on
// show now. Each tenth is a key picture.

// began is when slide 0 was shown, of the stream that began last.
var began time.Time

// slides returns the stream. An rtmp.Server or an rtsp.Client makes one of what
// a publisher or a camera sends.
func slides(name string) *frame.Stream {
	return &frame.Stream{Name: name, Units: func(yield func(frame.AccessUnit, error) bool) {
		began = time.Now().Add(-29*time.Minute - 30*time.Second)
		for n := range 30 {
			at := time.Duration(n) * time.Minute
			u := frame.AccessUnit{Codec: frame.VP8, Key: n%10 == 0, DTS: at, PTS: at, Time: began.Add(at), Data: []byte{byte(n)}}
			if !yield(u, nil) {
				return
			}
		}
	}}
}

// remember has a Camera take in the slides, as a Server or a Client has it take in
// a stream: by ServeStream.
func remember(cam *capture.Camera) {
	if err := cam.ServeStream(context.Background(), slides("live/alice")); err != nil {
		panic(err)
	}
}

// painter is the Decoder of the examples, where a program has an ffmpeg.Decoder.
// It draws the number of a slide. Every picture is coded as well as any other,
// but slide 20 better.
type painter struct{}

func (painter) Decode(_ context.Context, g frame.GOP, from time.Time) iter.Seq2[*frame.Picture, error] {
	return func(yield func(*frame.Picture, error) bool) {
		for _, u := range g {
			if !u.Time.Before(from) && !yield(paint(u), nil) {
				return
			}
		}
	}
}

func paint(u frame.AccessUnit) *frame.Picture {
	n := int(u.Data[0])
	p := &frame.Picture{PTS: u.PTS, Time: u.Time, Key: u.Key, EffectiveQP: 30}
	if n == 20 {
		p.EffectiveQP = 20
	}
	p.YCbCr = image.NewYCbCr(image.Rect(0, 0, 64, 32), image.YCbCrSubsampleRatio420)
	frametest.Draw(p.YCbCr, n)
	return p
}

// slide reads the number of a slide off a picture.
func slide(p *frame.Picture) int {
	n, ok := frametest.Read(p.YCbCr)
	if !ok {
		return -1
	}
	return n
}
