package flv_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/flv"
)

// streams264and265 returns what encoders make of ten pictures, with B-frames.
func streams264and265(t *testing.T) []stream {
	t.Helper()
	return []stream{
		h264Stream(encode(t, "-c:v libx264 -preset veryfast -bf 2 -x264-params slices=2 -bsf:v h264_metadata=aud=insert -f h264")),
		h265Stream(encode(t, "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=5:scenecut=0:bframes=2:b-adapt=0:open-gop=0:slices=3:aud=1 "+
			"-f hevc")),
	}
}

// start returns the body of the sequence header of a stream.
func (s stream) start() []byte {
	var sets [][]byte
	for _, n := range s.units[0] {
		if s.isSet(n) {
			sets = append(sets, n)
		}
	}
	return tag(sequenceStart, s.fourCC, s.record(sets)...)
}

// TestMalformedTags puts something malformed into the place of the third picture. The stream goes on: what can be read is used, and what is not
// whole is Lost, up to the key picture.
func TestMalformedTags(t *testing.T) {
	const (
		nothing = iota // comes of it: the next unit is Lost
		part           // of it is a unit, which is Lost
		all            // of it is a unit, and nothing is lost
		beside         // it is no picture: the next unit is as it was
	)
	for _, s := range streams264and265(t) {
		nals := slices.DeleteFunc(slices.Clone(s.units[2]), s.left)
		key := slices.DeleteFunc(slices.Clone(s.units[0]), s.left)
		good := lengths(nals...)
		body := func(data []byte) []byte { return tag(codedFramesX, s.fourCC, data...) }
		first := 4 + len(nals[0]) // bytes of the first of two slices
		larger := bytes.Clone(good)
		larger[first+2]++
		for _, test := range []struct {
			about string
			body  []byte
			want  int
			says  string // nothing: no error
		}{
			{"an empty message", nil, nothing, ""},
			{"a message of one byte", []byte{enhancedInter | codedFramesX}, nothing, "inside its FourCC"},
			{"half a FourCC", body(nil)[:3], nothing, "inside its FourCC"},
			{"a header alone", body(nil), nothing, "picture of no bytes"},
			{"a composition time cut short", tag(codedFrames, s.fourCC, 0, 0), nothing, "composition time"},
			{"codec id 7 and nothing", []byte{0x27, 1, 0}, nothing, "3 bytes"},
			{"a codec id that nobody has", make([]byte, 100), nothing, "codec id 0"},
			{"a modifier cut short", []byte{enhancedInter | modEx, 9, 0, 0}, nothing, "inside a modifier"},
			{"a modifier of no time", nano(0, body(good))[:4], nothing, "inside a modifier"},
			{"a multitrack header cut short", []byte{enhancedInter | multitrack}, nothing, "ends before its packet type"},
			{"a track cut short", many(codedFramesX, partOf(s, 0, good), partOf(s, 1, good))[:40], nothing, "bytes where"},
			{"tracks in tracks", []byte{enhancedInter | multitrack, multitrack, 0}, nothing, "packets of type 6"},
			{"a length that is too large", body(append([]byte{0, 9, 0, 0}, good[4:first]...)), nothing, "NAL unit of"},
			{"a second length that is too large", body(larger), part, "NAL unit of"},
			{"a message cut short", body(good[:len(good)-3]), part, "NAL unit of"},
			{"half a length behind", body(append(bytes.Clone(good), 0, 9)), part, "2 bytes left"},
			{"lengths of nothing", body(make([]byte, 16)), nothing, "picture of no bytes"},
			{"garbage", body(bytes.Repeat([]byte{0xa5}, 99)), nothing, "NAL unit of"},
			{"padding of zeros", body(append(bytes.Clone(good), 0, 0, 0)), all, ""},
			{"empty NAL units beside", body(append(make([]byte, 8), good...)), all, ""},
			{"a parameter set that is too large", body(lengths(append(slices.Clone(nals), append(bytes.Clone(key[0]), bytes.Repeat([]byte{0xaa}, 5000)...))...)),
				part, bitstream.ErrSet.Error()},
			{"start codes between slices under one length", body(lengths(startCodes(4, nals...)[4:])), all, ""},
			{"start codes between a delimiter and slices under one length", body(lengths(startCodes(4, s.units[2]...)[4:])), all, "start codes behind lengths"},
			{"start codes of three bytes under one length", body(lengths(startCodes(3, nals...))), all, "start codes behind lengths"},
			{"a start code before each NAL unit, under its length", body(lengths(eachWithStartCode(nals)...)), all, "start codes behind lengths"},
			{"parameter sets and a picture under one length", body(lengths(startCodes(4, append(onlySets(s, key), nals...)...))), all, "start codes behind lengths"},
			{"a length, and start codes behind its NAL unit", body(append(bytes.Clone(good[:first]), startCodes(4, nals[1:]...)...)), all, "start codes behind lengths"},
			{"start codes in place of lengths", body(startCodes(4, nals...)), all, "start codes in place of lengths"},
			{"an empty sequence header", tag(sequenceStart, s.fourCC), beside, "configuration record of 0 bytes"},
			{"half a sequence header", s.start()[:40], beside, "configuration record"},
			{"a sequence header of garbage", tag(sequenceStart, s.fourCC, bytes.Repeat([]byte{0xa5}, 99)...), beside, "version"},
			{"a sequence header with start codes", tag(sequenceStart, s.fourCC, startCodes(4, onlySets(s, key)...)...), beside, "start codes in place of lengths"},
			{"an empty sequence header of another codec", tag(sequenceStart, "av01"), beside, "configuration record of 0 bytes"},
		} {
			bodies := [][]byte{s.start()}
			for i := range 10 {
				bodies = append(bodies, body(lengths(s.units[i]...)))
			}
			if test.want == beside {
				bodies = slices.Insert(bodies, 3, test.body)
			} else {
				bodies[3] = test.body
			}
			got, said := play(t, bodies)
			if (test.says != "") != (said != nil) || said != nil && (!strings.Contains(said.Error(), test.says) || flv.Ends(said)) {
				t.Errorf("%v, %s: said %v", s.codec, test.about, said)
			}
			lost := -1
			want := 10
			switch test.want {
			case nothing:
				want, lost = 9, 2
			case part:
				lost = 2
			}
			if test.body == nil {
				lost = -1 // servers and encoders send them in between
			}
			if len(got) != want {
				t.Errorf("%v, %s: %d units, want %d", s.codec, test.about, len(got), want)
				continue
			}
			for i, u := range got {
				if test.want == all && i == 2 && !sameNALs(u.Data, nals) {
					t.Errorf("%v, %s: unit 2 is %x", s.codec, test.about, u.Data)
				}
				if u.Lost != (i == lost) {
					t.Errorf("%v, %s: unit %d is lost: %v", s.codec, test.about, i, u.Lost)
				}
			}
		}
	}
}

