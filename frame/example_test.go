package frame_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"time"

	"github.com/livestill/livestill/frame"
)

// A History by hand, as for a protocol that Livestill does not speak. A
// capture.Camera fills its own.
func ExampleHistory() {
	h := &frame.History{MaxAge: 2 * time.Second}
	began := time.Date(2026, 5, 6, 7, 8, 0, 0, time.UTC)
	for n := range 50 { // ten units a second, a key unit each second
		at := time.Duration(n) * 100 * time.Millisecond
		h.Add(frame.AccessUnit{
			Codec: frame.H264, Key: n%10 == 0, DTS: at, PTS: at, Time: began.Add(at),
			Data: []byte("one compressed picture"),
		})
	}
	for _, g := range h.GOPs() {
		fmt.Println(g[0].Key, g[0].PTS, len(g), "units", g.Size(), "bytes")
	}
	// Output:
	// true 2s 10 units 220 bytes
	// true 3s 10 units 220 bytes
	// true 4s 10 units 220 bytes
}

// A Picture is an image.Image, for whoever encodes, scales or draws pictures
// by other packages: its At gives the colours of sRGB.
func ExamplePicture() {
	// A grey picture where a decoded one would be, such as Still.Picture.
	p := &frame.Picture{YCbCr: image.NewYCbCr(image.Rect(0, 0, 64, 36), image.YCbCrSubsampleRatio420)}
	for i := range p.Cb {
		p.Cb[i], p.Cr[i] = 128, 128
	}

	var file bytes.Buffer
	if err := png.Encode(&file, p); err != nil {
		fmt.Println(err)
		return
	}
	config, format, err := image.DecodeConfig(&file)
	fmt.Println(format, config.Width, config.Height, p.At(10, 10), err)
	// Output: png 64 36 {0 128 128} <nil>
}

// Changed tells when there is more to look at, without polling.
func ExampleHistory_Changed() {
	var h frame.History
	more := h.Changed() // before looking, so that nothing is missed
	fmt.Println(len(h.GOPs()))

	h.Add(frame.AccessUnit{Codec: frame.H264, Key: true, Time: time.Now(), Data: []byte("a key picture")})
	<-more
	fmt.Println(len(h.GOPs()))
	// Output:
	// 0
	// 1
}

// A Handler takes in a stream by ranging over its units. If it returns before
// that, the publisher is refused.
func ExampleHandlerFunc() {
	count := frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		if s.Name != "live/alice" {
			return errors.New("no such channel")
		}
		keys, all := 0, 0
		for u, err := range s.Units {
			if err != nil {
				return err // the publisher was lost
			}
			if all++; u.Key {
				keys++
			}
		}
		fmt.Println(s.Name, "ended after", all, "pictures,", keys, "of them key pictures")
		return nil
	})

	// An rtmp.Server or an rtsp.Client calls it with what a network brings.
	units := func(yield func(frame.AccessUnit, error) bool) {
		for n := range 50 {
			if !yield(frame.AccessUnit{Codec: frame.H264, Key: n%10 == 0}, nil) {
				return
			}
		}
	}
	fmt.Println(count.ServeStream(context.Background(), &frame.Stream{Name: "live/alice", Units: units}))
	fmt.Println(count.ServeStream(context.Background(), &frame.Stream{Name: "live/bob", Units: units}))
	// Output:
	// live/alice ended after 50 pictures, 5 of them key pictures
	// <nil>
	// no such channel
}

// A Burst is what an Enhancer gets. This one makes the mean of all pictures, in
// a new picture: those of a Burst are shared.
func ExampleBurst() {
	grey := func(level byte) *frame.Picture {
		img := image.NewYCbCr(image.Rect(0, 0, 16, 16), image.YCbCrSubsampleRatio420)
		for i := range img.Y {
			img.Y[i] = level
		}
		return &frame.Picture{YCbCr: img}
	}
	b := &frame.Burst{Pictures: []*frame.Picture{grey(100), grey(106), grey(112)}, Target: 2}

	mean := b.Picture().Clone()
	for i := range mean.Y {
		sum := 0
		for _, p := range b.Pictures {
			sum += int(p.Y[i])
		}
		mean.Y[i] = byte(sum / len(b.Pictures))
	}
	fmt.Println(mean.Y[0], b.Picture().Y[0])
	// Output: 106 112
}
