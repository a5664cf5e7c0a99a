package feed_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/feed"
	"github.com/livestill/livestill/frame/frametest"
)

// videoTags returns where in an FLV file the bodies of its video tags are: the sequence header is the first.
func videoTags(file []byte) (bodies [][]byte) {
	for b := file[13:]; len(b) > 15; {
		size := int(binary.BigEndian.Uint32(b) & 0xffffff)
		if b[0] == 9 {
			bodies = append(bodies, b[11:11+size])
		}
		b = b[11+size+4:]
	}
	return bodies
}

// TestMalformedTag: a tag costs itself. The unit after it is Lost, up to the next key unit.
func TestMalformedTag(t *testing.T) {
	clip := frametest.Clip{Frames: 20, GOP: 10}
	file := ffmpeg(t, "flv", "-i "+clip.File(t)+" -c copy")
	bodies := videoTags(file)
	bodies[4][5] = 0x7f // the length of a NAL unit of the fourth picture
	units, err := read(feed.ReadFLV(bytes.NewReader(file)))
	if err != nil || len(units) != 19 {
		t.Fatalf("%d units, %v", len(units), err)
	}
	var f feed.FLV
	var tagged []frame.AccessUnit
	for i, body := range bodies {
		u, ok, err := f.Tag(uint32(40*i), body)
		if (err != nil) != (i == 4) || i == 4 && !strings.Contains(err.Error(), "feed: FLV: H.264: NAL unit of ") {
			t.Errorf("tag %d: %v", i, err)
		}
		if ok {
			tagged = append(tagged, u)
		}
	}
	for _, units := range [][]frame.AccessUnit{units, tagged} {
		for i, u := range units {
			if u.Lost != (i == 3) {
				t.Errorf("unit %d of %d is lost: %v", i, len(units), u.Lost)
			}
		}
	}
}

// TestFLVWithoutUnits: a file of which no unit can be made says why.
func TestFLVWithoutUnits(t *testing.T) {
	file := ffmpeg(t, "flv", "-i "+frametest.Clip{Frames: 3}.File(t)+" -c copy")
	for about, test := range map[string]struct {
		spoil func(bodies [][]byte)
		want  string
	}{
		"a malformed sequence header": {func(bodies [][]byte) { bodies[0][5] = 99 }, "feed: FLV: H.264: configuration record of version 99"},
		"malformed pictures":          {func(bodies [][]byte) { clear(bodies[0][5:]); bodies[0][1] = 2 }, "feed: FLV: 3 messages with pictures have come, but no parameter sets"},
	} {
		spoilt := bytes.Clone(file)
		test.spoil(videoTags(spoilt))
		if units, err := read(feed.ReadFLV(bytes.NewReader(spoilt))); len(units) > 0 || err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %d units, %v", about, len(units), err)
		}
	}
}

// TestFLVInPieces reads a file in which each NAL unit has a tag of its own: the units are the same as of whole pictures.
func TestFLVInPieces(t *testing.T) {
	clip := frametest.Clip{BFrames: 2, Args: []string{"-x264-params", "slices=3"}}
	file := ffmpeg(t, "flv", "-i "+clip.File(t)+" -c copy")
	cut := bytes.Clone(file[:13])
	add := func(header, body []byte) {
		header = bytes.Clone(header)
		header[1], header[2], header[3] = byte(len(body)>>16), byte(len(body)>>8), byte(len(body))
		cut = binary.BigEndian.AppendUint32(append(append(cut, header...), body...), uint32(11+len(body)))
	}
	for b := file[13:]; len(b) > 15; {
		size := int(binary.BigEndian.Uint32(b) & 0xffffff)
		header, body := b[:11], b[11:11+size]
		if rest := body[min(5, len(body)):]; b[0] == 9 && body[1] == 1 {
			for len(rest) > 4 {
				n := 4 + int(binary.BigEndian.Uint32(rest))
				add(header, append(bytes.Clone(body[:5]), rest[:n]...))
				rest = rest[n:]
			}
		} else {
			add(header, body)
		}
		b = b[11+size+4:]
	}
	want, err := read(feed.ReadFLV(bytes.NewReader(file)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(feed.ReadFLV(bytes.NewReader(cut)))
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, want)
}
