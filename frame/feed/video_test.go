package feed_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/feed"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/mp4"
)

// samples returns what an MP4 file has of a clip, each with its own memory.
func samples(t *testing.T, clip frametest.Clip) (all []mp4.Sample) {
	t.Helper()
	for s, err := range mp4.Samples(bytes.NewReader(ffmpeg(t, "mp4", "-i "+clip.File(t)+" -c copy"))) {
		if err != nil {
			t.Fatal(err)
		}
		s.Data = bytes.Clone(s.Data)
		all = append(all, s)
	}
	return all
}

// annexB makes a byte stream of NAL units that come after their lengths.
func annexB(t *testing.T, data []byte) (b []byte) {
	t.Helper()
	nals, err := bitstream.SplitLength(nil, data, 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nals {
		b = bitstream.AppendAnnexB(b, n)
	}
	return b
}

// TestVideo makes units of the same pictures in both ways that NAL units come in.
func TestVideo(t *testing.T) {
	clip := frametest.Clip{BFrames: 2}
	want, all := clip.Units(t), samples(t, clip)
	record := all[0].Config
	for _, lengths := range []bool{true, false} {
		video := feed.Video{Codec: frame.H264}
		if lengths {
			if err := video.Config(record); err != nil {
				t.Fatal(err)
			}
		}
		var got []frame.AccessUnit
		var buf []byte
		for i, s := range all {
			data := s.Data
			if !lengths {
				if data = annexB(t, data); i == 0 {
					data = append(sets(record), data...)
				}
			}
			buf = append(buf[:0], data...) // which nobody may keep
			u, ok, err := video.Unit(s.PTS, s.DTS, buf)
			if err != nil || !ok {
				t.Fatalf("lengths %v, picture %d: %v, %v", lengths, i, ok, err)
			}
			got = append(got, u)
		}
		same(t, got, want)
	}
}

// TestVideoBeginsAnew makes units of a clip twice, which the second time counts from where it did: units go on, and are as far apart.
func TestVideoBeginsAnew(t *testing.T) {
	all := samples(t, frametest.Clip{BFrames: 2})
	video := feed.Video{Codec: frame.H264}
	if err := video.Config(all[0].Config); err != nil {
		t.Fatal(err)
	}
	var units []frame.AccessUnit
	for range 2 {
		for _, s := range all {
			u, ok, err := video.Unit(s.PTS, s.DTS, s.Data)
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			units = append(units, u)
		}
	}
	first, second := units[:len(all)], units[len(all):]
	shift := first[len(all)-1].DTS - first[0].DTS
	for i := range second {
		if a, b := &first[i], &second[i]; b.PTS-a.PTS != shift || b.DTS-a.DTS != shift {
			t.Fatalf("unit %d comes again with PTS %v, DTS %v, after %v, %v", i, b.PTS, b.DTS, a.PTS, a.DTS)
		}
	}
}

// sets returns the parameter sets of an avcC that has one of each kind, as a byte stream.
func sets(record []byte) (b []byte) {
	size := int(binary.BigEndian.Uint16(record[6:]))
	b = bitstream.AppendAnnexB(b, record[8:8+size])
	rest := record[8+size+1:]
	return bitstream.AppendAnnexB(b, rest[2:2+int(binary.BigEndian.Uint16(rest))])
}

// TestVideoTellsWhatIsWrong, and goes on with the next picture.
func TestVideoTellsWhatIsWrong(t *testing.T) {
	all := samples(t, frametest.Clip{Frames: 20, GOP: 10})
	key, next := all[0], all[1]
	for _, test := range []struct {
		about  string
		config []byte
		data   []byte
		says   string
	}{
		{"lengths without a record", nil, key.Data, "Config has to be called first"},
		{"start codes with a record", key.Config, annexB(t, key.Data), "looks like an Annex B byte stream"},
		{"a picture cut off", key.Config, next.Data[:len(next.Data)-1], "where"},
	} {
		video := feed.Video{Codec: frame.H264}
		if test.config != nil {
			if err := video.Config(test.config); err != nil {
				t.Fatal(err)
			}
			if _, ok, err := video.Unit(0, 0, key.Data); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
		u, ok, err := video.Unit(1, 1, test.data)
		if err == nil || ok || u.Data != nil || !strings.HasPrefix(err.Error(), "feed: H.264: ") || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, %v", test.about, ok, err)
		}
		if test.config == nil {
			continue
		}
		if u, ok, err := video.Unit(2, 2, next.Data); !ok || err != nil || !u.Lost {
			t.Errorf("%s, and then a picture: %v, lost %v, %v", test.about, ok, u.Lost, err)
		}
		if u, ok, err := video.Unit(3, 3, all[10].Data); !ok || err != nil || u.Lost || !u.Key {
			t.Errorf("%s, and then a key picture: %v, lost %v, %v", test.about, ok, u.Lost, err)
		}
	}
	var none feed.Video
	if _, ok, err := none.Unit(0, 0, key.Data); err == nil || ok {
		t.Errorf("no codec: %v, %v", ok, err)
	}
	if err := (&feed.Video{Codec: frame.H265}).Config(key.Config[:3]); err == nil {
		t.Error("a record of three bytes, and no error")
	}
}

// TestVideoBeginsWithAKeyUnit, and so does another codec.
func TestVideoBeginsWithAKeyUnit(t *testing.T) {
	all := samples(t, frametest.Clip{Frames: 20, GOP: 10})
	video := feed.Video{Codec: frame.H264}
	if err := video.Config(all[0].Config); err != nil {
		t.Fatal(err)
	}
	for i, s := range all[1:] {
		if u, ok, err := video.Unit(s.PTS, s.DTS, s.Data); err != nil || ok != (i >= 9) || ok && u.Key != (i == 9) {
			t.Fatalf("picture %d: %v, key %v, %v", i+1, ok, u.Key, err)
		}
	}
	for i, data := range []string{"\x11\x02\x00", "\x10\x02\x00\x9d\x01\x2a\x10\x00\x10\x00", "\x11\x02\x00"} {
		video.Codec = frame.VP8
		u, ok, err := video.Unit(time.Hour, time.Hour, []byte(data))
		if err != nil || ok != (i > 0) || ok && (u.Codec != frame.VP8 || u.Key != (i == 1)) {
			t.Errorf("frame %d of VP8: %v, %v, key %v, %v", i, ok, u.Codec, u.Key, err)
		}
	}
}

// TestTag gives tags whose timestamps begin just before they wrap.
func TestTag(t *testing.T) {
	file := ffmpeg(t, "flv", "-i "+frametest.Clip{BFrames: 3}.File(t)+" -c copy")
	want := frametest.Clip{BFrames: 3}.Units(t)
	var f feed.FLV
	var got []frame.AccessUnit
	for b := file[13:]; len(b) > 15; {
		size, at := int(binary.BigEndian.Uint32(b)&0xffffff), uint32(b[4])<<16|uint32(b[5])<<8|uint32(b[6])
		if b[0] == 9 {
			u, ok, err := f.Tag(at-100, b[11:11+size])
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				got = append(got, u)
			}
		}
		b = b[11+size+4:]
	}
	same(t, got, want)
	if _, ok, err := f.Tag(0, []byte{0x12}); err == nil || ok || !strings.Contains(err.Error(), "feed: FLV: FLV codec id 2") {
		t.Errorf("Sorenson's H.263: %v, %v", ok, err)
	}
}

