package nal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/livestill/livestill/internal/nal"
)

// Units of the smallest kind: type, then an id as an Exp-Golomb code (1xxx is 0, 010x is 1).
var (
	sps0   = []byte{0x67, 66, 0, 30, 0x80, 7}
	sps0b  = []byte{0x67, 77, 0, 30, 0x80, 7}
	sps1   = []byte{0x67, 66, 0, 30, 0x40, 7}
	pps0   = []byte{0x68, 0x80, 9}
	pps1   = []byte{0x68, 0x40, 9}
	idr    = []byte{0x65, 1, 2}
	slice  = []byte{0x41, 3, 4}
	sei    = []byte{0x06, 5}
	aud    = []byte{0x09, 0xf0}
	filler = []byte{0x0c, 0xff}
)

func annexB(nals ...[]byte) (b []byte) {
	for _, n := range nals {
		b = append(append(b, 0, 0, 0, 1), n...)
	}
	return b
}

func record(sps, pps [][]byte) []byte {
	b := []byte{1, 66, 0, 30, 0xff, 0xe0 | byte(len(sps))}
	for i, sets := range [][][]byte{sps, pps} {
		if i == 1 {
			b = append(b, byte(len(sets)))
		}
		for _, s := range sets {
			b = append(append(b, byte(len(s)>>8), byte(len(s))), s...)
		}
	}
	return b
}

func TestUnit(t *testing.T) {
	for _, test := range []struct {
		about  string
		before [][][]byte // units that come before
		nals   [][]byte
		want   []byte
		key    bool
	}{
		{"a key unit gets the sets of the record", nil, [][]byte{idr}, annexB(sps0, pps0, idr), true},
		{"other units do not", nil, [][]byte{slice}, annexB(slice), false},
		{"sets in band stand once", nil, [][]byte{sps0, pps0, idr}, annexB(sps0, pps0, idr), true},
		{"what is missing comes first", nil, [][]byte{pps0, idr}, annexB(sps0, pps0, idr), true},
		{"a set in band replaces the record's", [][][]byte{{sps0b, slice}}, [][]byte{idr}, annexB(sps0b, pps0, idr), true},
		{"a set with another id joins it, sequence sets first", [][][]byte{{pps1, sps1}}, [][]byte{idr}, annexB(sps0, sps1, pps0, pps1, idr), true},
		{"delimiters and filler are left out", nil, [][]byte{aud, sei, slice, filler, {}}, annexB(sei, slice), false},
		{"no picture, no unit", nil, [][]byte{sps0, pps0, sei}, nil, false},
	} {
		var h nal.H264
		if n, err := h.Config(record([][]byte{sps0}, [][]byte{pps0})); n != 4 || err != nil {
			t.Fatal(n, err)
		}
		for _, nals := range test.before {
			if _, _, err := h.Unit(nals); err != nil {
				t.Fatal(err)
			}
		}
		got, key, err := h.Unit(test.nals)
		if !bytes.Equal(got, test.want) || key != test.key || err != nil {
			t.Errorf("%s:\ngot  %x, key %v, %v\nwant %x, key %v", test.about, got, key, err, test.want, test.key)
		}
	}
}

func TestANewRecordForgetsTheOld(t *testing.T) {
	var h nal.H264
	for _, sps := range [][]byte{sps0, sps1} {
		if _, err := h.Config(record([][]byte{sps}, [][]byte{pps0})); err != nil {
			t.Fatal(err)
		}
	}
	if got, _, _ := h.Unit([][]byte{idr}); !bytes.Equal(got, annexB(sps1, pps0, idr)) {
		t.Errorf("%x", got)
	}
}

func TestSetsAreBounded(t *testing.T) {
	var h nal.H264
	big := append(bytes.Clone(sps0), bytes.Repeat([]byte{0xff}, 40<<10)...)
	if _, _, err := h.Unit([][]byte{big}); err != nil {
		t.Fatal(err)
	}
	big[4] = 0x40
	if _, _, err := h.Unit([][]byte{big}); !errors.Is(err, nal.ErrSets) {
		t.Errorf("80 KiB of sets: %v", err)
	}
}

func TestBadRecords(t *testing.T) {
	good := record([][]byte{sps0}, [][]byte{pps0})
	for n := range good {
		var h nal.H264
		if _, err := h.Config(good[:n]); err == nil {
			t.Errorf("%d of %d bytes of a record: no error", n, len(good))
		}
	}
	var h nal.H264
	if _, err := h.Config(append([]byte{2}, good[1:]...)); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Error(err)
	}
}

func TestSplitLengthSaysWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		about string
		b     []byte
		size  int
		want  string
	}{
		{"a unit that ends early", []byte{0, 0, 0, 3, 1, 2}, 4, "NAL unit of 3 bytes where 2 are left"},
		{"half a length", []byte{0, 1, 9, 0}, 2, "1 bytes left"},
		{"the largest length", []byte{255, 255, 255, 255, 1}, 4, "NAL unit of 4294967295 bytes"},
	} {
		if _, err := nal.SplitLength(nil, test.b, test.size); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.about, err)
		}
	}
}

// FuzzH264 splits any bytes into NAL units, makes an access unit of them and reads it back: nothing but delimiters, filler and
// empty units may be missing, and nothing but remembered sets may have come.
func FuzzH264(f *testing.F) {
	f.Add(record([][]byte{sps0}, [][]byte{pps0}), annexB(aud, sps1, pps1, sei, idr))
	f.Add(record([][]byte{sps0, sps1}, nil), annexB(slice, filler))
	f.Fuzz(func(t *testing.T, config, stream []byte) {
		var h nal.H264
		if size, err := h.Config(config); err == nil && (size < 1 || size > 4) {
			t.Fatalf("length size %d", size)
		}
		nals := nal.SplitAnnexB(nil, stream)
		data, key, err := h.Unit(nals)
		if err != nil || data == nil {
			return
		}
		var want [][]byte
		for _, n := range nals {
			if kind := n[0] & 0x1f; kind != 9 && kind != 12 {
				want = append(want, n)
			}
		}
		got := nal.SplitAnnexB(nil, data)
		extra := len(got) - len(want)
		if extra < 0 || extra > 0 && !key {
			t.Fatalf("%d units in, %d out, key %v", len(want), len(got), key)
		}
		for i, n := range got[extra:] {
			if !bytes.Equal(n, want[i]) {
				t.Fatalf("unit %d: %x became %x", i, want[i], n)
			}
		}
		again, key2, err := h.Unit(got)
		if err != nil || key2 != key || !bytes.Equal(again, data) {
			t.Fatalf("made again of its own units: %x, key %v, %v; was %x", again, key2, err, data)
		}
	})
}

// FuzzSplitLength writes back what it reads.
func FuzzSplitLength(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 7, 8, 0, 0, 0, 0}, 4)
	f.Add([]byte{1, 2, 3}, 1)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		size = 1 + (size&3+4)%4
		nals, err := nal.SplitLength(nil, b, size)
		var back []byte
		for _, n := range nals {
			for i := range size {
				back = append(back, byte(len(n)>>(8*(size-1-i))))
			}
			back = append(back, n...)
		}
		if !bytes.HasPrefix(b, back) || err == nil && len(back) != len(b) {
			t.Fatalf("%x was read as %x, %v", b, back, err)
		}
	})
}
