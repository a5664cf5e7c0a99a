package ffmpeg_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// FuzzDecode decodes GOPs of any bytes. The corpus has GOPs of real encoders, cut at the separator, and damaged ones.
//
// Whatever the bytes, the sequence ends, has at most as many pictures as the GOP has units, each of a sane size and with the
// times of one unit, in presentation order; an error comes last and alone; and everything is freed.
func FuzzDecode(f *testing.F) {
	separator := []byte{0xff, 0xff, 0xfe, 0xfe}
	f.Fuzz(func(t *testing.T, codec byte, order uint64, b []byte) {
		const most = 24
		var g frame.GOP
		due := map[time.Duration]int{}
		for i, data := range bytes.Split(b, separator) {
			if i == most {
				break
			}
			// Two bits of order per unit move its time, so that times are in order, in disorder, and the same.
			seconds := i + 2*int(order>>(2*i%64)&3)
			pts := time.Duration(seconds) * time.Second
			g = append(g, frame.AccessUnit{
				Codec: frame.Codec(codec), Key: i == 0, PTS: pts, Time: time.Unix(int64(seconds), 0), Data: data,
			})
			due[pts]++
		}
		const maxPixels = 640 * 480
		d := &ffmpeg.Decoder{Threads: 2, MaxPixels: maxPixels}
		ended := false
		for p, err := range d.Decode(t.Context(), g, time.Time{}) {
			if ended {
				t.Fatal("something after an error")
			}
			if err != nil {
				if ended = true; p != nil {
					t.Fatal("a picture and an error")
				}
				continue
			}
			if w, h := p.Rect.Dx(), p.Rect.Dy(); w <= 0 || h <= 0 || w*h > maxPixels || len(p.Y) < w*h {
				t.Fatalf("a picture of %v", p.Rect)
			}
			if due[p.PTS]--; due[p.PTS] < 0 || !p.Time.Equal(time.Unix(int64(p.PTS/time.Second), 0)) {
				t.Fatalf("a picture too many at %v, %v", p.PTS, p.Time)
			}
		}
		if d.Live() != 0 {
			t.Fatalf("%d libav objects are left", d.Live())
		}
	})
}
