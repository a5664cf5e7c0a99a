package bitstream_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/bitstream/bitio"
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

// A maker is what bitstream.H264 and bitstream.H265 have in common.
type maker interface {
	Config(record []byte) (lengthSize int, err error)
	Unit(nals [][]byte) (data []byte, key bool, err error)
}

type unitTest struct {
	about  string
	before [][][]byte // units that come before
	nals   [][]byte
	want   []byte
	key    bool
}

func (test unitTest) run(t *testing.T, m maker, record []byte) {
	t.Helper()
	if n, err := m.Config(record); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	for _, nals := range test.before {
		if _, _, err := m.Unit(nals); err != nil {
			t.Fatal(err)
		}
	}
	got, key, err := m.Unit(test.nals)
	if !bytes.Equal(got, test.want) || key != test.key || err != nil {
		t.Errorf("%s:\ngot  %x, key %v, %v\nwant %x, key %v", test.about, got, key, err, test.want, test.key)
	}
}

func TestH264Unit(t *testing.T) {
	for _, test := range []unitTest{
		{"a key unit gets the sets of the record", nil, [][]byte{idr}, annexB(sps0, pps0, idr), true},
		{"other units do not", nil, [][]byte{slice}, annexB(slice), false},
		{"sets in band stand once", nil, [][]byte{sps0, pps0, idr}, annexB(sps0, pps0, idr), true},
		{"what is missing comes first", nil, [][]byte{pps0, idr}, annexB(sps0, pps0, idr), true},
		{"a set in band replaces the record's", [][][]byte{{sps0b, slice}}, [][]byte{idr}, annexB(sps0b, pps0, idr), true},
		{"a set with another id joins it, sequence sets first", [][][]byte{{pps1, sps1}}, [][]byte{idr},
			annexB(sps0, sps1, pps0, pps1, idr), true},
		{"sets come before all else", nil, [][]byte{sei, sps0, idr}, annexB(sps0, pps0, sei, idr), true},
		{"sets that are not for a key unit stay in place", nil, [][]byte{sei, pps1, slice}, annexB(sei, pps1, slice), false},
		{"what cannot be told is left as it is", nil, [][]byte{{0x68}, {0x67, 1, 2}, {0x68, 0, 0x40}, slice},
			annexB([]byte{0x68}, []byte{0x67, 1, 2}, []byte{0x68, 0, 0x40}, slice), false},
		{"delimiters and filler are left out", nil, [][]byte{aud, sei, slice, filler, {}}, annexB(sei, slice), false},
		{"no picture, no unit", nil, [][]byte{sps0, pps0, sei}, nil, false},
	} {
		test.run(t, new(bitstream.H264), record([][]byte{sps0}, [][]byte{pps0}))
	}
}

// TestRecoveryPoints has recovery points after an IDR picture, of an open GOP and of an intra refresh that takes two pictures.
func TestRecoveryPoints(t *testing.T) {
	const open, refresh = 0x80, 0x60 // counts of zero and two, as Exp-Golomb codes
	point := func(count byte) []byte { return []byte{0x06, 0x06, 0x01, count, 0x80} }
	var h bitstream.H264
	for i, test := range []struct {
		nals [][]byte
		lost bool // before it
		key  bool
	}{
		{nals: [][]byte{point(open), slice}}, // no sets are known
		{nals: [][]byte{sps0, pps0, point(refresh), slice}, key: true},
		{nals: [][]byte{point(open), slice}, key: true},
		{nals: [][]byte{slice}},
		{nals: [][]byte{point(refresh), slice}},
		{nals: [][]byte{point(refresh), slice}, lost: true, key: true},
		{nals: [][]byte{point(refresh), slice}},
		{nals: [][]byte{idr}, key: true},
		{nals: [][]byte{point(refresh)}}, // no picture
		{nals: [][]byte{sei, {0x06, 0x06, 0xff}, slice}},
	} {
		if test.lost {
			h.Lost()
		}
		data, key, err := h.Unit(test.nals)
		if key != test.key || err != nil || key && !bytes.HasPrefix(data, annexB(sps0, pps0)) {
			t.Errorf("unit %d: %x, key %v, %v", i, data, key, err)
		}
		if closed := len(test.nals) == 1; key && bitstream.Closed(frame.H264, data) != closed {
			t.Errorf("unit %d: closed is not %v", i, closed)
		}
	}
}

