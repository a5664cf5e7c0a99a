package flv_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/flv"
)

var (
	sps     = []byte{0x67, 66, 0, 30, 0x80}
	pps     = []byte{0x68, 0x80}
	idr     = []byte{0x65, 1, 2}
	slice   = []byte{0x41, 1, 2}
	hevcVPS = []byte{0x40, 1, 0x0c, 1}
	hevcSPS = []byte{0x42, 1, 1, 1, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0, 93, 0xa0, 7}
	hevcPPS = []byte{0x44, 1, 0xc1, 9}
	hevcIDR = []byte{0x26, 1, 0xaf, 2}
	hevcP   = []byte{0x02, 1, 0xd0, 4}
	av1Seq  = []byte{0x0a, 2, 0, 1}
	av1Key  = []byte{0x32, 2, 0x10, 1}
	av1P    = []byte{0x32, 2, 0x30, 1}
	vp8Key  = []byte{0x10, 2, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0}
	vp8P    = []byte{0x11, 2, 0}
	vp9Key  = []byte{0x82, 0x49, 0x83, 0x42}
	vp9P    = []byte{0x86, 0}
	vpc     = []byte{0, 10, 0x82, 1, 1, 1, 0, 0}
	zero    = []byte{0, 0, 0}

	hevcStart = tag(sequenceStart, "hvc1", hvcc(hevcVPS, hevcSPS, hevcPPS)...)
	avcStart  = tag(sequenceStart, "avc1", avcc(sps, pps)...)
	av1Start  = tag(sequenceStart, "av01", av1c(av1Seq...)...)
	vp9Start  = tag(sequenceStart, "vp09", vpc...)

	hevcWant = annexB(hevcVPS, hevcSPS, hevcPPS, hevcIDR)
	avcWant  = annexB(sps, pps, idr)
	av1Want  = join(av1Seq, av1Key)
)

