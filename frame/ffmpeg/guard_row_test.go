package ffmpeg_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// The guard row changes no picture, and makes none corrupt.
func TestGuardRowIsNotSeen(t *testing.T) {
	for name, clip := range map[string]frametest.Clip{
		"one slice":           {Args: []string{"-x264-params", "sliced-threads=0:slices=1"}},
		"slices":              {Args: []string{"-slices", "5"}},
		"CAVLC":               {Args: []string{"-profile:v", "baseline"}},
		"CAVLC, 8x8":          {Args: []string{"-coder", "0", "-x264-params", "8x8dct=1"}},
		"CABAC, no 8x8":       {Args: []string{"-profile:v", "main"}},
		"B-frames":            {BFrames: 3, Args: []string{"-x264-params", "direct=temporal:weightb=1"}},
		"odd":                 {Width: 322, Height: 182},
		"no rows to crop":     {Width: 320, Height: 176},
		"4:2:2":               {Args: []string{"-pix_fmt", "yuv422p"}},
		"4:4:4, goes without": {Args: []string{"-pix_fmt", "yuv444p"}},
		"10 bits":             {Args: []string{"-pix_fmt", "yuv420p10le"}},
		"intra refresh":       {Args: []string{"-x264-params", "intra-refresh=1"}},
		"order by slices":     {Args: []string{"-bsf:v", "h264_metadata=level=1.3", "-x264-params", "nal-hrd=none"}},
		"interlaced":          {Args: []string{"-flags", "+ildct+ilme"}},
		"several references":  {Args: []string{"-refs", "4", "-x264-params", "weightp=2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, g := range clip.GOPs(t) {
				want := all(t, new(ffmpeg.Decoder), unguarded(g), time.Time{})
				got := all(t, new(ffmpeg.Decoder), g, time.Time{})
				if len(want) != len(g) || len(got) != len(g) {
					t.Fatalf("%d pictures of %d, %d without a guard row", len(got), len(g), len(want))
				}
				for i, p := range got {
					w := want[i]
					same := bytes.Equal(p.Y, w.Y) && bytes.Equal(p.Cb, w.Cb) && bytes.Equal(p.Cr, w.Cr)
					if !same || p.Corrupt || p.PTS != w.PTS || p.Key != w.Key || p.QP != w.QP || p.Rect != w.Rect {
						t.Fatalf("picture %d: same pixels %v, corrupt %v, QP %v, want %v", i, same, p.Corrupt, p.QP, w.QP)
					}
				}
			}
		})
	}
}

// Flipped bits in the last slice of a picture, where FFmpeg alone sees least, are found.
func TestFlippedBits(t *testing.T) {
	for name, clip := range map[string]frametest.Clip{
		"one slice": {Frames: 30, Noise: 4, Args: []string{"-x264-params", "sliced-threads=0:slices=1"}},
		"slices":    {Frames: 30, Noise: 4, Args: []string{"-slices", "3"}},
		"B-frames":  {Frames: 30, Noise: 4, BFrames: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := clip.GOPs(t)[0][:8]
			clean := map[time.Duration]*frame.Picture{}
			for _, p := range all(t, new(ffmpeg.Decoder), g, time.Time{}) {
				clean[p.PTS] = p
			}
			r := rand.New(rand.NewPCG(5, 6))
			passed, without := 0, 0
			for range 60 {
				bad := append(frame.GOP{}, g...)
				u := &bad[r.IntN(len(bad))]
				u.Data = bytes.Clone(u.Data)
				u.Data[len(u.Data)-1-r.IntN(len(u.Data)/3)] ^= 1 << r.IntN(8)
				if passes(t, new(ffmpeg.Decoder), bad, clean) {
					passed++
				}
				if passes(t, new(ffmpeg.Decoder), unguarded(bad), clean) {
					without++
				}
			}
			t.Logf("of 60 pass as good: %d, without a guard row %d", passed, without)
			if passed > 1 || without <= passed {
				t.Errorf("of 60 pass as good: %d, without a guard row %d", passed, without)
			}
		})
	}
}

// passes reports whether a picture that is visibly broken passes for good.
func passes(t *testing.T, d *ffmpeg.Decoder, g frame.GOP, clean map[time.Duration]*frame.Picture) bool {
	t.Helper()
	const off = 48 // code values, which no quantiser of these clips comes near to
	for p, err := range d.Decode(t.Context(), g, time.Time{}) {
		if err != nil {
			return false
		}
		if lumaOff(p.YCbCr, clean[p.PTS].YCbCr) > off && !p.Corrupt {
			return true
		}
	}
	return false
}