func TestANewRecordForgetsTheOld(t *testing.T) {
	var h bitstream.H264
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
	var h bitstream.H264
	big := append(bytes.Clone(pps0), bytes.Repeat([]byte{0xff}, bitstream.MaxSet-len(pps0))...)
	for n := range byte(20) {
		big[1], big[2] = 4|n>>3, n<<5|1 // pps_id 31 and on
		_, _, err := h.Unit([][]byte{big})
		if n < 2 && err != nil || n >= 2 && !errors.Is(err, bitstream.ErrSets) {
			t.Errorf("%d sets of 4 KiB: %v", n+1, err)
		}
	}
	h = bitstream.H264{}
	for n := range 80 {
		var w bitio.Writer
		w.Put(0x68, 8)
		w.UE(uint32(n))
		w.Stop()
		_, _, err := h.Unit([][]byte{w.NAL()})
		if n < bitstream.MaxSets && err != nil || n >= bitstream.MaxSets && !errors.Is(err, bitstream.ErrSets) {
			t.Errorf("%d sets: %v", n+1, err)
		}
	}
	if _, _, err := h.Unit([][]byte{append(big, 1)}); !errors.Is(err, bitstream.ErrSet) {
		t.Errorf("a set of more than 4 KiB: %v", err)
	}
}

// An access unit of more NAL units than may be is taken for crowded, whether they are empty or not, and nobody splits all of it.
func TestCrowded(t *testing.T) {
	for _, test := range []struct {
		about string
		nal   []byte
		n     int
		want  bool
	}{
		{"as many as may be", slice, 8 << 10, false},
		{"one more", slice, 8<<10 + 1, true},
		{"a million empty ones", nil, 1_000_000, true},
		{"a million of a byte", idr[:1], 1_000_000, true},
	} {
		var b []byte
		for range test.n {
			b = append(append(b, 0, 0, 1), test.nal...)
		}
		u := frame.AccessUnit{Codec: frame.H264, Data: b}
		if h := new(bitstream.Tracker).Next(&u); h.Crowded != test.want || len(h.NALs) > 8<<10 {
			t.Errorf("%s: %v, split into %d", test.about, h.Crowded, len(h.NALs))
		}
	}
}

func TestBadRecords(t *testing.T) {
	for _, test := range []struct {
		about  string
		maker  maker
		record []byte
	}{
		{"H.264", new(bitstream.H264), record([][]byte{sps0}, [][]byte{pps0})},
		{"H.265", new(bitstream.H265), hevcRecord(hevcVPS, hevcSPS0, hevcPPS0)},
	} {
		for n := range test.record {
			if _, err := test.maker.Config(test.record[:n]); err == nil {
				t.Errorf("%d of %d bytes of a record of %s: no error", n, len(test.record), test.about)
			}
		}
		other := append([]byte{2}, test.record[1:]...)
		if _, err := test.maker.Config(other); err == nil || !strings.Contains(err.Error(), "version 2") {
			t.Errorf("%s: %v", test.about, err)
		}
		if _, err := test.maker.Config(make([]byte, 1<<20)); err == nil || !strings.Contains(err.Error(), "1048576 bytes") {
			t.Errorf("%s: %v", test.about, err)
		}
	}
}

func TestStartCodeInASet(t *testing.T) {
	for _, m := range []maker{new(bitstream.H264), new(bitstream.H265)} {
		bad := [][]byte{append(bytes.Clone(pps0), 0, 0, 1, 0x65), append(bytes.Clone(hevcPPS0), 0, 0, 1, 0x26)}
		if _, _, err := m.Unit(bad); !errors.Is(err, bitstream.ErrStartCode) {
			t.Errorf("%T: %v", m, err)
		}
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
		{"units without end", make([]byte, 1<<16), 1, "more than 8192 NAL units"},
		{"the largest length", []byte{255, 255, 255, 255, 1}, 4, "NAL unit of 4294967295 bytes"},
	} {
		if _, err := bitstream.SplitLength(nil, test.b, test.size); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.about, err)
		}
	}
}
