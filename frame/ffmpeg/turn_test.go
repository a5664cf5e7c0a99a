package ffmpeg_test

import (
	"bytes"
	"image"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// turned are the ways in which a picture may be coded, what ffmpeg makes them with, and what says how they are to be shown.
var turned = []struct {
	about    string
	filter   string // of ffmpeg, before the encoder
	message  string // for ffmpeg's h264_metadata
	hor, ver bool   // of the message, and how many quarters anticlockwise
	quarters int
	rotation int32
	mirrored bool
	changes  frame.Changes
}{
	{"to the right", "transpose=clock", "rotate=90", false, false, 1, 270, false, frame.Turned},
	{"to the left", "transpose=cclock", "rotate=-90", false, false, 3, 90, false, frame.Turned},
	{"upside down", "hflip,vflip", "rotate=180", false, false, 2, 180, false, frame.Turned},
	{"mirrored", "hflip", "flip=horizontal", true, false, 0, 0, true, frame.Flipped},
	{"mirrored in water", "vflip", "flip=vertical", false, true, 0, 180, true, frame.Flipped | frame.Turned},
	{"rows are columns", "transpose=cclock_flip", "flip=horizontal:rotate=90", true, false, 1, 270, true, frame.Flipped | frame.Turned},
	{"and from the other end", "transpose=clock_flip", "flip=horizontal:rotate=-90", true, false, 3, 90, true, frame.Flipped | frame.Turned},
	{"but little", "null", "rotate=30", false, false, 0, 0, false, 0},
	{"nearly to the right", "transpose=clock", "rotate=80", false, false, 1, 270, false, frame.Turned},
}

// A stream whose pictures are to be turned or mirrored gives upright ones, and tells what they were.
func TestTurned(t *testing.T) {
	for _, tt := range turned {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			clip := frametest.Clip{Frames: 8, GOP: 8, BFrames: 2, Args: []string{"-vf", tt.filter, "-bsf:v", "h264_metadata=display_orientation=insert:" + tt.message}}
			g := clip.GOPs(t)[0]
			ps := all(t, new(ffmpeg.Decoder), g, time.Time{})
			if len(ps) != len(g) {
				t.Fatalf("%d pictures of %d units", len(ps), len(g))
			}
			for n, p := range ps {
				if got := number(t, p); got != n || p.Rect.Size() != (image.Point{X: 320, Y: 180}) {
					t.Errorf("picture %d shows %d, %v", n, got, p.Rect)
				}
				s := p.Signal
				if s.Rotation != tt.rotation || s.Mirrored != tt.mirrored || p.Changes != tt.changes {
					t.Errorf("picture %d: %+v, changes: %v", n, s, p.Changes)
				}
				if coded := tt.rotation%180 == 0; coded != (s.Width == 320) || coded != (s.Height == 180) {
					t.Errorf("picture %d was %d x %d", n, s.Width, s.Height)
				}
			}
		})
	}
}

// orientation returns the NAL unit of a display orientation message of H.265 that persists.
func orientation(hor, ver bool, quarters int) []byte {
	bit := map[bool]uint64{true: 1}
	var w bitio.Writer
	w.Put(39<<9|1, 16) // PREFIX_SEI_NUT
	w.Put(47, 8)
	w.Put(3, 8)
	w.Put(bit[hor]<<1|bit[ver], 3)
	w.Put(uint64(quarters)<<14, 16)
	w.Put(0b11000, 5) // it persists; filled up
	w.Stop()
	return w.NAL()
}

