package ffmpeg

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// plain returns a GOP of n grey pictures of H.264 in a few bytes each: w by h macroblocks, that may refer to so many pictures.
func plain(profile, level byte, w, h int, references uint32, n int) frame.GOP {
	var set, pictures bitio.Writer
	for _, b := range []byte{0x67, profile, 0, level} {
		set.Put(uint64(b), 8)
	}
	for _, v := range []uint32{0, 0, 2, references} { // id, frame_num of 4 bits, order as decoded
		set.UE(v)
	}
	set.Put(0, 1)
	set.UE(uint32(w - 1))
	set.UE(uint32(h - 1))
	set.Put(0b1100, 4)
	set.Stop()
	pictures.Put(0x68, 8)
	pictures.Put(0b1100_111_000_111_100, 16)
	pictures.Stop()
	var g frame.GOP
	for i := range n {
		var b bitio.Writer
		if i == 0 {
			b.Put(0x65, 8)
		} else {
			b.Put(0x41, 8)
		}
		b.UE(0)
		b.UE(5 + 2*uint32(1-min(i, 1))) // P, but the first is I
		b.UE(0)
		b.Put(uint64(i), 4)
		if i == 0 {
			b.UE(0)
			b.Put(0, 2)
		} else {
			b.Put(0, 3)
		}
		b.Put(0b1_010, 4)
		if i > 0 {
			b.UE(uint32(w * h)) // all skipped
		} else {
			for range w * h {
				b.Put(0b00100_1_1_1, 8)
			}
		}
		b.Stop()
		var data []byte
		if i == 0 {
			data = bitstream.AppendAnnexB(bitstream.AppendAnnexB(nil, set.NAL()), pictures.NAL())
		}
		data = bitstream.AppendAnnexB(data, b.NAL())
		at := time.Duration(i) * time.Second
		g = append(g, frame.AccessUnit{Codec: frame.H264, Key: i == 0, PTS: at, Time: frametest.Epoch.Add(at), Data: data})
	}
	return g
}

// What takes too much memory is refused, before decoding if the headers tell, and else as soon as it does.
func TestTooCostly(t *testing.T) {
	small := plain(66, 31, 20, 12, 1, 3)
	grown := slices.Concat(small[:2], plain(66, 52, 120, 68, 1, 3))
	for i := range grown {
		grown[i].Key, grown[i].PTS, grown[i].Time = i == 0, time.Duration(i)*time.Second, frametest.Epoch.Add(time.Duration(i)*time.Second)
	}
	for _, tt := range []struct {
		name string
		g    frame.GOP
		max  int64
		want string // of the error; none if it is decoded
		not  bool   // not even its first picture
	}{
		{"8K with 16 references", plain(66, 62, 512, 270, 16, 3), 0, "8192 x 4320 with 16 references", true},
		{"8K with 16 references, if that is wanted", plain(66, 62, 512, 270, 16, 3), 1 << 30, "", false},
		{"8K with 4 references", plain(66, 62, 512, 270, 4, 12), 0, "", false},
		{"4K with 16 references", plain(66, 52, 256, 135, 16, 40), 0, "", false},
		{"1080p where nothing is allowed", plain(66, 40, 120, 68, 4, 3), 1 << 20, "1920 x 1088 with 4 references", true},
		{"headers that readers may differ in", plain(88, 40, 120, 68, 4, 9), 12 << 20, "its pictures take more than 12 MiB", false},
		{"a picture far larger than its GOP began with", grown, 0, "larger than the 320 x 192", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &Decoder{MaxMemory: tt.max}
			var failed error
			n := 0
			for l, err := range d.Follow(t.Context(), func(yield func(frame.AccessUnit, bool) bool) {
				for _, u := range tt.g {
					if !yield(u, true) {
						return
					}
				}
			}) {
				if err != nil {
					failed = err
				} else if !l.Hidden {
					n++
				}
			}
			stats := d.Stats()
			t.Logf("%d pictures, at most %d MiB; %+v", n, stats.Most>>20, d.Cost(tt.g[0]))
			var typed *Error
			switch {
			case tt.want == "" && (failed != nil || n != len(tt.g)):
				t.Errorf("%d pictures of %d, %v", n, len(tt.g), failed)
			case tt.want != "" && (!errors.Is(failed, frame.ErrTooCostly) || !errors.As(failed, &typed) || !strings.Contains(failed.Error(), tt.want)):
				t.Errorf("%v, want %q", failed, tt.want)
			case tt.not && n != 0:
				t.Errorf("%d pictures", n)
			}
			if cost := d.Cost(tt.g[0]); tt.want == "" && (stats.Most > cost.Decoding || stats.Most < cost.Picture || stats.Units != int64(len(tt.g))) {
				t.Errorf("%+v, where the cost is said to be %+v", stats, cost)
			}
			if stats.InUse != 0 {
				t.Errorf("%d bytes are in use", stats.InUse)
			}
		})
	}
}
