package ffmpeg

import (
	"slices"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
)

// FFmpeg's pictures are compared with what the guard row was made for. Where they differ in anything, it goes, at once or within the GOP,
// and nothing that passes for good is other than without it.
func TestGuardRowIsChecked(t *testing.T) {
	g := frametest.Clip{Frames: 12, GOP: 12, Width: 322, Height: 182}.GOPs(t)[0]
	decode := func(t *testing.T, lie func(*bitstream.GuardedFrame)) (good []uint64, guarded bool) {
		t.Helper()
		d := new(Decoder)
		s, err := d.open(&g[0])
		if err != nil || s.guardRow == nil {
			t.Fatal(err, "no guard row")
		}
		defer s.close()
		if lie != nil {
			s.end()
			lie(&s.guardRow.Frame)
			if err := s.begin(); err != nil {
				t.Fatal(err)
			}
		}
		show := func(l frame.Latent, err error) bool {
			if err != nil {
				t.Fatal(err)
			}
			if !l.Corrupt {
				good = append(good, s.lasting.hash)
			}
			return true
		}
		for i := range g {
			if err := s.take(&g[i], true); err != nil {
				t.Fatal(err)
			}
			s.show(show)
		}
		s.drain()
		s.show(show)
		return good, s.guardRow != nil
	}
	want, guarded := decode(t, nil)
	if len(want) != len(g) || !guarded {
		t.Fatalf("%d pictures, with a guard row %v", len(want), guarded)
	}
	for name, lie := range map[string]func(*bitstream.GuardedFrame){
		"wider": func(f *bitstream.GuardedFrame) {
			f.Width += 16
			f.ShownWidth += 16
		},
		"narrower": func(f *bitstream.GuardedFrame) {
			f.Width -= 16
			f.ShownWidth -= 16
		},
		"higher": func(f *bitstream.GuardedFrame) {
			f.Height += 300 * 16
			f.ShownHeight += 300 * 16
		},
		"lower": func(f *bitstream.GuardedFrame) {
			f.ShownHeight -= f.Height - 32
			f.Height = 32
		},
		"cropped":        func(f *bitstream.GuardedFrame) { f.ShownWidth -= 2 },
		"another format": func(f *bitstream.GuardedFrame) { f.ChromaFormat = 2 },
		"deeper":         func(f *bitstream.GuardedFrame) { f.BitDepth = 10 },
	} {
		t.Run(name, func(t *testing.T) {
			good, guarded := decode(t, lie)
			if guarded {
				t.Error("the guard row is still there")
			}
			if !slices.Equal(good, want) {
				t.Errorf("%d pictures as they should be of %d, or not the same", len(good), len(want))
			}
		})
	}
}
