package bitstream

import (
	"slices"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// picTiming returns a NAL unit with a picture timing message, behind another one.
func picTiming(value PicStruct, scan uint64) []byte {
	var w bitio.Writer
	w.Put(39<<1<<8|1, 16)
	for _, b := range []uint64{5, 3, 0, 0, 1, seiPicTiming, 1} {
		w.Put(b, 8)
	}
	w.Put(uint64(value), 4)
	w.Put(scan, 2)
	w.Put(0, 1)
	w.Put(1, 1)
	w.Stop()
	return w.NAL()
}

// spsOf returns a sequence of fields, or of frames, that tells of each picture what it is.
func spsOf(fields bool) *h265.SPS {
	return &h265.SPS{VUI: &h265.SPS_VUI{FieldSeqFlag: fields, FrameFieldInfoPresentFlag: true}}
}

func TestPicStruct(t *testing.T) {
	slice := []byte{1 << 1, 1, 0x80}
	for _, tt := range []struct {
		about string
		nals  [][]byte
		sps   *h265.SPS
		want  PicStruct
	}{
		{"a top field", [][]byte{picTiming(1, 0), slice}, spsOf(true), fieldTop},
		{"a bottom field of the frame before", [][]byte{picTiming(10, 0), slice}, spsOf(true), bottomAfter},
		{"a frame of two fields", [][]byte{picTiming(4, 0), slice}, spsOf(false), frameBottomFirst},
		{"the same, of a progressive source", [][]byte{picTiming(4, 1), slice}, spsOf(false), 0},
		{"a frame that is shown twice", [][]byte{picTiming(7, 1), slice}, spsOf(false), 7},
		{"a field in a sequence of frames", [][]byte{picTiming(1, 0), slice}, spsOf(false), 0},
		{"a frame in a sequence of fields", [][]byte{picTiming(3, 0), slice}, spsOf(true), 0},
		{"no message", [][]byte{slice}, spsOf(true), 0},
		{"a message behind the picture", [][]byte{slice, slices.Concat([]byte{40 << 1}, picTiming(1, 0)[1:])}, spsOf(true), 0},
		{"a layer above", [][]byte{slices.Concat([]byte{39 << 1, 9}, picTiming(1, 0)[2:]), slice}, spsOf(true), 0},
		{"a sequence that tells nothing", [][]byte{picTiming(1, 0), slice}, &h265.SPS{VUI: &h265.SPS_VUI{FieldSeqFlag: true}}, 0},
		{"a sequence without usability information", [][]byte{picTiming(1, 0), slice}, &h265.SPS{}, 0},
		{"no sequence", [][]byte{picTiming(1, 0), slice}, nil, 0},
	} {
		if got := readPicStruct(tt.nals, tt.sps); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.about, got, tt.want)
		}
	}
}

// FuzzPicStruct reads messages of any bytes: what is a field, is so in a sequence of fields alone, it is of one parity, and belongs to one side.
func FuzzPicStruct(f *testing.F) {
	for v := range PicStruct(16) {
		f.Add(picTiming(v, uint64(v)%3), v%2 == 0)
	}
	f.Fuzz(func(t *testing.T, nal []byte, fields bool) {
		p := readPicStruct([][]byte{nal}, spsOf(fields))
		if p > 15 || p != 0 && p.Field() != fields || p.After() && p.Before() || (p.After() || p.Before()) && !p.Field() || p.Interlaced() && p.Field() {
			t.Fatalf("% x is %d", nal, p)
		}
		if again := readPicStruct([][]byte{nal, picTiming(1, 0)}, spsOf(fields)); p != 0 && again != p {
			t.Fatalf("% x is %d, and %d", nal, p, again)
		}
	})
}
