package rtsp_test

import (
	"path/filepath"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/rtsp"
)

// TestParameterSetsChange publishes and pulls streams whose pictures become larger on their way: each key unit must carry the sets
// that it needs, not those of the description.
func TestParameterSetsChange(t *testing.T) {
	for _, test := range []struct {
		codec frame.Codec
		muxer string
		args  []string
		sps   byte
		kind  func(n []byte) byte
	}{
		{frame.H264, "h264", []string{"libx264", "-preset", "ultrafast", "-sc_threshold", "0"}, 7, func(n []byte) byte { return n[0] & 0x1f }},
		{frame.H265, "hevc", []string{"libx265", "-preset", "ultrafast", "-x265-params", "keyint=10:min-keyint=10:bframes=0:log-level=none"}, 33,
			func(n []byte) byte { return n[0] >> 1 }},
	} {
		t.Run(test.codec.String(), func(t *testing.T) {
			t.Parallel()
			input := "concat:"
			owner := make(map[string]int) // which half a slice or sequence parameter set is of, from 1
			for i, size := range []string{"320x176", "640x352"} {
				path, packets := encode(t, size, "clip."+test.muxer, test.args...)
				input += path + "|"
				for _, p := range packets {
					for _, n := range bitstream.SplitAnnexB(nil, p) {
						if kind := test.kind(n); kind < 6 || kind == test.sps || test.codec == frame.H265 && kind < 32 {
							owner[string(n)] = i + 1
						}
					}
				}
			}
			check := func(t *testing.T, units []frame.AccessUnit) {
				t.Helper()
				var seen [3]int // units of each half
				for i, u := range units {
					sets, halves := 0, make(map[int]bool)
					for _, n := range bitstream.SplitAnnexB(nil, u.Data) {
						if half := owner[string(n)]; half > 0 {
							halves[half] = true
						}
						if test.kind(n) == test.sps {
							sets++
						}
					}
					for half := range halves {
						seen[half]++
					}
					if u.Lost || len(halves) != 1 || u.Key != (sets == 1) {
						t.Errorf("unit %d: lost %v, key %v, %d sequence parameter sets, of %v", i, u.Lost, u.Key, sets, halves)
					}
				}
				if seen[1] < 5 || seen[2] < 5 {
					t.Errorf("%d units are of one half, %d of the other", seen[1], seen[2])
				}
			}
			t.Run("published", func(t *testing.T) {
				t.Parallel()
				got := make(taker, 1)
				addr, _ := listen(t, &rtsp.Server{Handler: got})
				if output, err := frametest.Run(t, "-readrate", "4", "-framerate", "30", "-i", input, "-c", "copy", "-f", "rtsp",
					"-rtsp_transport", "tcp", "rtsp://"+addr+"/live/cam").Wait(); err != nil {
					t.Fatalf("%v\n%s", err, output)
				}
				units := (<-got).units
				if len(units) != 120 {
					t.Errorf("%d units", len(units))
				}
				check(t, units)
			})
			t.Run("pulled", func(t *testing.T) {
				t.Parallel()
				joined := filepath.Join(t.TempDir(), "joined.ts") // unlike the input, it can be played over and over
				if output, err := frametest.Run(t, "-framerate", "30", "-i", input, "-c", "copy", joined).Wait(); err != nil {
					t.Fatalf("%v\n%s", err, output)
				}
				var s server
				s.start(t, "", true)
				s.run(t, "-readrate", "2", "-stream_loop", "-1", "-i", joined, "-c", "copy")
				_, units := collect(t, &rtsp.Client{URL: s.url()}, 100)
				check(t, units)
			})
		})
	}
}
