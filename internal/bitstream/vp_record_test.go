package bitstream_test

import (
	"slices"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// coloursOf returns what units have after a configuration record.
func coloursOf(t *testing.T, c frame.Codec, record []byte) frame.Colours {
	t.Helper()
	a := bitstream.Assembler{Codec: c}
	if err := a.Config(record); err != nil {
		t.Fatalf("%x: %v", record, err)
	}
	if told := a.Colours(); told != nil {
		return *told
	}
	return frame.Colours{}
}

// Records of VP8 and VP9 tell of colours, with the header of their box or without. What is none tells nothing.
func TestVPRecord(t *testing.T) {
	pq := frame.Colours{Primaries: 9, Transfer: 16, Matrix: 9}
	full := pq
	full.FullRange = true
	for record, want := range map[string]frame.Colours{
		"\x02\x0a\xa2\x09\x10\x09\x00\x00":                 pq,
		"\x01\x00\x00\x00\x02\x0a\xa2\x09\x10\x09\x00\x00": pq,
		"\x02\x00\xa2\x09\x10\x09":                         pq,
		"\x02\x0a\xc3\x09\x10\x09\x00\x03abc":              full,
		"\x00\x0a\x82\x02\x00\x03\x00\x00":                 {},
		"\x00\x0a\x82\xff\x10\x0f\x00\x00":                 {Transfer: 16},
		"\x02\x0a\xa2\x09\x10":                             {},
		"\x00\x00\x00\x00\x02\x0a\xa2\x09\x10\x09\x00\x00": {}, // of version 0, which is another record
		"\x02\x0a\x22\x09\x10\x09\x00\x00":                 {},
		"":                                                 {},
	} {
		for _, c := range []frame.Codec{frame.VP8, frame.VP9} {
			if got := coloursOf(t, c, []byte(record)); got != want {
				t.Errorf("%v: %x: %+v, want %+v", c, record, got, want)
			}
		}
	}
}

// FuzzVPRecord reads any record: what it tells is in the tables, and the same with the header of a box.
func FuzzVPRecord(f *testing.F) {
	f.Add([]byte("\x02\x0a\xa2\x09\x10\x09\x00\x00"))
	f.Add([]byte("\x01\x00\x00\x00\x02\x0a\xc3\x09\x12\x09\x00\x00"))
	f.Fuzz(func(t *testing.T, record []byte) {
		got := coloursOf(t, frame.VP9, record)
		if got.Or(frame.Colours{}) != got || frame.Colours.Or(frame.Colours{}, got) != got || got.MaxContent|got.MaxAverage|got.MaxMastering != 0 {
			t.Fatalf("%+v", got)
		}
		boxed := slices.Concat([]byte{1, 0, 0, 0}, record)
		if again := coloursOf(t, frame.VP9, boxed); again != got && len(record) > 4 && record[0] != 1 {
			t.Fatalf("%+v, in a box %+v", got, again)
		}
	})
}