// TestEncryptedFLV: it says so.
func TestEncryptedFLV(t *testing.T) {
	file := ffmpeg(t, "flv", "-i "+frametest.Clip{}.File(t)+" -c copy")
	at := 13 + 11 + int(binary.BigEndian.Uint32(file[13:])&0xffffff) + 4 // after the metadata
	file[at] |= 0x20
	if units, err := read(feed.ReadFLV(bytes.NewReader(file))); err == nil || !strings.Contains(err.Error(), "encrypted") {
		t.Errorf("%d units, %v", len(units), err)
	}
}

func TestErrPacket(t *testing.T) {
	r := feed.RTP{Codec: frame.VP8}
	for _, packet := range []string{"", "\x80", "\x00\x60\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00", "\x80\x60\x00", "\x80\xc8\x00\x00", "\x8f\x60\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"} {
		if units, err := r.Packet([]byte(packet)); !errors.Is(err, feed.ErrPacket) || units != nil {
			t.Errorf("%x: %d units, %v", packet, len(units), err)
		}
	}
	if units, err := r.Packet([]byte("\x80\xe0\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x10\x10\x02\x00\x9d\x01\x2a\x10\x00\x10\x00")); err != nil || len(units) != 1 {
		t.Errorf("after that: %d units, %v", len(units), err)
	}
	var none feed.RTP
	if _, err := none.Packet([]byte("\x80\x60")); err == nil || errors.Is(err, feed.ErrPacket) {
		t.Errorf("no codec: %v", err)
	}
}

