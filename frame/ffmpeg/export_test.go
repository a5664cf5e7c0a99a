package ffmpeg

import (
	"image"
	"testing"

	"github.com/livestill/livestill/frame"
)

// Live returns how many libav objects the decoder has not freed.
func (d *Decoder) Live() int64 { return d.live.Load() }

// Converter decodes the key unit of g and returns what converts its frame, again each time it is called.
func (d *Decoder) Converter(tb testing.TB, g frame.GOP) func() *image.YCbCr {
	tb.Helper()
	s, err := d.open(g[:1])
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.close)
	s.send(0)
	s.drain()
	_, f, _, ok := s.queue.take()
	if !ok {
		tb.Fatal("no frame")
	}
	tb.Cleanup(func() { s.free(f) })
	return func() *image.YCbCr {
		img, _, err := s.convert(f)
		if err != nil {
			tb.Fatal(err)
		}
		return img
	}
}