// TestMalformedTagsOfOtherCodecs does the same to codecs whose pictures come in one piece.
func TestMalformedTagsOfOtherCodecs(t *testing.T) {
	for _, test := range []struct {
		about      string
		start      []byte
		key, inter []byte
		bad        []byte
		lost       bool // the next unit
	}{
		{"AV1, an OBU that is cut short", av1Start, av1(av1Key), av1(av1P), av1([]byte{0x32, 9, 0x30}), true},
		{"AV1, garbage", av1Start, av1(av1Key), av1(av1P), av1(bytes.Repeat([]byte{0xff}, 40)), true},
		{"AV1, a sequence header that is cut short", av1Start, av1(av1Key), av1(av1P), tag(sequenceStart, "av01", 0x81, 5, 12, 0, 0x0a, 9), false},
		{"AV1, a sequence header of nothing", av1Start, av1(av1Key), av1(av1P), tag(sequenceStart, "av01"), false},
		{"VP9, a frame of another kind", vp9Start, vp9(vp9Key), vp9(vp9P), vp9([]byte{0}), true},
		{"VP8, a track that is cut short", vp9Start, vp8(vp8Key), vp8(vp8P), many(codedFrames, part{"vp08", 1, vp8P}, part{"vp08", 0, vp8P})[:15], true},
	} {
		units, said := play(t, [][]byte{test.start, test.key, test.bad, test.inter, test.key, test.inter})
		if len(units) != 4 || said == nil || flv.Ends(said) {
			t.Errorf("%s: %d units, %v", test.about, len(units), said)
			continue
		}
		for i, u := range units {
			if u.Key != (i%2 == 0) || u.Lost != (test.lost && i == 1) {
				t.Errorf("%s: unit %d: key %v, lost %v", test.about, i, u.Key, u.Lost)
			}
		}
	}
}