// The same in H.265, of each subsampling; 4:2:2 that is turned by a quarter becomes 4:4:4.
func TestTurnedH265(t *testing.T) {
	card := frametest.Clip{}.Picture(77)
	raw := slices.Concat(card.Y, card.Cb, card.Cr)
	for i, tt := range turned[:7] {
		pixels := []string{"yuv420p", "yuv422p", "yuv444p"}[i%3]
		t.Run(tt.about+", "+pixels, func(t *testing.T) {
			t.Parallel()
			g := encode(t, frame.H265, raw, "yuv420p", 320, 180, "-vf", tt.filter, "-pix_fmt", pixels, "-c:v", "libx265", "-x265-params", "log-level=none", "hevc")
			g[0].Data = bitstream.AppendAnnexB(nil, orientation(tt.hor, tt.ver, tt.quarters))
			g[0].Data = append(g[0].Data, encode(t, frame.H265, raw, "yuv420p", 320, 180, "-vf", tt.filter, "-pix_fmt", pixels, "-c:v", "libx265",
				"-x265-params", "log-level=none", "hevc")[0].Data...)
			d := new(ffmpeg.Decoder)
			p := all(t, d, g, time.Time{})[0]
			if number(t, p) != 77 || p.Signal.Rotation != tt.rotation || p.Signal.Mirrored != tt.mirrored || p.Changes != tt.changes {
				t.Errorf("shows %d, %+v, changes: %v", number(t, p), p.Signal, p.Changes)
			}
			if size := int64(len(p.Y) + len(p.Cb) + len(p.Cr)); size > d.Cost(g[0]).Picture {
				t.Errorf("a picture takes %d bytes, where its cost is %+v", size, d.Cost(g[0]))
			}
		})
	}
}

// A GOP that goes on for long keeps its orientation, and a decoder that is begun anew at each of its key pictures has it as far as these tell.
func TestTurnedMeanwhile(t *testing.T) {
	upright := frametest.Clip{Frames: 4, GOP: 4}.GOPs(t)[0]
	down := frametest.Clip{Frames: 4, GOP: 4, Args: []string{"-vf", "hflip,vflip", "-bsf:v", "h264_metadata=display_orientation=insert:rotate=180"}}.GOPs(t)[0]
	both := slices.Concat(upright, down, upright)
	for i := range both {
		both[i].PTS = time.Duration(i) * time.Second
		both[i].Time = frametest.Epoch.Add(both[i].PTS)
	}
	for i, p := range all(t, new(ffmpeg.Decoder), both, time.Time{}) {
		want := int32(0)
		if i/4 == 1 {
			want = 180
		}
		if number(t, p) != i%4 || p.Signal.Rotation != want {
			t.Errorf("picture %d shows %d, %+v", i, number(t, p), p.Signal)
		}
	}
}

// Pixels that are not square are made square first.
func TestTurnedAndSquared(t *testing.T) {
	g := frametest.Clip{Width: 320, Height: 240, Frames: 1, Args: []string{
		"-vf", "setsar=2,transpose=clock", "-bsf:v", "h264_metadata=display_orientation=insert:rotate=90:sample_aspect_ratio=1/2",
	}}.GOPs(t)[0]
	p := all(t, new(ffmpeg.Decoder), g, time.Time{})[0]
	if p.Rect.Size() != (image.Point{X: 320, Y: 120}) || p.Changes != frame.Squared|frame.Turned {
		t.Errorf("%v, changes: %v, %+v", p.Rect, p.Changes, p.Signal)
	}
}

// Garbage where the orientation should be harms nobody.
func TestTurnedByNonsense(t *testing.T) {
	g := frametest.Clip{Frames: 1}.GOPs(t)[0]
	plain := all(t, new(ffmpeg.Decoder), g, time.Time{})[0]
	for _, message := range [][]byte{
		{6, 47}, {6, 47, 3}, {6, 47, 255, 255, 1}, {6, 47, 2, 0, 1, 0x80}, {6, 47, 3, 0x5f, 0xff, 0x80, 0x80}, bytes.Repeat([]byte{6, 47}, 3000),
	} {
		mangled := slices.Clone(g)
		mangled[0].Data = append(bitstream.AppendAnnexB(nil, message), g[0].Data...)
		if p := all(t, new(ffmpeg.Decoder), mangled, time.Time{})[0]; !bytes.Equal(p.Y, plain.Y) && p.Changes == 0 {
			t.Errorf("%x: another picture, changes: %v", message, p.Changes)
		}
	}
}
