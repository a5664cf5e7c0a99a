package unpack_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/unpack"
	"github.com/pion/rtp"
)

// recovers reports whether a unit has a recovery point, which x264 sends as a message of its own.
func recovers(u frame.AccessUnit) bool {
	return slices.ContainsFunc(bitstream.SplitAnnexB(nil, u.Data), func(n []byte) bool { return n[0]&0x1f == 6 && n[1] == 6 })
}

// TestRecoveryPoints plays streams without IDR pictures, except for the first. That decoding may begin where a key unit is said to be,
// and that its parameter sets are there, is told from the structure; of the pictures, frame/ffmpeg tells which are clean.
func TestRecoveryPoints(t *testing.T) {
	refreshing := frametest.Clip{Frames: 300, Args: []string{"-x264-params", "intra-refresh=1"}} // 30 pictures each, 18 up to recovery
	for _, test := range []struct {
		about string
		clip  frametest.Clip
		from  int // the first unit whose packets arrive
		lost  int // a unit whose packets do not; zero for none
		keys  []int
	}{
		{"open GOPs", frametest.Clip{Frames: 150, BFrames: 3, Args: []string{"-x264-params", "open-gop=1"}}, 0, 0, []int{0, 29, 60, 89, 120}},
		{"open GOPs, from within", frametest.Clip{Frames: 150, BFrames: 3, Args: []string{"-x264-params", "open-gop=1"}}, 30, 0, []int{60, 89, 120}},
		{"intra refresh: an eighth of a GOP at most is not clean", refreshing, 0, 0, []int{0, 150}},
		{"intra refresh, from within", refreshing, 40, 0, []int{60, 210}},
		{"intra refresh, and then a loss", refreshing, 0, 70, []int{0, 90, 240}},
	} {
		encoded := test.clip.Units(t)
		var sets [][]byte
		for _, n := range bitstream.SplitAnnexB(nil, encoded[0].Data) {
			if kind := n[0] & 0x1f; kind == 7 || kind == 8 {
				sets = append(sets, n)
			}
		}
		stamps := make(map[uint32]int)
		for i, u := range encoded {
			stamps[uint32((u.PTS-encoded[0].PTS)*9/100000)] = i
		}
		var h unpack.H264
		if err := h.Learn(sets...); err != nil {
			t.Fatal(err)
		}
		units := unpackAll(t, unpack.New(&h), slices.DeleteFunc(packets(t, encoded), func(p *rtp.Packet) bool {
			n := stamps[p.Timestamp]
			return n < test.from || test.lost > 0 && n == test.lost
		}))
		var keys []int
		for _, u := range units {
			at := slices.IndexFunc(encoded, func(e frame.AccessUnit) bool { return bytes.HasSuffix(u.Data, e.Data) })
			if u.Key {
				keys = append(keys, at)
				if at > 0 && !recovers(u) || !bytes.HasPrefix(u.Data, annexB(sets...)) {
					t.Errorf("%s: key unit %d: %x", test.about, at, u.Data[:32])
				}
			}
		}
		if !slices.Equal(keys, test.keys) {
			t.Errorf("%s: key units %v, want %v", test.about, keys, test.keys)
		}
	}
}
