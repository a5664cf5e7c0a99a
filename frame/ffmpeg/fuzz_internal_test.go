package ffmpeg

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/livestill/livestill/frame"
)

// FuzzFloor writes a sequence parameter set of any bytes with a row more. What is written is what was wanted, by mediacommon's reading and
// by ours; a set that readers may differ in is not written at all.
func FuzzFloor(f *testing.F) {
	f.Fuzz(func(t *testing.T, set []byte) {
		at, ok := heightAt(set)
		l := &floor{old: set}
		if len(set) == 0 || set[0]&31 != 7 || !ok || l.sps.Unmarshal(set) != nil {
			return
		}
		higher := l.heighten(at)
		if higher == nil {
			return
		}
		if impossible(higher) || len(higher) > len(set)+64 {
			t.Fatalf("% x became % x", set, higher)
		}
		again, ok := heightAt(higher)
		var got h264.SPS
		if !ok || again != at || got.Unmarshal(higher) != nil {
			t.Fatalf("% x became % x, which cannot be read", set, higher)
		}
		if got.Width() != l.sps.Width() || got.Height() != l.sps.Height() || got.PicHeightInMapUnitsMinus1 != l.sps.PicHeightInMapUnitsMinus1+1 {
			t.Fatalf("% x of %d x %d became % x of %d x %d", set, l.sps.Width(), l.sps.Height(), higher, got.Width(), got.Height())
		}
		got.PicHeightInMapUnitsMinus1, got.LevelIdc, got.FrameCropping = l.sps.PicHeightInMapUnitsMinus1, l.sps.LevelIdc, l.sps.FrameCropping
		if l.sps.VUI == nil {
			got.VUI = nil
		}
		if !reflect.DeepEqual(got, l.sps) {
			t.Fatalf("% x became % x, where more is another", set, higher)
		}
	})
}

// FuzzSurveyor reads units of any bytes, cut at the separator. It ends, remembers no more than it may, and tells of the same units the same.
func FuzzSurveyor(f *testing.F) {
	f.Fuzz(func(t *testing.T, h265 bool, b []byte) {
		c := frame.H264
		if h265 {
			c = frame.H265
		}
		var s, again surveyor
		for _, data := range bytes.Split(b, []byte{0xff, 0xff, 0xfe, 0xfe}) {
			u := &frame.AccessUnit{Codec: c, Data: data}
			p := s.place(u)
			if p != again.place(u) {
				t.Fatalf("% x has two places", data)
			}
			if p.spare && !p.alone || p.dirty && !p.open {
				t.Fatalf("%+v contradicts itself", p)
			}
		}
		if len(s.order.sps) > 16 || len(s.order.pps) > 64 || len(s.order.have) > mostKept+1+2*255 ||
			len(s.count.roll.here)+len(s.count.roll.before) > 2*mostPresent {
			t.Fatal("it remembers too much")
		}
	})
}

// FuzzSize holds what we read of the headers of a key unit, and so the floor, against what FFmpeg reads of them: a picture that passes for
// good has the size that the headers were taken to say, or they were taken to say nothing.
func FuzzSize(f *testing.F) {
	f.Fuzz(func(t *testing.T, codec byte, data []byte) {
		u := frame.AccessUnit{Codec: frame.Codec(codec%7 + 1), Key: true, Time: time.Unix(0, 0), Data: data}
		s := sizeOf(&u)
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
			fits := p.Rect.Dy() <= s.height && p.Rect.Dx() <= maxAspect*s.width
			if u.Codec == frame.AV1 {
				fits = int64(p.Rect.Dx())*int64(p.Rect.Dy()) <= maxAspect*s.pixels()
			}
			if s != (size{}) && !fits {
				t.Fatalf("a picture of %v, where %+v was read", p.Rect, s)
			}
			if cost := d.Cost(u); cost.Picture > 0 && d.Stats().Most > mostGrowth*cost.Decoding+1<<20 {
				t.Fatalf("it held %d bytes, and the cost is %+v", d.Stats().Most, cost)
			}
		}
		if held := d.Stats().Held; held != 0 {
			t.Fatalf("%d bytes are left", held)
		}
	})
}
