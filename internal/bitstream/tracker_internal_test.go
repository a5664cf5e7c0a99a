package bitstream

import (
	"slices"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// spsPlain returns a sequence parameter set of 20 by 12 macroblocks, that counts pictures in 4 bits and their order in 8.
func spsPlain() []byte {
	var w bitio.Writer
	w.Put(0x67_42_00_1f, 32)
	for _, v := range []uint32{0, 0, 0, 4, 1} { // id, frame_num, order by lsb, its bits less 4, references
		w.UE(v)
	}
	w.Put(0, 1)
	w.UE(20 - 1)
	w.UE(12 - 1)
	w.Put(0b1100, 4)
	w.Stop()
	return w.NAL()
}

// What a tracker remembers has a bound, however long a GOP is and whatever it says of itself.
func TestTrackerIsBounded(t *testing.T) {
	var tr Tracker
	for i := range 200_000 {
		// A P slice whose count goes on, as no IDR picture comes.
		var w bitio.Writer
		w.Put(0x41, 8)
		w.UE(0)
		w.UE(0)
		w.UE(0)
		w.Put(uint64(i), 4)
		w.Put(uint64(2*i), 8)
		w.Put(1, 8)
		data := AppendAnnexB(nil, w.NAL())
		if i == 0 {
			data = append(AppendAnnexB(nil, spsPlain()), data...)
		}
		tr.Next(&frame.AccessUnit{Codec: frame.H264, Data: data})
	}
	if n := len(tr.h264.orders.newer) + len(tr.h264.orders.older); n < minRemembered || n > 2*minRemembered {
		t.Errorf("%d pictures of H.264 are remembered", n)
	}

	for i := range 100_000 {
		tr.Next(&frame.AccessUnit{Codec: frame.H265, Data: AppendAnnexB(nil, ppsH265(uint32(i)))})
	}
	if n := len(tr.h265.pps); n > 64 {
		t.Errorf("%d sets of H.265 are remembered", n)
	}
	if !slices.ContainsFunc([]uint32{0, 63}, func(id uint32) bool { return tr.h265.pps[id] != nil }) {
		t.Error("no set of H.265 is remembered")
	}
}

// ppsH265 returns a picture parameter set of H.265.
func ppsH265(id uint32) []byte {
	var w bitio.Writer
	w.Put(34<<1<<8|1, 16)
	w.UE(id)
	w.UE(0)
	w.Put(0, 5)
	w.Stop()
	return w.NAL()
}
