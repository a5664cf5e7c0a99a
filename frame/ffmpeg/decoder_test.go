package ffmpeg_test

import (
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// all decodes what g shows from the time on, and fails the test if the sequence ends with an error.
func all(t testing.TB, d *ffmpeg.Decoder, g frame.GOP, from time.Time) []*frame.Picture {
	t.Helper()
	var ps []*frame.Picture
	for p, err := range d.Decode(t.Context(), g, from) {
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
	return ps
}

// Every picture comes out once, in presentation order, with the times of its own unit.
func TestOrder(t *testing.T) {
	for _, tt := range []struct {
		name string
		clip frametest.Clip
	}{
		{"no B-frames, low latency", frametest.Clip{}},
		{"B-frames", frametest.Clip{BFrames: 3}},
		{"a pyramid of many B-frames", frametest.Clip{BFrames: 16, GOP: 60, Args: []string{"-x264-params", "b-pyramid=normal:b-adapt=0"}}},
		{"B-frames, and nothing told of how many", frametest.Clip{BFrames: 3, Args: []string{"-bsf:v",
			"h264_metadata=delete_filler=0", "-x264-params", "b-adapt=0"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			for _, g := range tt.clip.GOPs(t) {
				for _, p := range all(t, new(ffmpeg.Decoder), g, time.Time{}) {
					got, ok := frametest.Read(p.YCbCr)
					if !ok || got != n {
						t.Fatalf("picture %d shows %d, %t", n, got, ok)
					}
					if p.Time != frametest.Epoch.Add(p.PTS) || p.Corrupt || p.Key != (p.PTS == g[0].PTS) {
						t.Fatalf("picture %d: %+v", n, p)
					}
					n++
				}
			}
			if n != 60 {
				t.Fatalf("%d pictures", n)
			}
		})
	}
}