// sameNALs reports whether a unit has the given NAL units at its end, whatever its start codes are.
func sameNALs(data []byte, nals [][]byte) bool {
	got := bitstream.SplitAnnexB(nil, data)
	return len(got) >= len(nals) && slices.EqualFunc(got[len(got)-len(nals):], nals, bytes.Equal)
}

func partOf(s stream, track byte, data []byte) part { return part{s.fourCC, track, data} }

// startCodes returns NAL units as an Annex B byte stream with start codes of so many bytes.
func startCodes(size int, nals ...[]byte) (b []byte) {
	for _, n := range nals {
		b = append(append(b, make([]byte, size-1)...), 1)
		b = append(b, n...)
	}
	return b
}

// eachWithStartCode returns NAL units with a start code before each.
func eachWithStartCode(nals [][]byte) (all [][]byte) {
	for _, n := range nals {
		all = append(all, startCodes(4, n))
	}
	return all
}

func onlySets(s stream, nals [][]byte) [][]byte {
	return slices.DeleteFunc(slices.Clone(nals), func(n []byte) bool { return !s.isSet(n) })
}

// play gives bodies to a Video, 40 ms apart, and returns its units and the first error that told of a tag.
func play(t *testing.T, bodies [][]byte) (units []frame.AccessUnit, said error) {
	t.Helper()
	var v flv.Video
	for i, b := range bodies {
		u, ok, err := unit(&v, time.Duration(i)*40*time.Millisecond, b)
		if ok {
			units = append(units, u)
		}
		if said == nil {
			said = err
		}
	}
	return units, said
}

// TestWhatIsLostBeforeAKeyUnit: pictures that are shown before it may refer to that, and are Lost; the key unit and those after it are not.
func TestWhatIsLostBeforeAKeyUnit(t *testing.T) {
	s := h265Stream(encode(t, "-c:v libx265 -preset ultrafast -bsf:v hevc_metadata=aud=insert -f hevc "+
		"-x265-params log-level=error:keyint=5:scenecut=0:bframes=2:b-adapt=0:open-gop=1"))
	bodies := [][]byte{s.start()}
	offsets := []int{2, 4, 0, 0, 4, 2, 0, 0, 2, 2} // whatever they are, those of leading pictures are less than the key picture's
	for i, nals := range s.units {
		bodies = append(bodies, tag(codedFrames, s.fourCC, join([]byte{0, 0, byte(40 * offsets[i])}, lengths(nals...))...))
	}
	key := 0
	for i := 1; i < 10; i++ {
		if slices.ContainsFunc(s.units[i], s.isKey) {
			key = i
			break
		}
	}
	bodies[key] = []byte{0xa1, 0} // the picture before the key picture
	units, said := play(t, bodies)
	if said == nil || len(units) < 8 {
		t.Fatalf("%d units, %v", len(units), said)
	}
	var keyPTS time.Duration
	for i, u := range units[key-1:] {
		leads := u.PTS < keyPTS
		if u.Key {
			keyPTS = u.PTS
		}
		if u.Lost != leads {
			t.Errorf("unit %d after the key unit, shown %v after it, is lost: %v", i, u.PTS-keyPTS, u.Lost)
		}
	}
}

