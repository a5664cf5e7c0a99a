package feed_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/feed"
)

// inEntry returns an MP4 file with boxes added at the end of its first sample entry. Its index must be behind its media.
func inEntry(t *testing.T, file []byte, added ...[]byte) []byte {
	t.Helper()
	more := slices.Concat(added...)
	file = slices.Concat(file, make([]byte, 0, len(more)))
	at, end := 0, len(file)
	for _, level := range []struct {
		kind  string
		fixed int // bytes before the boxes in it
	}{{"moov", 0}, {"trak", 0}, {"mdia", 0}, {"minf", 0}, {"stbl", 0}, {"stsd", 8}, {"", 78}} {
		for level.kind != "" && at < end && string(file[at+4:at+8]) != level.kind {
			at += int(binary.BigEndian.Uint32(file[at:]))
		}
		if at >= end {
			t.Fatalf("no %s box", level.kind)
		}
		size := binary.BigEndian.Uint32(file[at:])
		binary.BigEndian.PutUint32(file[at:], size+uint32(len(more)))
		at, end = at+8+level.fixed, at+int(size)
	}
	return slices.Insert(file, end, more...)
}

// boxOf returns a box with bytes and numbers, of as many bits as they have.
func boxOf(t *testing.T, kind string, content ...any) []byte {
	t.Helper()
	b := append(make([]byte, 4), kind...)
	for _, v := range content {
		var err error
		if text, is := v.(string); is {
			v = []byte(text)
		}
		if b, err = binary.Append(b, binary.BigEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

// TestMP4Colours: all that tells of colours in the index of a file is in the units; garbage is as if it were not there.
func TestMP4Colours(t *testing.T) {
	file := ffmpeg(t, "mp4", "-f lavfi -i color=s=16x16 -frames:v 2 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -color_trc smpte2084")
	pq := frame.Colours{Transfer: 16}
	xy := [10]uint16{} // chromaticities, and those of white
	for about, tt := range map[string]struct {
		boxes [][]byte
		want  frame.Colours
	}{
		"vpcC alone": {nil, pq},
		"colr, and no more of its range than it says": {[][]byte{boxOf(t, "colr", "nclx", uint16(9), uint16(18), uint16(9), uint8(0x7f))},
			frame.Colours{Primaries: 9, Transfer: 18, Matrix: 9}},
		"colr of full range": {[][]byte{boxOf(t, "colr", "nclx", uint16(9), uint16(18), uint16(9), uint8(0x80))},
			frame.Colours{Primaries: 9, Transfer: 18, Matrix: 9, FullRange: true}},
		"QuickTime's colr":                    {[][]byte{boxOf(t, "colr", "nclc", uint16(9), uint16(18), uint16(9))}, frame.Colours{Primaries: 9, Transfer: 18, Matrix: 9}},
		"colr that tells nothing":             {[][]byte{boxOf(t, "colr", "nclx", uint16(2), uint16(2), uint16(2), uint8(0))}, pq},
		"colr with numbers that are none":     {[][]byte{boxOf(t, "colr", "nclx", uint16(0x109), uint16(77), uint16(0xffff), uint8(0))}, pq},
		"colr with a profile":                 {[][]byte{boxOf(t, "colr", "prof", uint16(9), uint16(18), uint16(9), uint8(0))}, pq},
		"colr that ends early":                {[][]byte{boxOf(t, "colr", "nclx", uint16(9), uint16(18))}, pq},
		"colr of no bytes":                    {[][]byte{boxOf(t, "colr")}, pq},
		"light levels":                        {[][]byte{boxOf(t, "clli", uint16(1000), uint16(400))}, frame.Colours{Transfer: 16, MaxContent: 1000, MaxAverage: 400}},
		"light levels, out of range":          {[][]byte{boxOf(t, "clli", uint16(65535), uint16(0))}, pq},
		"light levels that end early":         {[][]byte{boxOf(t, "clli", uint16(1000))}, pq},
		"a mastering display":                 {[][]byte{boxOf(t, "mdcv", xy[:8], uint32(4000*10000), uint32(50))}, frame.Colours{Transfer: 16, MaxMastering: 4000}},
		"a mastering display, out of range":   {[][]byte{boxOf(t, "mdcv", xy[:8], uint32(1<<32-1), uint32(50))}, pq},
		"a mastering display of no light":     {[][]byte{boxOf(t, "mdcv", xy[:8], uint32(49), uint32(50))}, pq},
		"a mastering display that ends early": {[][]byte{boxOf(t, "mdcv", xy[:8])}, pq},
		"VP9's own of both": {[][]byte{boxOf(t, "SmDm", uint32(0), xy[:8], uint32(1000<<8), uint32(1)), boxOf(t, "CoLL", uint32(0), uint16(600), uint16(120))},
			frame.Colours{Transfer: 16, MaxContent: 600, MaxMastering: 1000, MaxAverage: 120}},
		"what is no box behind them": {[][]byte{boxOf(t, "clli", uint16(1000), uint16(400)), []byte("\xff\xff\xff\xffgarbage")},
			frame.Colours{Transfer: 16, MaxContent: 1000, MaxAverage: 400}},
	} {
		units, err := read(feed.ReadMP4(bytes.NewReader(inEntry(t, file, tt.boxes...))))
		if err != nil || len(units) != 2 {
			t.Errorf("%s: %d units, %v", about, len(units), err)
			continue
		}
		for i, u := range units {
			if u.Colours == nil || *u.Colours != tt.want || u.Colours != units[0].Colours {
				t.Errorf("%s: unit %d: %+v, want %+v", about, i, u.Colours, tt.want)
			}
		}
	}
}
