package ffmpeg_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
)

// Where parameter sets change, or are ones that two readers may read differently, what passes for good is what comes without a guard row.
func TestGuardRowIsLeftOut(t *testing.T) {
	g := frametest.Clip{Frames: 12, GOP: 12}.GOPs(t)[0]
	other := frametest.Clip{Frames: 12, GOP: 12, Width: 480, Height: 270}.GOPs(t)[0]
	plain := frametest.Clip{Frames: 12, GOP: 12, Args: []string{"-profile:v", "baseline"}}.GOPs(t)[0]
	sets := func(g frame.GOP) (b []byte) {
		for _, n := range bitstream.SplitAnnexB(nil, g[0].Data) {
			if k := n[0] & 31; k == 7 || k == 8 {
				b = append(append(b, 0, 0, 0, 1), n...)
			}
		}
		return b
	}
	// with returns g with more before the data of unit i.
	with := func(i int, more ...byte) frame.GOP {
		g := slices.Clone(g)
		g[i].Data = slices.Concat(more, g[i].Data)
		return g
	}
	profile := func(idc byte) frame.GOP {
		g := slices.Clone(g)
		g[0].Data = bytes.Clone(g[0].Data)
		g[0].Data[bytes.Index(g[0].Data, []byte{0, 0, 1, 0x67})+4] = idc
		return g
	}
	late := slices.Clone(other)
	late[0].Key = false
	for name, tt := range map[string]struct {
		g    frame.GOP
		good int // pictures at least
	}{
		"another size, at a key unit":                 {slices.Concat(g, other), 24},
		"another coding, at a key unit":               {slices.Concat(g, plain), 24},
		"another size, at a unit that is none":        {slices.Concat(g, late), 12},
		"the same sets again":                         {with(6, sets(g)...), 12},
		"a sequence set of another, within":           {with(6, sets(other)...), 6},
		"a picture set that nothing uses":             {with(6, 0, 0, 1, 0x68, 0x53, 0x8e, 0x20), 12},
		"a picture set that cannot be read":           {with(6, 0, 0, 1, 0x68), 6},
		"a sequence set that has impossible bytes":    {with(6, 0, 0, 1, 0x67, 0, 0, 2), 6},
		"a sequence set with its forbidden bit":       {with(6, 0, 0, 1, 0xe7, 1, 2), 12},
		"a sequence set of 50 KB":                     {with(0, append([]byte{0, 0, 1, 0x67}, bytes.Repeat([]byte{0xff}, 50_000)...)...), 0},
		"profile 144, which is high for FFmpeg alone": {profile(144), 0},
		"profile 134":                     {profile(134), 0},
		"profile 44":                      {profile(44), 0},
		"profile 88":                      {profile(88), 0},
		"profile 0":                       {profile(0), 0},
		"profile 66, which has no format": {profile(66), 0},
	} {
		t.Run(name, func(t *testing.T) {
			u := slices.Clone(tt.g)
			for i := range u {
				u[i].PTS, u[i].Time = time.Duration(i)*time.Second, time.Unix(int64(i), 0)
			}
			want := map[time.Duration]*frame.Picture{}
			for p, err := range new(ffmpeg.Decoder).Decode(t.Context(), unguarded(u), time.Time{}) {
				if err == nil {
					want[p.PTS] = p
				}
			}
			good := 0
			d := new(ffmpeg.Decoder)
			for p, err := range d.Decode(t.Context(), u, time.Time{}) {
				if err != nil || p.Corrupt {
					continue
				}
				good++
				w := want[p.PTS]
				if w == nil || w.Rect != p.Rect || !bytes.Equal(w.Y, p.Y) || !bytes.Equal(w.Cb, p.Cb) || !bytes.Equal(w.Cr, p.Cr) {
					t.Fatalf("the picture of %v is another than without a guard row", p.PTS)
				}
			}
			if good < tt.good {
				t.Errorf("%d good pictures, want %d", good, tt.good)
			}
		})
	}
}
