package ffmpeg_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// Damage marks the picture it is in and those sent after it, and not those before.
func TestDamage(t *testing.T) {
	const at = 10 // the damaged unit, in decoding order
	for _, tt := range []struct {
		name   string
		told   bool // headers tell whether anything refers to the damaged unit
		damage func(g frame.GOP) frame.GOP
	}{
		{"half a unit", true, func(g frame.GOP) frame.GOP {
			g[at].Data = g[at].Data[:len(g[at].Data)/2]
			return g
		}},
		{"a unit that is missing", true, func(g frame.GOP) frame.GOP { return append(g[:at:at], g[at+1:]...) }},
		{"a unit without data", false, func(g frame.GOP) frame.GOP {
			g[at].Data = nil
			return g
		}},
		{"a unit marked as lost", false, func(g frame.GOP) frame.GOP {
			g[at].Lost = true
			return g
		}},
		{"the unit before once more", false, func(g frame.GOP) frame.GOP {
			g[at].Data = g[at-1].Data
			return g
		}},
		{"zeros that no encoder writes", true, func(g frame.GOP) frame.GOP {
			data := bytes.Clone(g[at].Data)
			clear(data[len(data)-60 : len(data)-30])
			g[at].Data = data
			return g
		}},
	} {
		for name, clip := range map[string]frametest.Clip{
			"CABAC":    {Frames: 30},
			"CAVLC":    {Frames: 30, Args: []string{"-profile:v", "baseline"}},
			"B-frames": {Frames: 30, BFrames: 1, Args: []string{"-x264-params", "b-adapt=0"}},
		} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				g := append(frame.GOP{}, clip.GOPs(t)[0]...)
				decodedBefore := map[time.Duration]bool{}
				for _, u := range g[:at] {
					decodedBefore[u.PTS] = true
				}
				spoilt := g[at].PTS
				alone := tt.told && g[at].Data[bytes.LastIndex(g[at].Data, []byte{0, 0, 1})+3]&0x60 == 0
				for _, p := range all(t, &ffmpeg.Decoder{Threads: 2}, tt.damage(g), time.Time{}) {
					want := !decodedBefore[p.PTS]
					if alone {
						want = p.PTS == spoilt
					}
					if p.Corrupt != want {
						t.Errorf("picture at %v: corrupt %t, want %t", p.PTS, p.Corrupt, want)
					}
				}
			})
		}
	}
}

// A key unit whose parameter sets are missing gives an error or pictures that are marked, never one that passes for good.
func TestNoParameterSets(t *testing.T) {
	g := append(frame.GOP{}, frametest.Clip{Frames: 10}.GOPs(t)[0]...)
	data := g[0].Data
	idr := bytes.Index(data, []byte{0, 0, 1, 0x65})
	if idr < 0 {
		t.Fatal("no IDR slice")
	}
	g[0].Data = data[idr:]
	for p, err := range new(ffmpeg.Decoder).Decode(t.Context(), g, time.Time{}) {
		if p != nil && !p.Corrupt || err != nil && !errors.Is(err, ffmpeg.ErrNoPicture) {
			t.Errorf("%+v, %v", p, err)
		}
	}
}

// A stream without key units, that refreshes itself column by column, is marked until it is whole, and no longer.
func TestIntraRefresh(t *testing.T) {
	clip := frametest.Clip{Frames: 60, GOP: 20, Args: []string{"-x264-params", "intra-refresh=1"}}
	units := clip.Units(t)
	g := append(frame.GOP{}, units[25:]...)
	for !bytes.Contains(g[0].Data, []byte{0, 0, 1, 6}) { // the recovery point's SEI
		g = g[1:]
	}
	sets, _, _ := bytes.Cut(units[0].Data, []byte{0, 0, 1, 6})
	g[0].Data, g[0].Key = slices.Concat(sets, g[0].Data), true
	ps := all(t, new(ffmpeg.Decoder), g, time.Time{})
	if len(ps) != len(g) || !ps[0].Corrupt || ps[len(ps)-1].Corrupt {
		t.Fatalf("%d pictures of %d, the first corrupt %t, the last %t", len(ps), len(g), ps[0].Corrupt, ps[len(ps)-1].Corrupt)
	}
	clean := map[time.Duration]*frame.Picture{}
	for _, p := range all(t, new(ffmpeg.Decoder), units, time.Time{}) {
		clean[p.PTS] = p
	}
	for _, p := range ps {
		if luma, _, _ := planes(t, p.YCbCr, clean[p.PTS].YCbCr); luma > 8 && !p.Corrupt {
			t.Errorf("picture at %v passes for good and is off by %d", p.PTS, luma)
		}
	}
}
