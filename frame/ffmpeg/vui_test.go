package ffmpeg_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"

	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// Many hardware encoders do not tell how far pictures are reordered (H.264 E.2.1, max_num_reorder_frames). A decoder that guesses
// drops pictures when the first B-frames come late.
func TestReorderUntold(t *testing.T) {
	clip := frametest.Clip{BFrames: 4, Frames: 40, GOP: 40, Args: []string{"-profile:v", "main", "-x264-params",
		"b-adapt=2:b-pyramid=normal:rc-lookahead=10"}}
	g := clip.GOPs(t)[0]
	start := bytes.Index(g[0].Data, []byte{0, 0, 1, 0x67})
	if start < 0 {
		t.Fatal("no sequence parameter set")
	}
	start += len("\x00\x00\x01")
	end := start + bytes.Index(g[0].Data[start:], []byte{0, 0, 1})
	for g[0].Data[end-1] == 0 {
		end--
	}
	sps := withoutVUI(t, g[0].Data[start:end])
	g[0].Data = slices.Concat(g[0].Data[:start], sps, g[0].Data[end:])

	ps := all(t, new(ffmpeg.Decoder), g, time.Time{})
	for n, p := range ps {
		if number(t, p) != n || p.Corrupt {
			t.Errorf("picture %d shows %d, corrupt %t", n, number(t, p), p.Corrupt)
		}
	}
	if len(ps) != len(g) {
		t.Errorf("%d pictures of %d units", len(ps), len(g))
	}
}

// withoutVUI returns a sequence parameter set (H.264 section 7.3.2.1.1) of the main profile that ends before its VUI.
func withoutVUI(t *testing.T, sps []byte) []byte {
	t.Helper()
	out := append(bytes.Clone(sps), make([]byte, 8)...)
	pos := 32 // the NAL header, profile, constraints, level
	golomb := func(n int) {
		for range n {
			if _, err := bits.ReadGolombUnsigned(out, &pos); err != nil {
				t.Fatal(err)
			}
		}
	}
	flag := func() bool {
		v, err := bits.ReadFlag(out, &pos)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	golomb(5) // id, frame_num, a picture order count of type 0 and its size, references
	flag()    // gaps
	golomb(2) // width, height
	if !flag() {
		flag() // fields that change with the macroblock
	}
	flag()      // direct inference
	if flag() { // cropping
		golomb(4)
	}
	bits.WriteBitsUnsafe(out, &pos, 0b01, 2) // no VUI, the end
	size := (pos + 7) / 8
	if rest := size*8 - pos; rest > 0 {
		bits.WriteBitsUnsafe(out, &pos, 0, rest)
	}
	return out[:size]
}
