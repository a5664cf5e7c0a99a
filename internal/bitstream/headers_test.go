package bitstream_test

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
)

// track returns what the headers of a GOP say of each unit.
func track(g frame.GOP) (all []bitstream.Status) {
	var t bitstream.Tracker
	for i := range g {
		all = append(all, t.Next(&g[i]).Status)
	}
	return all
}

// indexes returns the units of a GOP of which something is so.
func indexes(all []bitstream.Status, is func(s bitstream.Status) bool) (at []int) {
	for i, s := range all {
		if is(s) {
			at = append(at, i)
		}
	}
	return at
}

func missing(s bitstream.Status) bool { return s.MissingReference }

// Units that are missing, or come again, are found by what the next one says; nothing is found of a stream as it was sent.
func TestMissingReferences(t *testing.T) {
	plain := frametest.Clip{Frames: 12, GOP: 12}.GOPs(t)[0]
	reordered := frametest.Clip{Frames: 12, GOP: 12, BFrames: 3, Args: []string{"-x264-params", "b-adapt=0:b-pyramid=none"}}.GOPs(t)[0]
	spare := indexes(track(reordered), func(s bitstream.Status) bool { return s.Droppable })
	if len(spare) < 6 || len(indexes(track(plain), func(s bitstream.Status) bool { return s.NonReference })) > 0 {
		t.Fatalf("units %v can be left out", spare)
	}
	for _, test := range []struct {
		about string
		g     frame.GOP
		want  []int
	}{
		{"as it was sent", plain, nil},
		{"with B-frames", reordered, nil},
		{"one is missing", slices.Delete(slices.Clone(plain), 5, 6), []int{5}},
		{"three are missing", slices.Delete(slices.Clone(plain), 5, 8), []int{5}},
		{"one comes twice", slices.Insert(slices.Clone(plain), 5, plain[4]), []int{5}},
		{"one that nothing refers to is missing", slices.Delete(slices.Clone(reordered), spare[1], spare[1]+1), nil},
		{"and one comes twice", slices.Insert(slices.Clone(reordered), spare[1], reordered[spare[1]]), []int{spare[1] + 1}},
	} {
		if got := indexes(track(test.g), missing); !slices.Equal(got, test.want) {
			t.Errorf("%s: missing before units %v, want %v", test.about, got, test.want)
		}
	}
}

// The same in H.265, of ten pictures of x265 with B-frames (testdata/b-frames.h265).
func TestMissingReferencesH265(t *testing.T) {
	file, err := os.ReadFile("testdata/b-frames.h265")
	if err != nil {
		t.Fatal(err)
	}
	delimiter := []byte{0, 0, 0, 1, 35 << 1, 1}
	var g frame.GOP
	for i, data := range bytes.Split(file, delimiter)[1:] {
		g = append(g, frame.AccessUnit{Codec: frame.H265, Key: i == 0, Data: append(bytes.Clone(delimiter), data...)})
	}
	without := func(i int) frame.GOP { return slices.Delete(slices.Clone(g), i, i+1) }
	for _, test := range []struct {
		about string
		g     frame.GOP
		want  []int
	}{
		{"as it was sent", g, nil},
		{"a P picture is missing, as all that refer to it tell", without(1), []int{1, 2, 3, 4, 5, 6}},
		{"a B picture that nothing refers to is missing", without(2), nil},
		{"without parameter sets nothing can be told", g[1:], nil},
	} {
		if got := indexes(track(test.g), missing); !slices.Equal(got, test.want) {
			t.Errorf("%s: missing before units %v, want %v", test.about, got, test.want)
		}
	}
}

// Of an intra refresh the pictures before the promise of clean ones are told; of what begins with an IDR picture, none.
func TestBeforeRecovery(t *testing.T) {
	g := frametest.Clip{Frames: 60, Args: []string{"-x264-params", "intra-refresh=1"}}.Units(t)
	sets := slices.DeleteFunc(bitstream.SplitAnnexB(nil, g[0].Data), func(n []byte) bool { return n[0]&0x1f != 7 && n[0]&0x1f != 8 })
	within := slices.Clone(g[30:50])
	within[0].Data = append(annexB(sets...), within[0].Data...)
	if s := track(g[:10]); s[0].NoIDR || s[9].BeforeRecovery {
		t.Errorf("from the IDR picture: %+v", s)
	}
	dirty := indexes(track(within), func(s bitstream.Status) bool { return s.BeforeRecovery })
	if open := track(within); !open[0].NoIDR || len(dirty) == 0 || len(dirty) == len(within) || dirty[0] != 0 || dirty[len(dirty)-1] != len(dirty)-1 {
		t.Errorf("before the recovery: %v of %d", dirty, len(within))
	}
}

