package bitstream_test

import (
	"bytes"
	"math/bits"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// A message is a display orientation message.
type message struct {
	cancel, hor, ver bool
	turned           uint16 // anticlockwise, a whole turn is 65536
	period           uint32 // of H.265: whether it persists
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// nal returns the NAL unit of a message, behind another one.
func (m message) nal(c frame.Codec) []byte {
	var w bitio.Writer
	header := []byte{39 << 1, 1}
	if c == frame.H264 {
		header = []byte{6}
	}
	user := []byte{5, 17, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	for _, b := range slices.Concat(header, user, []byte{47}) {
		w.Put(uint64(b), 8)
	}
	size := 20
	switch {
	case m.cancel:
		size = 1
	case c == frame.H264:
		size = 19 + 2*bits.Len32(m.period+1) - 1
	}
	w.Put(uint64(size+7)/8, 8)
	w.Put(flag(m.cancel), 1)
	if !m.cancel {
		w.Put(flag(m.hor), 1)
		w.Put(flag(m.ver), 1)
		w.Put(uint64(m.turned), 16)
		if c == frame.H264 {
			w.UE(m.period)
		} else {
			w.Put(flag(m.period > 0), 1)
		}
	}
	if size%8 != 0 { // bit_equal_to_one, and zeros
		w.Put(1<<(7-size%8), 8-size%8)
	}
	w.Stop()
	return w.NAL()
}

// want returns what a message says in degrees.
func (m message) want() bitstream.Orientation {
	if m.cancel {
		return bitstream.Orientation{}
	}
	degrees := 0
	for d := 0; d < 360; d += 90 { // the nearest, going clockwise
		off := uint16(d*65536/360) + m.turned
		if off < 8192 || off >= 65536-8192 {
			degrees = d
		}
	}
	if m.ver {
		degrees = (degrees + 180) % 360
	}
	return bitstream.Orientation{Rotation: degrees, Mirrored: m.hor != m.ver}
}

// An orientation applies as long as the specifications say, in the order in which pictures are shown.
func TestOrientation(t *testing.T) {
	const quarter = 1 << 14
	left := message{turned: quarter, period: 1} // shown turned anticlockwise
	right := message{turned: 3 * quarter, period: 1}
	type unit struct {
		kind string // of slice
		pts  int
		says *message
		want bitstream.Orientation
	}
	none, is := bitstream.Orientation{}, func(degrees int) bitstream.Orientation { return bitstream.Orientation{Rotation: degrees} }
	slices264 := map[string][]byte{"IDR": {0x65, 0x88}, "P": {0x41, 0x9a}, "CRA": {0x41, 0x9a}}
	slices265 := map[string][]byte{"IDR": {19 << 1, 1, 0x80}, "P": {1 << 1, 1, 0x80}, "CRA": {21 << 1, 1, 0x80}, "BLA": {16 << 1, 1, 0x80},
		"P, end": {1 << 1, 1, 0x80}}
	for _, tt := range []struct {
		about string
		only  frame.Codec // zero: of both
		units []unit
	}{
		{"none is told", 0, []unit{{"IDR", 0, nil, none}, {"P", 1, nil, none}}},
		{"it persists", 0, []unit{{"IDR", 0, &left, is(270)}, {"P", 1, nil, is(270)}, {"P", 2, nil, is(270)}}},
		{"a repetition period of more than one persists", frame.H264, []unit{{"IDR", 0, &message{turned: quarter, period: 30}, is(270)}, {"P", 1, nil, is(270)}}},
		{"it is of one picture", 0, []unit{{"IDR", 0, &message{turned: quarter}, is(270)}, {"P", 1, nil, none}}},
		{"one of one picture within one that persists", 0, []unit{{"IDR", 0, &left, is(270)}, {"P", 1, &message{turned: 2 * quarter}, is(180)}, {"P", 2, nil, is(270)}}},
		{"it is cancelled", 0, []unit{{"IDR", 0, &left, is(270)}, {"P", 1, &message{cancel: true}, none}, {"P", 2, nil, none}}},
		{"it changes", 0, []unit{{"IDR", 0, &left, is(270)}, {"P", 1, &right, is(90)}, {"P", 2, nil, is(90)}}},
		{"it changes at a picture that is shown after B-frames", 0, []unit{
			{"IDR", 0, &left, is(270)}, {"P", 3, &right, is(90)}, {"P", 1, nil, is(270)}, {"P", 2, nil, is(270)}, {"P", 4, nil, is(90)},
		}},
		{"an IDR picture ends it", 0, []unit{{"IDR", 0, &left, is(270)}, {"P", 1, nil, is(270)}, {"IDR", 2, nil, none}, {"P", 3, nil, none}}},
		{"a CRA picture does not", 0, []unit{{"IDR", 0, &left, is(270)}, {"CRA", 3, nil, is(270)}, {"P", 2, nil, is(270)}, {"P", 4, nil, is(270)}}},
		{"a BLA picture ends it", frame.H265, []unit{{"IDR", 0, &left, is(270)}, {"BLA", 2, nil, none}, {"P", 3, nil, none}}},
		{"the end of the sequence ends it", frame.H265, []unit{{"IDR", 0, &left, is(270)}, {"P, end", 1, nil, is(270)}, {"CRA", 2, nil, none}, {"P", 3, nil, none}}},
		{"begun in the middle", 0, []unit{{"CRA", 7, &right, is(90)}, {"P", 8, nil, is(90)}}},
		{"pictures before the first, which begins the sequence", 0, []unit{{"IDR", 2, &left, is(270)}, {"P", 1, nil, is(270)}}},
		{"flipped", 0, []unit{{"IDR", 0, &message{hor: true, period: 1}, bitstream.Orientation{Mirrored: true}}}},
		{"upside down and mirrored", 0, []unit{{"IDR", 0, &message{ver: true, period: 1}, bitstream.Orientation{Rotation: 180, Mirrored: true}}}},
		{"flipped twice, which is to turn", 0, []unit{{"IDR", 0, &message{hor: true, ver: true, period: 1}, is(180)}}},
		{"by 80 degrees", 0, []unit{{"IDR", 0, &message{turned: 80 * 65536 / 360, period: 1}, is(270)}}},
		{"by 1 degree", 0, []unit{{"IDR", 0, &message{turned: 65536 / 360, period: 1}, none}}},
		{"by 359 degrees", 0, []unit{{"IDR", 0, &message{turned: 65535, period: 1}, none}}},
	} {
		for c, kinds := range map[frame.Codec]map[string][]byte{frame.H264: slices264, frame.H265: slices265} {
			if tt.only != 0 && tt.only != c {
				continue
			}
			var tracker bitstream.Tracker
			for i, u := range tt.units {
				var nals [][]byte
				if u.says != nil {
					nals = append(nals, u.says.nal(c))
				}
				nals = append(nals, kinds[u.kind])
				if u.kind == "P, end" {
					nals = append(nals, []byte{36 << 1, 1})
				}
				got := tracker.Next(&frame.AccessUnit{Codec: c, Key: i == 0, PTS: time.Duration(u.pts) * time.Second, Data: annexB(nals...)})
				if got.Orientation != u.want {
					t.Errorf("%s, %v: unit %d: %+v, want %+v", tt.about, c, i, got.Orientation, u.want)
				}
			}
		}
	}
}

// What is no message, or one of nothing that is shown here, changes nothing.
func TestOrientationOfNone(t *testing.T) {
	slice264, slice265 := []byte{0x65, 0x88}, []byte{19 << 1, 1, 0x80}
	m := message{turned: 1 << 14, period: 1}
	for about, tt := range map[string]struct {
		c    frame.Codec
		nals [][]byte
	}{
		"cut off":                     {frame.H264, [][]byte{m.nal(frame.H264)[:23], slice264}},
		"too long for its message":    {frame.H264, [][]byte{{6, 47, 200, 0x90, 0, 0}, slice264}},
		"of 255 and more bytes":       {frame.H264, [][]byte{{6, 47, 255, 255, 255}, slice264}},
		"of no bytes":                 {frame.H264, [][]byte{{6, 47, 0, 0x80}, slice264}},
		"too short for an angle":      {frame.H265, [][]byte{{39 << 1, 1, 47, 2, 0x10, 1, 0x80}, slice265}},
		"of another layer":            {frame.H265, [][]byte{append([]byte{39 << 1, 9}, m.nal(frame.H265)[2:]...), slice265}},
		"after the picture":           {frame.H265, [][]byte{append([]byte{40 << 1, 1}, m.nal(frame.H265)[2:]...), slice265}},
		"marked as damaged":           {frame.H265, [][]byte{append([]byte{0x80 | 39<<1, 1}, m.nal(frame.H265)[2:]...), slice265}},
		"in a unit of much user data": {frame.H264, [][]byte{append(m.nal(frame.H264), bytes.Repeat([]byte{0xff}, 5000)...), slice264}},
	} {
		got := new(bitstream.Tracker).Next(&frame.AccessUnit{Codec: tt.c, Key: true, Data: annexB(tt.nals...)})
		if got.Orientation != (bitstream.Orientation{}) {
			t.Errorf("%s: %+v", about, got.Orientation)
		}
	}
}

// FuzzOrientation reads any message as it was written, in both codecs, and whatever bytes it finds gives an orientation that there is.
func FuzzOrientation(f *testing.F) {
	f.Add(false, false, true, uint16(1<<14), uint32(1), []byte{6, 47, 3, 0x10, 0, 0x14, 0x80})
	f.Add(true, false, false, uint16(0), uint32(0), []byte{39 << 1, 1, 47, 1, 0xc0, 0x80})
	f.Add(false, true, false, uint16(57343), uint32(16384), []byte{6, 255, 255, 47, 47, 47, 255, 3, 0, 0, 3})
	f.Fuzz(func(t *testing.T, cancel, hor, ver bool, turned uint16, period uint32, stray []byte) {
		m := message{cancel, hor, ver, turned, min(period, 16384)} // the longest period (H.264 section D.2.27)
		for c, slice := range map[frame.Codec][]byte{frame.H264: {0x41, 0x9a}, frame.H265: {1 << 1, 1, 0x80}} {
			var tracker bitstream.Tracker
			next := func(nals ...[]byte) bitstream.Orientation {
				return tracker.Next(&frame.AccessUnit{Codec: c, Data: annexB(append(nals, slice)...)}).Orientation
			}
			found := next(stray)
			if found.Rotation%90 != 0 || found.Rotation < 0 || found.Rotation >= 360 {
				t.Fatalf("%+v of %x", found, stray)
			}
			kept := next()
			if got := next(m.nal(c)); got != m.want() {
				t.Fatalf("%v: %+v was read as %+v", c, m, got)
			}
			want := kept
			if m.cancel || m.period > 0 {
				want = m.want()
			}
			if got := next(); got != want {
				t.Fatalf("%v: after %+v, %+v, want %+v", c, m, got, want)
			}
		}
	})
}
