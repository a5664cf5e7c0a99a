package ffmpeg_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/feed"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/peer"
)

// muxed returns the units of a picture in an MP4 file that ffmpeg writes, whose index has tags that the encoder was not told.
func muxed(t *testing.T, raw []byte, pixels string, p scenery, encoder, tags []string) (g frame.GOP) {
	t.Helper()
	peer.Needs(t, "ffmpeg")
	dir := t.TempDir()
	in, coded, path := filepath.Join(dir, "raw"), filepath.Join(dir, "coded.mp4"), filepath.Join(dir, "tagged.mp4")
	if err := os.WriteFile(in, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "ffmpeg", append([]string{"-nostdin", "-v", "error"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg %q: %v\n%s", args, err, out)
		}
	}
	encoder = append([]string{"-f", "rawvideo", "-pix_fmt", pixels, "-s", fmt.Sprintf("%dx%d", p.w, p.h), "-r", "1", "-i", in}, encoder...)
	run(append(encoder, coded)...)
	run(append(append([]string{"-i", coded, "-c", "copy"}, tags...), path)...)
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for u, err := range feed.ReadMP4(file) {
		if err != nil {
			t.Fatal(err)
		}
		u.Time = frametest.Epoch.Add(u.PTS)
		g = append(g, u)
	}
	return g
}

// What the index of an MP4 file tells of colours that the stream does not counts for every codec. What the stream
// tells counts more.
func TestColoursOfContainers(t *testing.T) {
	tags := func(primaries, transfer, matrix string) []string {
		return []string{"-color_primaries", primaries, "-color_trc", transfer, "-colorspace", matrix}
	}
	asPQ, asHLG, asSDR := tags("bt2020", "smpte2084", "bt2020nc"), tags("bt2020", "arib-std-b67", "bt2020nc"), tags("bt709", "bt709", "bt709")
	encoders := map[frame.Codec][]string{
		frame.VP9:  {"-c:v", "libvpx-vp9", "-lossless", "1", "-deadline", "realtime", "-cpu-used", "8"},
		frame.H264: {"-c:v", "libx264", "-qp", "0", "-preset", "ultrafast"},
		frame.H265: {"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:lossless=1"},
		frame.AV1:  {"-c:v", "libaom-av1", "-crf", "0", "-aom-params", "lossless=1", "-usage", "realtime", "-cpu-used", "8"},
	}
	both := frame.ToneMapped | frame.GamutMapped
	for _, tt := range []struct {
		about    string
		codec    frame.Codec
		depth    int
		coding   coding
		light    light
		coded    []string // what the stream is tagged as
		tags     []string // what the file is
		changes  frame.Changes
		transfer uint8
	}{
		{"PQ", frame.VP9, 10, bt2020, pq, nil, asPQ, both, frame.TransferPQ},
		{"PQ of 12 bits", frame.VP9, 12, bt2020, pq, nil, asPQ, both, frame.TransferPQ},
		{"HLG", frame.VP9, 10, bt2020, hlg, nil, asHLG, both, frame.TransferHLG},
		{"HLG, of which the stream tells BT.2020", frame.VP9, 10, bt2020, hlg, []string{"-colorspace", "bt2020nc"}, asHLG, both, frame.TransferHLG},
		{"P3", frame.VP9, 8, bt709, sdr2020.of(to709OfP3), nil, tags("smpte432", "bt709", "bt709"), frame.GamutMapped, 1},
		{"PQ", frame.H264, 10, bt2020, pq, nil, asPQ, both, frame.TransferPQ},
		{"full range", frame.H264, 10, bt2020.fullRange(), pq, nil, append([]string{"-color_range", "pc"}, asPQ...), both, frame.TransferPQ},
		{"PQ that its file says is SDR", frame.H264, 10, bt2020, pq, asPQ, asSDR, both, frame.TransferPQ},
		{"HLG", frame.H265, 10, bt2020, hlg, nil, asHLG, both, frame.TransferHLG},
		{"PQ", frame.H265, 10, bt2020, pq, nil, asPQ, both, frame.TransferPQ},
		{"SDR that its file says is HLG", frame.H265, 8, bt2020, sdr2020, tags("bt2020", "bt2020-10", "bt2020nc"), asHLG, frame.GamutMapped, 14},
		{"HLG", frame.AV1, 10, bt2020, hlg, nil, asHLG, both, frame.TransferHLG},
		{"HLG that its file says is PQ", frame.AV1, 10, bt2020, hlg, asHLG, asPQ, both, frame.TransferHLG},
	} {
		t.Run(fmt.Sprintf("%s in %v", tt.about, tt.codec), func(t *testing.T) {
			t.Parallel()
			brightest := max(tt.light.peak, 203)
			p, s := chartOf(patches(brightest)), sampling{tt.depth, "420"}
			encoder := append(append([]string{}, tt.coded...), encoders[tt.codec]...)
			g := muxed(t, p.planes(s, tt.coding, tt.light), s.pixels(), p, encoder, tt.tags)
			got := all(t, new(ffmpeg.Decoder), g, time.Time{})[0]
			if got.Changes != tt.changes || got.Signal.Transfer != tt.transfer || got.Signal.FullRange != tt.coding.full {
				t.Errorf("%v, want %v; %+v", got.Changes, tt.changes, got.Signal)
			}
			var off deltas
			for y := 0; y < p.h; y++ {
				for x := 0; x < p.w; x++ {
					if inPatch(x) && inPatch(y) {
						off.add(shown(got.YCbCr, x, y), tt.light.exact(p.at(x, y)))
					}
				}
			}
			t.Logf("%v", &off)
			if off.mean() > 1 {
				t.Errorf("%v", &off)
			}
		})
	}
}

// Each picture has the colours of its own unit. What a source of one's own gives that is out of range does nothing.
func TestColoursChange(t *testing.T) {
	p, s := chartOf(patches(203)[:20]), sampling{10, "420"}
	picture := p.planes(s, bt2020, pq)
	raw := append(append(append([]byte{}, picture...), picture...), picture...)
	g := encode(t, frame.VP9, raw, s.pixels(), p.w, p.h, "-c:v", "libvpx-vp9", "-lossless", "1", "-deadline", "realtime", "-cpu-used", "8", "ivf")
	if len(g) != 3 {
		t.Fatal(len(g))
	}
	told := frame.Colours{Primaries: 9, Transfer: 16, Matrix: 9, MaxContent: 500, MaxMastering: 1000, MaxAverage: 100}
	g[1].Colours = &told
	g[2].Colours = &frame.Colours{Primaries: 3, Transfer: 200, Matrix: 99, MaxContent: -1, MaxMastering: 1 << 30, MaxAverage: 70000}
	ps := all(t, new(ffmpeg.Decoder), g, time.Time{})
	if len(ps) != 3 || ps[0].Changes != 0 || ps[1].Changes != frame.ToneMapped|frame.GamutMapped || ps[2].Changes != 0 || ps[0].Signal != ps[2].Signal {
		t.Fatalf("%+v", ps)
	}
	if s := ps[1].Signal; (frame.Colours{
		Primaries: s.Primaries, Transfer: s.Transfer, Matrix: s.Matrix, MaxContent: s.MaxContent, MaxMastering: s.MaxMastering, MaxAverage: s.MaxAverage,
	}) != told {
		t.Errorf("%+v", s)
	}
}
