package bitstream_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// OBUs of the smallest kind: a header, a size, a payload.
var (
	av1Delimiter = []byte{0x12, 0}
	av1Sequence  = []byte{0x0a, 2, 0x00, 1}
	av1SequenceB = []byte{0x0a, 2, 0x00, 2}
	av1Still     = []byte{0x0a, 2, 0x18, 1} // one picture, with the reduced header
	av1Metadata  = []byte{0x2a, 1, 7}
	av1Padding   = []byte{0x7a, 2, 0xff, 0x80}
	av1Key       = []byte{0x32, 2, 0x10, 1}
	av1Inter     = []byte{0x32, 2, 0x30, 1}
	av1Intra     = []byte{0x32, 2, 0x50, 1}
	av1Hidden    = []byte{0x32, 2, 0x00, 1} // a key frame that is not shown
	av1Existing  = []byte{0x1a, 1, 0x90}    // a header that shows a frame decoded before
	av1KeyHeader = []byte{0x1a, 1, 0x10}
	av1Tiles     = []byte{0x22, 2, 8, 9}
)

func av1Record(obus ...[]byte) []byte {
	return append([]byte{0x81, 0x05, 0x0c, 0}, slices.Concat(obus...)...)
}

func TestAV1Unit(t *testing.T) {
	for _, test := range []struct {
		about  string
		record [][]byte
		before [][]byte // units that come before
		obus   [][]byte
		want   [][]byte
		key    bool
	}{
		{"a key unit gets the sequence header of the record", [][]byte{av1Sequence}, nil, [][]byte{av1Key},
			[][]byte{av1Sequence, av1Key}, true},
		{"other units do not", [][]byte{av1Sequence}, nil, [][]byte{av1Inter}, [][]byte{av1Inter}, false},
		{"a sequence header in band stands once", [][]byte{av1Sequence}, nil,
			[][]byte{av1Delimiter, av1Sequence, av1Metadata, av1Key}, [][]byte{av1Sequence, av1Metadata, av1Key}, true},
		{"one in band replaces the record's", [][]byte{av1Metadata, av1Sequence}, [][]byte{slices.Concat(av1SequenceB, av1Inter)},
			[][]byte{av1Key}, [][]byte{av1SequenceB, av1Key}, true},
		{"one without a picture is remembered", nil, [][]byte{av1Sequence}, [][]byte{av1Key}, [][]byte{av1Sequence, av1Key}, true},
		{"without any, decoding cannot begin", nil, nil, [][]byte{av1Key}, [][]byte{av1Key}, false},
		{"one after the frame comes too late for it", [][]byte{av1Sequence}, nil, [][]byte{av1Key, av1SequenceB},
			[][]byte{av1Sequence, av1Key, av1SequenceB}, true},
		{"delimiters and padding are left out", nil, nil, [][]byte{av1Delimiter, av1Inter, av1Padding}, [][]byte{av1Inter}, false},
		{"a frame whose header stands alone", [][]byte{av1Sequence}, nil, [][]byte{av1KeyHeader, av1Tiles},
			[][]byte{av1Sequence, av1KeyHeader, av1Tiles}, true},
		{"what follows a key frame in its unit", [][]byte{av1Sequence}, nil, [][]byte{av1Key, av1Inter},
			[][]byte{av1Sequence, av1Key, av1Inter}, true},
		{"a key frame that is not the first", [][]byte{av1Sequence}, nil, [][]byte{av1Inter, av1Key}, [][]byte{av1Inter, av1Key}, false},
		{"a key frame that is not shown", [][]byte{av1Sequence}, nil, [][]byte{av1Hidden}, [][]byte{av1Hidden}, false},
		{"a frame that is shown again", [][]byte{av1Sequence}, nil, [][]byte{av1Existing}, [][]byte{av1Existing}, false},
		{"an intra frame that keeps older references", [][]byte{av1Sequence}, nil, [][]byte{av1Intra}, [][]byte{av1Intra}, false},
		{"the reduced header of a still picture", [][]byte{av1Still}, nil, [][]byte{av1Existing}, [][]byte{av1Still, av1Existing}, true},
		{"the last OBU gets the size it lacks", nil, nil, [][]byte{av1Metadata, {0x30, 0x30, 1}}, [][]byte{av1Metadata, av1Inter}, false},
		{"with an extension too", nil, nil, [][]byte{{0x34, 0x28, 0x30, 1}}, [][]byte{{0x36, 0x28, 2, 0x30, 1}}, false},
		{"sizes get their shortest form", nil, nil, [][]byte{{0x32, 0x82, 0x80, 0, 0x30, 1}}, [][]byte{av1Inter}, false},
		{"no picture, no unit", nil, nil, [][]byte{av1Delimiter, av1Sequence, av1Metadata}, nil, false},
		{"nothing", nil, nil, nil, nil, false},
	} {
		var a bitstream.AV1
		if err := a.Config(av1Record(test.record...)); err != nil {
			t.Fatal(err)
		}
		for _, unit := range test.before {
			if _, _, err := a.Unit(unit); err != nil {
				t.Fatal(err)
			}
		}
		got, key, err := a.Unit(slices.Concat(test.obus...))
		if want := slices.Concat(test.want...); !bytes.Equal(got, want) || key != test.key || err != nil {
			t.Errorf("%s:\ngot  %x, key %v, %v\nwant %x, key %v", test.about, got, key, err, want, test.key)
		}
	}
}