// TestOtherFramings has encoders frame NAL units in another way than they should, in all tags: nothing is lost, and it is told once.
func TestOtherFramings(t *testing.T) {
	for _, s := range streams264and265(t) {
		sets := onlySets(s, s.units[0])
		start := s.record(sets)
		sizes := bytes.Clone(start)
		at := 4
		if s.codec == frame.H265 {
			at = 21
		}
		sizes[at] &^= 3
		var inside [][]byte
		for _, n := range sets {
			inside = append(inside, startCodes(4, n))
		}
		inBand := func(frame func(nals [][]byte) []byte) func(i int, nals [][]byte) []byte {
			return func(_ int, nals [][]byte) []byte { return frame(nals) }
		}
		without := func(frame func(nals [][]byte) []byte) func(i int, nals [][]byte) []byte {
			return func(_ int, nals [][]byte) []byte {
				return frame(slices.DeleteFunc(slices.Clone(nals), s.isSet))
			}
		}
		byLength := func(nals [][]byte) []byte { return lengths(nals...) }
		annexB4 := func(nals [][]byte) []byte { return startCodes(4, nals...) }
		annexB3 := func(nals [][]byte) []byte { return startCodes(3, nals...) }
		record := s.record
		if s.codec == frame.H265 {
			record = func(sets [][]byte) []byte { return hvccOfStartCodes(sets...) }
		}
		for _, test := range []struct {
			about  string
			start  []byte // nil: no sequence header
			frame  func(i int, nals [][]byte) []byte
			remark string
		}{
			{"no sequence header", nil, inBand(byLength), ""},
			{"no sequence header, and start codes", nil, inBand(annexB4), "start codes in place of lengths"},
			{"no sequence header, and start codes of three bytes", nil, inBand(annexB3), "start codes in place of lengths"},
			{"start codes in the sequence header", startCodes(4, sets...), without(byLength), "start codes in place of lengths"},
			{"start codes in both", startCodes(3, sets...), without(annexB3), "start codes in place of lengths"},
			{"a record, and start codes", start, without(annexB3), "start codes in place of lengths"},
			{"start codes before the sets of a record", record(inside), without(byLength), ""},
			{"a record that tells of lengths of a byte", sizes, without(byLength), "lengths of four bytes"},
			{"an empty record, and sets in band", []byte{}, inBand(byLength), "configuration record of 0 bytes"},
			{"a record without sets, and sets in band", s.emptyRecord(), inBand(byLength), ""},
			{"sets in band, and a start code after a length", nil, func(_ int, nals [][]byte) []byte { return lengths(annexB4(nals)) }, "start codes behind lengths"},
		} {
			var v flv.Video
			var said []error
			units := 0
			give := func(kind byte, data []byte) {
				u, ok, err := unit(&v, time.Duration(units)*40*time.Millisecond, tag(kind, s.fourCC, data...))
				if err != nil {
					said = append(said, err)
				}
				if ok {
					if u.Lost || u.Key != (units%5 == 0) {
						t.Errorf("%v, %s: unit %d: key %v, lost %v", s.codec, test.about, units, u.Key, u.Lost)
					}
					units++
				}
			}
			if test.start != nil {
				give(sequenceStart, test.start)
			}
			for i, nals := range s.units {
				give(codedFramesX, test.frame(i, nals))
			}
			if units != 10 || len(said) > 1 || (len(said) == 1) != (test.remark != "") || len(said) == 1 && !strings.Contains(said[0].Error(), test.remark) {
				t.Errorf("%v, %s: %d units, %v", s.codec, test.about, units, said)
			}
		}
	}
}

// emptyRecord returns a configuration record without sets.
func (s stream) emptyRecord() []byte {
	if s.codec == frame.H264 {
		return []byte{1, 66, 0, 30, 0xff, 0xe0, 0}
	}
	return hvcc()
}

// hvccOfStartCodes is hvcc of sets that begin with a start code of four bytes.
func hvccOfStartCodes(nals ...[]byte) []byte {
	b := hvcc(nals...)
	at := 23
	for _, n := range nals {
		b[at] = 0x80 | n[4]>>1
		at += 5 + len(n)
	}
	return b
}

// TestOtherNames has encoders call H.265 H.264, and the other way round. What it is is told by the parameter sets; it is remarked once.
func TestOtherNames(t *testing.T) {
	all := streams264and265(t)
	for i, s := range all {
		other := all[1-i]
		old := map[frame.Codec]byte{frame.H264: 7, frame.H265: 12}[other.codec]
		legacy := func(kind byte, data []byte) []byte { return join([]byte{0x20 | old, kind, 0, 0, 0}, data) }
		plain := func(kind byte, data []byte) []byte {
			if kind == codedFrames {
				kind = codedFramesX
			}
			return tag(kind, other.fourCC, data...)
		}
		sets := onlySets(s, s.units[0])
		for about, wrap := range map[string]func(kind byte, data []byte) []byte{"codec id": legacy, "FourCC": plain} {
			for _, start := range [][]byte{s.record(sets), startCodes(4, sets...), nil} {
				bodies := [][]byte{}
				if start != nil {
					bodies = append(bodies, wrap(sequenceStart, start))
				}
				for _, nals := range s.units {
					bodies = append(bodies, wrap(codedFrames, lengths(nals...)))
				}
				units, said := play(t, bodies)
				if len(units) != 10 || said == nil || !strings.Contains(said.Error(), s.codec.String()+" comes under the codec id or FourCC of "+other.codec.String()) {
					t.Errorf("%v by the %s of %v: %d units, %v", s.codec, about, other.codec, len(units), said)
				}
				for i, u := range units {
					if u.Codec != s.codec || u.Lost || u.Key != (i%5 == 0) {
						t.Errorf("%v by the %s of %v: unit %d: %v, key %v, lost %v", s.codec, about, other.codec, i, u.Codec, u.Key, u.Lost)
					}
				}
			}
		}
	}
}