// The guard row is a set more and a slice more, and its sequence parameter set tells what a decoder is to make of that.
func TestGuardRow(t *testing.T) {
	g := frametest.Clip{Frames: 3}.GOPs(t)[0]
	var tracker bitstream.Tracker
	first := tracker.Next(&g[0])
	if want := (bitstream.Size{Width: 320, Height: 192, ChromaFormat: 1, BitDepth: 8, References: 1}); first.Size != want {
		t.Errorf("%+v, want %+v", first.Size, want)
	}
	guard := bitstream.NewGuardRow(first)
	if guard == nil {
		t.Fatal("there is none")
	}
	if want := (bitstream.GuardedFrame{Width: 320, Height: 208, ShownWidth: 320, ShownHeight: 180, ChromaFormat: 1, BitDepth: 8}); guard.Frame != want {
		t.Errorf("%+v, want %+v", guard.Frame, want)
	}
	kinds := func(nals [][]byte) (kinds []byte) {
		for _, n := range nals {
			kinds = append(kinds, n[0]&0x1f)
		}
		return kinds
	}
	plain := kinds(first.NALs)
	guarded := guard.AppendUnit(nil, first)
	if got := kinds(bitstream.SplitAnnexB(nil, guarded)); !slices.Equal(got, append(slices.Insert(slices.Clone(plain), slices.Index(plain, 5), 8), 5)) {
		t.Errorf("%v became %v", plain, got)
	}
	next := tracker.Next(&g[1])
	if got := kinds(bitstream.SplitAnnexB(nil, guard.AppendUnit(nil, next))); !guard.Fits(next) || !slices.Equal(got, append(kinds(next.NALs), 1)) {
		t.Errorf("a unit later: %v", got)
	}
	again := new(bitstream.Tracker).Next(&frame.AccessUnit{Codec: frame.H264, Key: true, Data: guarded})
	if again.Size.Height != 208 || again.MissingReference || again.Malformed || again.Slices != first.Slices+1 {
		t.Errorf("read again: %+v", again)
	}
}

// FuzzHeaders reads the headers of a unit of any codec and any bytes. It ends; a size is one that pictures can have, or unknown; and a sequence
// header is a part of the unit.
func FuzzHeaders(f *testing.F) {
	f.Fuzz(func(t *testing.T, codec byte, data []byte) {
		u := frame.AccessUnit{Codec: frame.Codec(codec%7 + 1), Key: true, Data: data}
		s := bitstream.SizeOf(u)
		known := s.Width > 0 && s.Height > 0 && s.Width <= 1<<16 && s.Height <= 1<<16 && s.ChromaFormat >= 0 && s.ChromaFormat <= 3 &&
			s.BitDepth >= 8 && s.BitDepth <= 16 && s.References >= 0 && s.References <= 16 && s.Aspect() >= 0 && s.Aspect() <= bitstream.MaxAspect
		if s != (bitstream.Size{}) && !known {
			t.Fatalf("%+v", s)
		}
		head := bitstream.SequenceHeader(u)
		if u.Codec == frame.H264 || u.Codec == frame.H265 {
			for _, n := range bitstream.SplitAnnexB(nil, head) {
				if !bytes.Contains(data, n) {
					t.Fatalf("% x is not of % x", n, data)
				}
			}
		} else if !bytes.HasPrefix(data, head) {
			t.Fatalf("% x is not of % x", head, data)
		}
	})
}

// FuzzMPEG4 makes an access unit of any bytes: no more than the configuration is added, only to a key unit, and where none was known before, the unit
// is made of itself again.
func FuzzMPEG4(f *testing.F) {
	layer := []byte{0, 0, 1, 0xb0, 1, 0, 0, 1, 0x20, 0, 0x84, 0x40}
	f.Add(layer, []byte{0, 0, 1, 0xb6, 0x10, 7})
	f.Add([]byte{}, slices.Concat(layer, []byte{0, 0, 1, 0xb3, 0, 0, 0, 1, 0xb6, 0x10, 7}))
	f.Add(layer, []byte{0, 0, 1, 0xb6, 0x50, 7})
	f.Fuzz(func(t *testing.T, config, unit []byte) {
		var m bitstream.MPEG4
		if m.Config(config) != nil {
			return
		}
		data, key, err := m.Unit(unit)
		if err != nil || data == nil {
			return
		}
		if !bytes.HasSuffix(data, unit) || len(data) > len(config)+len(unit) || len(data) > len(unit) && !key {
			t.Fatalf("% x became % x, key %v", unit, data, key)
		}
		if len(config) > 0 { // which may be anything, a picture too
			return
		}
		again, key2, err := m.Unit(data)
		if err != nil || key2 != key || !bytes.Equal(again, data) {
			t.Fatalf("made again of itself: % x, key %v, %v; was % x, key %v", again, key2, err, data, key)
		}
	})
}

// What may be many in a unit is counted.
func TestCounts(t *testing.T) {
	spsOfSize := slices.Concat([]byte{0x42, 1, 0x01}, hevcProfile, []byte{0xa0, 0x02, 0x80, 0x80, 0x2d, 0x10}) // 1280 x 720, and no more
	for _, tt := range []struct {
		about                  string
		codec                  frame.Codec
		nals                   [][]byte
		slices, sets, pictures int
		declared               int64
	}{
		{"H.264, sets and slices of one picture", frame.H264, [][]byte{sps0, pps0, pps1, {0x65, 0x88}, {0x65, 0x41}}, 2, 3, 1, 0},
		{"H.264, three pictures", frame.H264, [][]byte{{0x65, 0x88}, {0x41, 0x9a}, {0x41, 0x9a}, {0x41, 0x41}}, 4, 0, 3, 0},
		{"H.265, two pictures, and one of a layer above", frame.H265, [][]byte{hevcVPS, hevcPPS0, hevcIDR, hevcSlice, hevcLayer1}, 3, 2, 2, 0},
		{"H.265, a set that ends after its size", frame.H265, [][]byte{spsOfSize, hevcIDR}, 1, 1, 1, 1280 * 720},
	} {
		u := frame.AccessUnit{Codec: tt.codec, Data: annexB(tt.nals...)}
		h := new(bitstream.Tracker).Next(&u)
		if h.Slices != tt.slices || h.Sets != tt.sets || h.Pictures != tt.pictures || h.Declared != tt.declared {
			t.Errorf("%s: %d slices, %d sets, %d pictures, %d pixels", tt.about, h.Slices, h.Sets, h.Pictures, h.Declared)
		}
	}
}