// TestEnhanced gives bodies one after the other and looks at what the last one gives.
func TestEnhanced(t *testing.T) {
	const ms, ns = time.Millisecond, time.Nanosecond
	mod := func(modifiers ...[]byte) []byte { // ending in a packet type
		return join([]byte{enhancedKey | modEx}, join(modifiers...), []byte("vp09"), vp9P)
	}
	for _, test := range []struct {
		about  string
		track  uint8
		bodies [][]byte
		codec  frame.Codec // zero: the last body has no unit
		key    bool
		offset time.Duration // PTS - DTS
		data   []byte
	}{
		{"H.265: a key unit", 0, [][]byte{hevcStart, hevc(0, hevcIDR)}, frame.H265, true, 0, hevcWant},
		{"H.265: a composition time", 0, [][]byte{hevcStart, hevc(260, hevcP)},
			frame.H265, false, 260 * ms, annexB(hevcP)},
		{"H.265: a negative one", 0, [][]byte{hevcStart, hevc(-2, hevcP)},
			frame.H265, false, -2 * ms, annexB(hevcP)},
		{"H.265: none", 0, [][]byte{hevcStart, hevcX(hevcIDR)}, frame.H265, true, 0, hevcWant},
		{"H.265 before its sequence start", 0, [][]byte{hevcX(hevcIDR)}, 0, false, 0, nil},
		{"H.264", 0, [][]byte{avcStart, tag(codedFrames, "avc1", join([]byte{0, 0, 40}, lengths(idr))...)},
			frame.H264, true, 40 * ms, avcWant},
		{"H.264 without a composition time", 0, [][]byte{avcStart, tag(codedFramesX, "avc1", lengths(slice)...)},
			frame.H264, false, 0, annexB(slice)},
		{"H.264 in both kinds of tags", 0, [][]byte{avcStart, key}, frame.H264, true, 80 * ms, avcWant},
		{"AV1", 0, [][]byte{av1Start, av1(av1Key)}, frame.AV1, true, 0, av1Want},
		{"AV1 that refers back", 0, [][]byte{av1Start, av1(av1P)}, frame.AV1, false, 0, av1P},
		{"AV1 in a tag that has no composition time anyway", 0, [][]byte{av1Start, tag(codedFramesX, "av01", av1Key...)},
			frame.AV1, true, 0, av1Want},
		{"AV1 behind a descriptor of MPEG-2 TS", 0, [][]byte{tag(mpeg2TSStart, "av01", 0x80, 4, 0x81, 0, 0, 0),
			av1(av1Seq, av1Key)}, frame.AV1, true, 0, av1Want},
		{"VP9", 0, [][]byte{vp9Start, vp9(vp9Key)}, frame.VP9, true, 0, vp9Key},
		{"VP9 that refers back", 0, [][]byte{vp9Start, vp9(vp9P)}, frame.VP9, false, 0, vp9P},
		{"VP8", 0, [][]byte{tag(sequenceStart, "vp08", vpc...), vp8(vp8Key)}, frame.VP8, true, 0, vp8Key},
		{"VP8 that refers back", 0, [][]byte{vp8(vp8P)}, frame.VP8, false, 0, vp8P},

		{"a picture of no bytes", 0, [][]byte{vp9Start, tag(codedFrames, "vp09")}, 0, false, 0, nil},
		{"a sequence start", 0, [][]byte{hevcStart}, 0, false, 0, nil},
		{"a sequence end", 0, [][]byte{hevcStart, tag(sequenceEnd, "hvc1")}, 0, false, 0, nil},
		{"a sequence goes on behind its end", 0, [][]byte{hevcStart, tag(sequenceEnd, "hvc1"), hevcX(hevcIDR)},
			frame.H265, true, 0, hevcWant},
		{"metadata", 0, [][]byte{hevcStart, tag(metadata, "hvc1", []byte("\x02\x00\x09colorInfo\x03\x00\x00\x09")...)}, 0, false, 0, nil},
		{"a packet type of the future", 0, [][]byte{{enhancedKey | 8}}, 0, false, 0, nil},
		{"a command", 0, [][]byte{{enhancedCommand | codedFrames, 0}}, 0, false, 0, nil},
		{"a codec that is not supported, but says nothing", 0, [][]byte{tag(sequenceEnd, "vvc1")}, 0, false, 0, nil},

		{"a timestamp offset", 0, [][]byte{vp9Start, nano(333333, vp9(vp9Key))}, frame.VP9, true, 333333 * ns, vp9Key},
		{"and a composition time", 0, [][]byte{hevcStart, nano(999999, hevc(40, hevcP))},
			frame.H265, false, 40*ms + 999999*ns, annexB(hevcP)},
		{"an offset of more bytes", 0, [][]byte{mod([]byte{3, 0, 0, 7, 99, codedFrames})}, frame.VP9, false, 7 * ns, vp9P},
		{"a modifier of the future with an offset behind it", 0, [][]byte{mod([]byte{0, 99, 5<<4 | modEx, 2, 0, 1, 0, codedFrames})},
			frame.VP9, false, 256 * ns, vp9P},
		{"a modifier of 256 bytes", 0, [][]byte{mod([]byte{255, 0, 255}, make([]byte, 256), []byte{5<<4 | codedFrames})},
			frame.VP9, false, 0, vp9P},
		{"a modifier of 1000 bytes", 0, [][]byte{mod([]byte{255, 3, 231}, make([]byte, 1000), []byte{5<<4 | codedFrames})},
			frame.VP9, false, 0, vp9P},

		{"one track", 0, [][]byte{one(sequenceStart, part{"hvc1", 0, hevcStart[5:]}),
			one(codedFrames, part{"hvc1", 0, hevc(2, hevcIDR)[5:]})},
			frame.H265, true, 2 * ms, hevcWant},
		{"a track that is not asked for", 0, [][]byte{vp9Start, one(codedFrames, part{"vp09", 1, vp9Key})}, 0, false, 0, nil},
		{"another codec in it changes nothing", 0, [][]byte{hevcStart, one(sequenceStart, part{"av01", 1, av1Start[5:]}),
			one(codedFrames, part{"vvc1", 2, nil}), hevcX(hevcIDR)}, frame.H265, true, 0, hevcWant},
		{"a track that is asked for", 3, [][]byte{one(codedFrames, part{"vp09", 3, vp9Key})}, frame.VP9, true, 0, vp9Key},
		{"what names no track is of the default one", 3, [][]byte{vp9(vp9Key)}, 0, false, 0, nil},
		{"AVC's tags too", 3, [][]byte{header, key}, 0, false, 0, nil},
		{"many tracks", 0, [][]byte{vp9Start, many(codedFrames, part{"vp09", 1, vp9P}, part{"vp09", 0, vp9Key}, part{"vp09", 2, nil})},
			frame.VP9, true, 0, vp9Key},
		{"the last of many tracks", 2, [][]byte{many(codedFrames, part{"vp09", 1, vp9P}, part{"vp09", 0, vp9P}, part{"vp09", 2, vp9Key})},
			frame.VP9, true, 0, vp9Key},
		{"none of many tracks", 7, [][]byte{many(codedFrames, part{"vp09", 1, vp9P}, part{"vp09", 0, vp9P})}, 0, false, 0, nil},
		{"many tracks with a sequence start each", 1, [][]byte{
			many(sequenceStart, part{"hvc1", 0, hvcc()}, part{"hvc1", 1, hevcStart[5:]}),
			many(codedFrames, part{"hvc1", 0, hevc(0, hevcP)[5:]}, part{"hvc1", 1, hevc(9, hevcIDR)[5:]})},
			frame.H265, true, 9 * ms, hevcWant},
		{"many codecs", 0, [][]byte{av1Start, many(codedFrames, part{"hvc1", 1, hevc(0, hevcP)[5:]}, part{"vvc1", 2, []byte{1}},
			part{"av01", 0, av1Key})},
			frame.AV1, true, 0, av1Want},
		{"many tracks with a timestamp offset", 0, [][]byte{vp9Start,
			nano(5, many(codedFrames, part{"vp09", 1, vp9P}, part{"vp09", 0, vp9Key}))}, frame.VP9, true, 5 * ns, vp9Key},
		{"a multitrack type of the future", 0, [][]byte{{enhancedKey | multitrack, 3<<4 | codedFrames, 1, 2}}, 0, false, 0, nil},
		{"metadata of a track", 0, [][]byte{one(metadata, part{"vvc1", 0, nil})}, 0, false, 0, nil},

		{"H.265 under codec id 12", 0, [][]byte{join([]byte{0x1c, 0, 0, 0, 0}, hevcStart[5:]),
			join([]byte{0x2c, 1, 0, 0, 33}, lengths(hevcIDR))},
			frame.H265, true, 33 * ms, hevcWant},
		{"its end", 0, [][]byte{{0x1c, 2, 0, 0, 0}}, 0, false, 0, nil},

		{"another codec begins with a key unit", 0, [][]byte{header, key, hevcStart, hevcX(hevcP)}, 0, false, 0, nil},
		{"and goes on behind it", 0, [][]byte{header, key, hevcStart, hevcX(hevcIDR), hevcX(hevcP)},
			frame.H265, false, 0, annexB(hevcP)},
		{"what is late of the codec before", 0, [][]byte{header, key, hevcStart, inter}, 0, false, 0, nil},
		{"a codec that needs no sequence start", 0, [][]byte{hevcStart, vp9(vp9P), vp9(vp9Key)},
			frame.VP9, true, 0, vp9Key},
		{"back again, what was known is forgotten", 0, [][]byte{hevcStart, vp9(vp9Key), hevcX(hevcIDR)},
			0, false, 0, nil},
		{"the same codec again need not", 0, [][]byte{av1Start, av1(av1Key), av1Start, av1(av1P)},
			frame.AV1, false, 0, av1P},
	} {
		last := len(test.bodies) - 1
		v, err := begun(flv.Video{Track: test.track}, test.bodies[:last]...)
		if err != nil {
			t.Errorf("%s: %v", test.about, err)
			continue
		}
		body := bytes.Clone(test.bodies[last])
		u, ok, err := unit(v, time.Second, body)
		clear(body)
		switch {
		case err != nil || ok != (test.codec != 0):
			t.Errorf("%s: %v, %v", test.about, ok, err)
		case ok && (u.Codec != test.codec || u.Key != test.key || u.DTS != time.Second || u.PTS != time.Second+test.offset ||
			!bytes.Equal(u.Data, test.data)):
			t.Errorf("%s:\ngot  %v, key %v, at %v, %v, %x\nwant %v, key %v, offset %v, %x", test.about,
				u.Codec, u.Key, u.DTS, u.PTS, u.Data, test.codec, test.key, test.offset, test.data)
		}
	}
}

func TestEnhancedSaysWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		about string
		body  []byte
		want  string
		is    error
	}{
		{"H.266", tag(sequenceStart, "vvc1", 1), `enhanced RTMP codec "vvc1"`, flv.ErrCodec},
		{"a FourCC that is none", tag(codedFramesX, "\x00\xff\x00\x00", 1), `codec "\x00\xff\x00\x00"`, flv.ErrCodec},
		{"a track of a codec that is not supported", one(codedFrames, part{"vvc1", 0, nil}), "vvc1", flv.ErrCodec},
		{"half a FourCC", []byte{enhancedKey | codedFrames, 'h', 'v'}, "inside its FourCC", nil},
		{"half a composition time", tag(codedFrames, "hvc1", 0, 0), "H.265: video tag ends inside its composition time", nil},
		{"half a record of H.265", hevcStart[:40], "H.265: configuration record ends inside a parameter set", nil},
		{"a record of AV1 of another version", tag(sequenceStart, "av01", 0x82, 0, 0, 0), "configuration record of version 130", nil},
		{"half an AV1 OBU", tag(codedFrames, "av01", 0x32, 9, 1), "AV1: OBU of 9 bytes where 1 are left", nil},
		{"half a VP8 header", tag(codedFrames, "vp08", 0), "VP8: VP8 frame of 1 bytes", nil},
		{"a VP9 frame that is none", tag(codedFrames, "vp09", 0), "VP9: VP9 frame begins with 0x00", nil},
		{"no modifier", []byte{enhancedKey | modEx}, "inside a modifier", nil},
		{"a modifier of which the size is left", []byte{enhancedKey | modEx, 255, 0}, "inside a modifier", nil},
		{"half a modifier", []byte{enhancedKey | modEx, 5, 0, 0, 0}, "inside a modifier", nil},
		{"a modifier with no packet type", []byte{enhancedKey | modEx, 2, 0, 0, 0}, "inside a modifier", nil},
		{"half of the longest modifier", []byte{enhancedKey | modEx, 255, 255, 255, 0}, "inside a modifier", nil},
		{"a timestamp offset of two bytes", []byte{enhancedKey | modEx, 1, 0, 0, codedFrames}, "timestamp offset of 2 bytes", nil},
		{"multitrack with nothing behind it", []byte{enhancedKey | multitrack}, "ends before its packet type", nil},
		{"multitrack in multitrack", []byte{enhancedKey | multitrack, multitrack}, "packets of type 6", nil},
		{"multitrack with half a FourCC", []byte{enhancedKey | multitrack, codedFrames, 'a'}, "inside its FourCC", nil},
		{"multitrack without a track", []byte{enhancedKey | multitrack, codedFrames, 'a', 'v', '0', '1'}, "inside a track's header", nil},
		{"half a track's header", many(codedFrames, part{"av01", 1, av1P})[:9], "inside a track's header", nil},
		{"half a track", many(codedFrames, part{"av01", 1, av1P})[:12], "video track 1 of 4 bytes where 2 are left", nil},
		{"half a FourCC of a track", many(codedFrames, part{"av01", 1, nil}, part{"vp09", 2, nil})[:12], "inside its FourCC", nil},
	} {
		v, err := begun(flv.Video{}, hevcStart)
		if err != nil {
			t.Fatal(err)
		}
		u, ok, err := unit(v, 0, test.body)
		if ok || u.Data != nil || err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: %v, %v", test.about, ok, err)
		}
	}
}

