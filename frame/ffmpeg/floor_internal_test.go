package ffmpeg

import (
	"slices"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// FFmpeg's pictures are held against what the floor was made for. Where they differ in anything, the floor goes, at once or within the GOP,
// and nothing that passes for good is other than without it.
func TestFloorIsChecked(t *testing.T) {
	g := frametest.Clip{Frames: 12, GOP: 12, Width: 322, Height: 182}.GOPs(t)[0]
	decode := func(t *testing.T, lie func(*session)) (good []uint64, floor bool) {
		t.Helper()
		d := new(Decoder)
		s, err := d.open(&g[0])
		if err != nil || s.floor == nil {
			t.Fatal(err, "no floor")
		}
		defer s.close()
		if lie != nil {
			s.end()
			lie(s)
			if err := s.begin(); err != nil {
				t.Fatal(err)
			}
		}
		show := func(l frame.Latent, err error) bool {
			if err != nil {
				t.Fatal(err)
			}
			if !l.Corrupt {
				good = append(good, s.sum)
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
		return good, s.floor != nil
	}
	want, floor := decode(t, nil)
	if len(want) != len(g) || !floor {
		t.Fatalf("%d pictures, with a floor %v", len(want), floor)
	}
	for name, lie := range map[string]func(*session){
		"wider":          func(s *session) { s.floor.sps.PicWidthInMbsMinus1++ },
		"narrower":       func(s *session) { s.floor.sps.PicWidthInMbsMinus1-- },
		"higher":         func(s *session) { s.floor.sps.PicHeightInMapUnitsMinus1 += 300 },
		"lower":          func(s *session) { s.floor.sps.PicHeightInMapUnitsMinus1 = 0 },
		"cropped":        func(s *session) { s.floor.sps.FrameCropping.RightOffset++ },
		"another format": func(s *session) { s.floor.sps.ChromaFormatIdc = 2 },
		"deeper":         func(s *session) { s.floor.sps.BitDepthLumaMinus8 = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			good, floor := decode(t, lie)
			if floor {
				t.Error("the floor is still there")
			}
			if !slices.Equal(good, want) {
				t.Errorf("%d pictures as they should be of %d, or not the same", len(good), len(want))
			}
		})
	}
}