// TestLacks has pictures of which no unit can be made, in every way that they come in: each tells why, until one can.
func TestLacks(t *testing.T) {
	all := samples(t, frametest.Clip{Frames: 20, GOP: 10})
	key, delta := annexB(t, all[0].Data), annexB(t, all[1].Data)
	whole := append(sets(all[0].Config), key...)
	for _, test := range []struct {
		about    string
		codec    frame.Codec
		pictures [][]byte
		says     string // nothing: there is a unit
		wrong    bool   // the last one is a UnitError
	}{
		{"nothing", frame.H264, nil, "", false},
		{"a key picture without sets", frame.H264, [][]byte{key}, "1 pictures have come, but no parameter sets", true},
		{"the same, later", frame.H264, [][]byte{delta, delta, key}, "3 pictures have come, but no parameter sets", true},
		{"pictures after it", frame.H264, [][]byte{key, delta}, "2 pictures have come, but no parameter sets", false},
		{"pictures for ever", frame.H264, [][]byte{delta, delta, delta}, "3 pictures have come, but no parameter sets", false},
		{"sets, and no key picture", frame.H264, [][]byte{sets(all[0].Config), delta}, "1 pictures have come, but no key picture", false},
		{"H.265, a key picture without sets", frame.H265, [][]byte{[]byte("\x00\x00\x01\x26\x01\xaf")}, "1 pictures have come, but no ", true},
		{"VP8, no key picture", frame.VP8, [][]byte{[]byte("\x01\x00\x00\x00")}, "1 pictures have come, but no key picture", false},
		{"sets alone", frame.H264, [][]byte{sets(all[0].Config)}, "1 messages have come, but no picture of H.264", false},
		{"H.264 as AV1", frame.AV1, [][]byte{whole, delta, delta}, "3 messages have come, but no picture of AV1", false},
		{"all is there", frame.H264, [][]byte{whole, delta}, "", false},
		{"all is there at last", frame.H264, [][]byte{delta, key, whole, delta}, "", false},
	} {
		video := feed.Video{Codec: test.codec}
		var err error
		var ok bool
		for i, p := range test.pictures {
			at := time.Duration(i) * 40 * time.Millisecond
			_, ok, err = video.Unit(at, at, p)
		}
		var wrong *frame.UnitError
		if errors.As(err, &wrong) != test.wrong || wrong != nil && (wrong.Unit != len(test.pictures)-1 || wrong.Reason != video.Lacks()) || err != nil && !test.wrong {
			t.Errorf("%s: %v", test.about, err)
		}
		if got := video.Lacks(); !strings.HasPrefix(got, test.says) || (got == "") != (test.says == "") || ok != (test.says == "" && test.pictures != nil) {
			t.Errorf("%s: it lacks %q, want %q; ok %v", test.about, got, test.says, ok)
		}
		if inNALs := test.codec == frame.H264 || test.codec == frame.H265; !inNALs || test.pictures == nil {
			continue
		}
		units, err := read(feed.ReadAnnexB(bytes.NewReader(bytes.Join(test.pictures, nil)), test.codec, 25))
		if (len(units) == 0) != (test.says != "") || test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s, as a byte stream: %d units, %v, want %q", test.about, len(units), err, test.says)
		}
	}
}

// TestLacksOfTagsAndPackets has pictures without parameter sets as tags of FLV, and as packets of RTP, and then a key picture with them.
func TestLacksOfTagsAndPackets(t *testing.T) {
	all := samples(t, frametest.Clip{Frames: 20, GOP: 10})
	key, delta := all[0], all[1]
	const begins, is = 0, 1 // a sequence header, a picture
	tag := func(kind byte, data []byte) []byte { return append([]byte{0x17, kind, 0, 0, 0}, data...) }
	var f feed.FLV
	take := func(body []byte) {
		if _, _, err := f.Tag(0, body); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.Lacks(); got != "" {
		t.Errorf("FLV without a tag lacks %q", got)
	}
	take(tag(is, delta.Data))
	take(tag(is, key.Data))
	if got := f.Lacks(); !strings.Contains(got, "parameter sets") {
		t.Errorf("FLV lacks %q", got)
	}
	take(tag(begins, key.Config))
	take(tag(is, key.Data))
	if got := f.Lacks(); got != "" {
		t.Errorf("FLV with a key unit lacks %q", got)
	}

	r := feed.RTP{Codec: frame.H264}
	number := uint16(0)
	packet := func(nal []byte) {
		number++
		b, err := (&rtp.Packet{Header: rtp.Header{
			Version: 2, PayloadType: 96, Marker: true, SequenceNumber: number, Timestamp: 3000 * uint32(number),
		}, Payload: nal}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Packet(b); err != nil {
			t.Fatal(err)
		}
	}
	packet([]byte("\x41\x9a\x02"))
	packet([]byte("\x65\x88\x84\x10"))
	packet([]byte("\x41\x9a\x02"))
	if got := r.Lacks(); !strings.Contains(got, "parameter sets") {
		t.Errorf("RTP lacks %q", got)
	}
	for _, set := range bitstream.SplitAnnexB(nil, sets(key.Config)) {
		if err := r.Config(set); err != nil {
			t.Fatal(err)
		}
	}
	packet([]byte("\x65\x88\x84\x10"))
	packet([]byte("\x41\x9a\x02"))
	if got := r.Lacks(); got != "" {
		t.Errorf("RTP with a key unit lacks %q", got)
	}
}