// TestABadRecordCostsItself gives pictures after a configuration record that was refused: they go on with what is known.
func TestABadRecordCostsItself(t *testing.T) {
	v, err := begun(flv.Video{}, hevcStart)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := unit(v, 0, hevcStart[:40]); err == nil {
		t.Error("half a record is taken")
	}
	if u, ok, err := unit(v, 0, hevcX(hevcIDR)); !ok || err != nil || u.Lost || !bytes.Equal(u.Data, hevcWant) {
		t.Errorf("%v, lost %v, %v", ok, u.Lost, err)
	}
}

// TestOneAllocationPerUnit counts what units of each codec take once their stream has begun.
func TestOneAllocationPerUnit(t *testing.T) {
	for _, test := range []struct {
		about       string
		start, body []byte
	}{
		{"H.264", avcStart, tag(codedFramesX, "avc1", lengths(sps, pps, idr)...)},
		{"H.265", hevcStart, tag(codedFramesX, "hvc1", lengths(hevcSPS, hevcPPS, hevcIDR)...)},
		{"AV1", av1Start, av1(av1Seq, av1Key)},
		{"AV1, its sequence header out of band", av1Start, av1(av1Key)},
		{"VP9", vp9Start, nano(5, vp9(vp9Key))},
		{"one of many tracks", av1Start, many(codedFrames, part{"hvc1", 1, nil}, part{"av01", 0, av1Key})},
	} {
		v, err := begun(flv.Video{}, test.start)
		if err != nil {
			t.Fatal(err)
		}
		n := testing.AllocsPerRun(100, func() {
			if u, ok, err := unit(v, 0, test.body); err != nil || !ok || !u.Key {
				t.Errorf("%s: %v, %v", test.about, ok, err)
			}
		})
		if n != 1 {
			t.Errorf("%s: %v allocations", test.about, n)
		}
	}
}