// TestAV1SizesOfManyBytes gives sizes to OBUs around the lengths where they grow by a byte.
func TestAV1SizesOfManyBytes(t *testing.T) {
	for _, n := range []int{1, 127, 128, 16383, 16384} {
		var a bitstream.AV1
		frame := append([]byte{0x30}, bytes.Repeat([]byte{0x30}, n)...)
		data, _, err := a.Unit(frame)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := a.Unit(slices.Concat(data, av1Inter))
		if want := slices.Concat(data, av1Inter); !bytes.Equal(again, want) || err != nil || cap(data) != len(data) {
			t.Errorf("%d bytes: %x, %v", n, data[:8], err)
		}
	}
}

func TestAV1SaysWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		about string
		unit  []byte
		want  string
	}{
		{"an OBU that ends early", []byte{0x32, 5, 1}, "OBU of 5 bytes where 1 are left"},
		{"a size that does not end", []byte{0x32, 0x80}, "inside its size"},
		{"a header with the forbidden bit", []byte{0xb2, 0}, "forbidden bit"},
		{"a size that goes on too long", append([]byte{0x32}, append(bytes.Repeat([]byte{0x80}, 8), 0)...), "inside its size"},
		{"the largest size", append([]byte{0x32}, append(bytes.Repeat([]byte{0xff}, 7), 0x7f)...), "OBU of 72057594037927935 bytes"},
		{"an extension that is missing", []byte{0x36}, "inside its header"},
		{"an empty sequence header", []byte{0x0a, 0}, "sequence header is empty"},
	} {
		var a bitstream.AV1
		_, _, err := a.Unit(test.unit)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.about, err)
		}
		if err := a.Config(av1Record(test.unit)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s in a record: %v", test.about, err)
		}
	}
	var a bitstream.AV1
	if _, _, err := a.Unit(append([]byte{0x08}, make([]byte, bitstream.MaxSet)...)); !errors.Is(err, bitstream.ErrSet) {
		t.Errorf("a sequence header of more than 4 KiB: %v", err)
	}
	for _, record := range [][]byte{nil, {0x81, 0, 0}, {0x82, 0, 0, 0}} {
		if err := a.Config(record); err == nil {
			t.Errorf("record %x: no error", record)
		}
	}
}

// A temporal unit of more OBUs or pictures than may be is taken for crowded.
func TestCrowdedAV1(t *testing.T) {
	for _, test := range []struct {
		about string
		obu   []byte
		n     int
		want  bool
	}{
		{"three layers", []byte{0x32, 1, 0x10}, 3, false},
		{"many pictures", []byte{0x32, 1, 0x10}, 33, true},
		{"pictures shown again", []byte{0x1a, 1, 0x80}, 33, true},
		{"tiles", []byte{0x22, 1, 0}, 128, false},
		{"a million delimiters", []byte{0x12, 0}, 1_000_000, true},
		{"what cannot be told apart", []byte{0xff}, 100, true},
	} {
		u := frame.AccessUnit{Codec: frame.AV1, Data: bytes.Repeat(test.obu, test.n)}
		if got := new(bitstream.Tracker).Next(&u).Crowded; got != test.want {
			t.Errorf("%s: %v", test.about, got)
		}
	}
}
