package ffmpeg

import (
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// FuzzSize compares what we read of the headers of a key unit, and so the guard row, with what FFmpeg reads of them: a picture that passes for
// good has the size that the headers were taken to say, or they were taken to say nothing.
func FuzzSize(f *testing.F) {
	f.Fuzz(func(t *testing.T, codec byte, data []byte) {
		u := frame.AccessUnit{Codec: frame.Codec(codec%7 + 1), Key: true, Time: time.Unix(0, 0), Data: data}
		s := bitstream.SizeOf(u)
		d := &Decoder{MaxPixels: 1 << 20, MaxMemory: 64 << 20}
		for l, err := range d.Follow(t.Context(), func(yield func(frame.AccessUnit, bool) bool) { yield(u, true) }) {
			if err != nil || l.Corrupt || l.Hidden {
				continue
			}
			p, err := l.Develop()
			if err != nil {
				continue
			}
			// Cropping makes it smaller, and pixels that are not square make it wider or narrower. A frame of AV1 may have another shape
			// than its sequence (5.9.5), and dav1d takes a higher one, but none with more pixels.
			fits := p.Rect.Dy() <= s.Height && p.Rect.Dx() <= bitstream.MaxAspect*s.Width
			if u.Codec == frame.AV1 {
				fits = int64(p.Rect.Dx())*int64(p.Rect.Dy()) <= bitstream.MaxAspect*s.Pixels()
			}
			if s != (bitstream.Size{}) && !fits {
				t.Fatalf("a picture of %v, where %+v was read", p.Rect, s)
			}
			if cost := d.Cost(u); cost.Picture > 0 && d.Stats().Most > mostGrowth*cost.Decoding+1<<20 {
				t.Fatalf("it took %d bytes, and the cost is %+v", d.Stats().Most, cost)
			}
		}
		if left := d.Stats().InUse; left != 0 {
			t.Fatalf("%d bytes are left", left)
		}
	})
}
