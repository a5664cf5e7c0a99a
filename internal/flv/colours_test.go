package flv_test

import (
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/flv"
)

// Units have the colours that hold when they come: those of the sequence header, and before them what is said beside. The stream may go over to
// other ones, and to another codec.
func TestColours(t *testing.T) {
	const sets = "\x02\x0a\xa2" // of VP9, with 10 bits
	none, pq, hlg := frame.Colours{}, frame.Colours{Primaries: 9, Transfer: 16, Matrix: 9}, frame.Colours{Primaries: 9, Transfer: 18, Matrix: 9}
	starts := func(record string) []byte { return tag(sequenceStart, "vp09", []byte(record)...) }
	beside := func(c frame.Colours) *frame.Colours { return &c }
	var v flv.Video
	for i, tt := range []struct {
		start  []byte         // a sequence header; nil for none
		beside *frame.Colours // what is said beside; nil for nothing
		unit   []byte
		want   frame.Colours
	}{
		{nil, nil, vp9(vp9Key), none},
		{starts(sets + "\x09\x10\x09\x00\x00"), nil, vp9(vp9Key), pq},
		{nil, nil, vp9(vp9P), pq},
		{starts("\x01\x00\x00\x00" + sets + "\x09\x12\x09\x00\x00"), nil, vp9(vp9P), hlg},
		{nil, beside(frame.Colours{Transfer: 16, MaxContent: 500}), vp9(vp9P), frame.Colours{Primaries: 9, Transfer: 16, Matrix: 9, MaxContent: 500}},
		{nil, beside(frame.Colours{Transfer: 77, MaxContent: -5}), vp9(vp9P), hlg},
		{starts("garbage"), nil, vp9(vp9P), none},
		{nil, beside(pq), vp9(vp9P), pq},
		{starts(""), nil, vp9(vp9Key), pq},
		{nil, nil, av1(av1Seq, av1Key), pq},
		{nil, beside(none), av1(av1P), none},
	} {
		if tt.start != nil {
			if err := v.Take(0, time.Now(), tt.start); err != nil {
				t.Fatal(err)
			}
		}
		if tt.beside != nil {
			v.Colour(*tt.beside)
		}
		u, ok, err := unit(&v, 0, tt.unit)
		if !ok || err != nil {
			t.Fatal(i, ok, err)
		}
		if got := u.Colours; got == nil && tt.want != none || got != nil && (*got != tt.want || tt.want == none) {
			t.Errorf("unit %d: %+v, want %+v", i, got, tt.want)
		}
	}
}
