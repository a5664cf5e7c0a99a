package bitstream_test

import (
	"testing"

	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// A sliceOf is what the header of a slice of H.264 says, of a sequence that has fields, frame_num in 4 bits and the order of pictures in 4.
type sliceOf struct {
	header   byte // of the NAL unit
	firstMB  uint32
	pps      uint32
	frameNum uint64
	field    uint64 // 0: a frame; 0b10: the top field; 0b11: the bottom one, as coded
	idr      uint32 // idr_pic_id
	lsb      uint64
}

func (s sliceOf) nal() []byte {
	var w bitio.Writer
	w.Put(uint64(s.header), 8)
	w.UE(s.firstMB)
	w.UE(7)
	w.UE(s.pps)
	w.Put(s.frameNum, 4)
	if s.field == 0 {
		w.Put(0, 1)
	} else {
		w.Put(s.field, 2)
	}
	if s.header&31 == 5 {
		w.UE(s.idr)
	}
	w.Put(s.lsb, 4)
	w.Put(0xabcd, 16)
	w.Stop()
	return w.NAL()
}

func fieldSPS() []byte {
	var w bitio.Writer
	w.Put(0x67_4d_00_1f, 32)
	for _, v := range []uint32{0, 0, 0, 0, 1} { // id, bits of frame_num less 4, order by lsb, its bits less 4, references
		w.UE(v)
	}
	w.Put(0, 1)
	w.UE(20 - 1)
	w.UE(12 - 1)
	w.Put(0b00100, 5) // fields too
	w.Stop()
	return w.NAL()
}

func ppsOf(id uint32) []byte {
	var w bitio.Writer
	w.Put(0x68, 8)
	w.UE(id)
	w.UE(0)
	w.Put(0, 8)
	w.Stop()
	return w.NAL()
}

func TestBeginsPicture(t *testing.T) {
	const idr, p, b, partA, partB = 0x65, 0x41, 0x01, 0x42, 0x43
	slice := sliceOf{p, 40, 0, 3, 0, 0, 6}
	change := func(f func(s *sliceOf)) []byte {
		s := slice
		f(&s)
		return s.nal()
	}
	key := sliceOf{idr, 40, 0, 0, 0, 1, 0}
	for _, test := range []struct {
		about         string
		known         bool // the parameter sets
		previous, nal []byte
		want          bool
	}{
		{"nothing came before", true, nil, slice.nal(), true},
		{"the first macroblock", true, slice.nal(), change(func(s *sliceOf) { s.firstMB = 0 }), true},
		{"and sets are not known", false, slice.nal(), change(func(s *sliceOf) { s.firstMB = 0 }), true},
		{"a later slice", true, change(func(s *sliceOf) { s.firstMB = 0 }), slice.nal(), false},
		{"a later slice of an IDR picture", true, key.nal(), key.nal(), false},
		{"another frame_num", true, slice.nal(), change(func(s *sliceOf) { s.frameNum = 4 }), true},
		{"and sets are not known", false, slice.nal(), change(func(s *sliceOf) { s.frameNum = 4 }), false},
		{"another order", true, slice.nal(), change(func(s *sliceOf) { s.lsb = 8 }), true},
		{"another set", true, slice.nal(), change(func(s *sliceOf) { s.pps = 1 }), true},
		{"a set that nobody has seen", true, slice.nal(), change(func(s *sliceOf) { s.pps, s.frameNum = 9, 4 }), false},
		{"one that nothing refers to", true, slice.nal(), change(func(s *sliceOf) { s.header = b }), true},
		{"one that is as important, but has another number for it", true, slice.nal(), change(func(s *sliceOf) { s.header = 0x61 }), false},
		{"an IDR picture", true, sliceOf{p, 40, 0, 0, 0, 0, 0}.nal(), key.nal(), true},
		{"another IDR picture", true, key.nal(), sliceOf{idr, 40, 0, 0, 0, 2, 0}.nal(), true},
		{"a field", true, slice.nal(), change(func(s *sliceOf) { s.field = 0b10 }), true},
		{"the other field", true, change(func(s *sliceOf) { s.field = 0b10 }), change(func(s *sliceOf) { s.field = 0b11 }), true},
		{"the same field", true, change(func(s *sliceOf) { s.field = 0b11 }), change(func(s *sliceOf) { s.field = 0b11 }), false},
		{"a partition of the same slice", true, change(func(s *sliceOf) { s.header = partA }), []byte{partB, 0x80}, false},
		{"a slice after a partition", true, []byte{partB, 0x80}, slice.nal(), false},
		{"a first partition", true, slice.nal(), change(func(s *sliceOf) { s.header, s.firstMB = partA, 0 }), true},
		{"no slice", true, slice.nal(), []byte{0x67, 0x80}, false},
		{"a header cut short", true, slice.nal(), []byte{p}, false},
		{"after one cut short", true, []byte{p}, slice.nal(), false},
	} {
		var h bitstream.H264
		if test.known {
			if _, _, err := h.Unit([][]byte{fieldSPS(), ppsOf(0), ppsOf(1)}); err != nil {
				t.Fatal(err)
			}
		}
		if got := h.BeginsPicture(test.previous, test.nal); got != test.want {
			t.Errorf("%s: %v", test.about, got)
		}
	}
}

func TestBeginsPictureH265(t *testing.T) {
	first, later := []byte{2, 1, 0x80, 1}, []byte{2, 1, 0x40, 1}
	for _, test := range []struct {
		about         string
		previous, nal []byte
		want          bool
	}{
		{"nothing came before", nil, later, true},
		{"the first segment", later, first, true},
		{"a later segment", first, later, false},
		{"one of another type", first, []byte{0, 1, 0x40, 1}, true},
		{"one of another temporal layer", first, []byte{2, 2, 0x40, 1}, true},
		{"one of a layer above the base", first, []byte{2, 9, 0x80, 1}, false},
		{"no slice segment", first, []byte{0x40, 1, 0x80}, false},
		{"a header cut short", first, []byte{2, 1}, false},
	} {
		if got := new(bitstream.H265).BeginsPicture(test.previous, test.nal); got != test.want {
			t.Errorf("%s: %v", test.about, got)
		}
	}
}

// FuzzBeginsPicture asks of any two NAL units. A slice goes on with the picture of one that is the same, unless it says that it is the first.
func FuzzBeginsPicture(f *testing.F) {
	f.Add(annexB(fieldSPS(), ppsOf(0)), sliceOf{0x41, 40, 0, 3, 0, 0, 6}.nal(), sliceOf{0x41, 40, 0, 4, 0b10, 0, 6}.nal())
	f.Add(annexB(sps0, pps0), idr, slice)
	f.Fuzz(func(t *testing.T, sets, a, b []byte) {
		if len(a) == 0 || len(b) == 0 {
			return
		}
		var avc bitstream.H264
		var hevc bitstream.H265
		_, _, _ = avc.Unit(bitstream.SplitAnnexB(nil, sets))
		for _, n := range [][]byte{a, b} {
			first := len(n) > 1 && n[1]&0x80 != 0
			if avc.BeginsPicture(n, n) && !first {
				t.Fatalf("%x does not go on with itself", n)
			}
			first = len(n) > 2 && n[2]&0x80 != 0
			if hevc.BeginsPicture(n, n) != (first && n[0]>>1&63 < 32 && n[0]&1 == 0 && n[1] < 8) {
				t.Fatalf("%x of H.265", n)
			}
		}
		if before := avc.BeginsPicture(a, b); avc.BeginsPicture(a, b) != before {
			t.Fatal("not the same twice")
		}
	})
}