// TestLacks: a stream that makes no unit says what it lacks.
func TestLacks(t *testing.T) {
	const unreadable = "but no parameter sets (SPS and PPS): of the sequence header, configuration record of 0 bytes"
	for _, s := range streams264and265(t) {
		sets := onlySets(s, s.units[0])
		pps := slices.IndexFunc(sets, func(n []byte) bool { return s.codec == frame.H264 && n[0]&31 == 8 || n[0]>>1 == 34 })
		isSlice := func(n []byte) bool { return bitstream.IsSlice(s.codec, n) }
		pictures := func(v *flv.Video, drop func(n []byte) bool, keys bool) {
			for i, nals := range s.units {
				if keys || i%5 != 0 {
					_, _, _ = unit(v, 0, tag(codedFramesX, s.fourCC, lengths(slices.DeleteFunc(slices.Clone(nals), drop)...)...))
				}
			}
		}
		for _, test := range []struct {
			about string
			start [][]byte
			drop  func(n []byte) bool
			keys  bool
			want  string
		}{
			{"nothing at all", nil, s.isSet, true, "10 messages with pictures have come, but no parameter sets (SPS and PPS)"},
			{"no PPS", slices.Delete(slices.Clone(sets), pps, pps+1), s.isSet, true, "but no picture parameter set (PPS)"},
			{"a sequence header that cannot be read", nil, s.isSet, true, unreadable},
			{"no key picture", sets, s.isSet, false, "8 messages with pictures have come, but no whole key picture"},
			{"no slices", sets, isSlice, true, fmt.Sprintf("10 messages have come that should have pictures, but no slice of %v", s.codec)},
			{"all that is needed", sets, s.isSet, true, ""},
		} {
			var v flv.Video
			if test.want == unreadable {
				_, _, _ = unit(&v, 0, tag(sequenceStart, s.fourCC))
			}
			if test.start != nil {
				record := s.record
				if len(test.start) < len(sets) {
					record = func(sets [][]byte) []byte { return startCodes(4, sets...) }
				}
				_, _, _ = unit(&v, 0, tag(sequenceStart, s.fourCC, record(test.start)...))
			}
			if got := v.Lacks(); got != "" {
				t.Errorf("%v, before there were pictures: %s", s.codec, got)
			}
			pictures(&v, test.drop, test.keys)
			if got := v.Lacks(); !strings.HasPrefix(got, test.want) && !strings.Contains(got, test.want) || got != "" && test.want == "" {
				t.Errorf("%v, %s: %q", s.codec, test.about, got)
			}
		}
	}
}

// TestWhatEnds: what is not supported ends a stream, and so does who has too many parameter sets. Each tag after those is an error too.
func TestWhatEnds(t *testing.T) {
	var v flv.Video
	if err := v.Take(0, time.Now(), []byte{0x12, 0}); !flv.Ends(err) || !errors.Is(err, flv.ErrCodec) {
		t.Error(err)
	}
	var err error
	for i := 0; i < 300 && err == nil; i++ {
		id := []byte{0x68, byte(i>>1) | 1, byte(i), 0xff} // some ids of PPS
		err = v.Take(0, time.Now(), tag(codedFramesX, "avc1", lengths(append(id, bytes.Repeat([]byte{0xaa}, 3000)...), idr)...))
	}
	if !flv.Ends(err) || !errors.Is(err, bitstream.ErrSets) {
		t.Error(err)
	}
	if err := v.Take(0, time.Now(), key); !flv.Ends(err) {
		t.Error(err)
	}
}
