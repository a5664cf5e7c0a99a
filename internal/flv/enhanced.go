package flv

import (
	"errors"
	"fmt"
	"time"

	"github.com/livestill/livestill/frame"
)

// Packet types of Enhanced RTMP v2, "Enhanced Video". The others mean nothing here and are passed over, as those will be that are
// still to be defined: the end of a sequence; metadata, which are for Video.Colour; a descriptor of MPEG-2 TS, which says no more than the sequence
// header in band.
const (
	packetSequenceStart = 0
	packetCodedFrames   = 1
	packetCodedFramesX  = 3 // the composition time is zero and left out
	packetMultitrack    = 6
	packetModEx         = 7
)

// The only kind of ModEx so far; others are passed over.
const modTimestampOffsetNano = 0

// How many tracks a multitrack tag has, and where their codecs stand.
const (
	tracksOne        = 0
	tracksMany       = 1
	tracksManyCodecs = 2
)

// parseEnhanced reads a body of enhanced RTMP for the given track:
//
//	1fffpppp  [modifiers if p is ModEx, they tell the real p]  [tracks if p is multitrack]  FourCC  data
func parseEnhanced(body []byte, track uint8) (t tag, ok bool, err error) {
	kind, rest := body[0]&0x0f, body[1:]
	for kind == packetModEx {
		if kind, rest, err = t.modify(rest); err != nil {
			return t, false, err
		}
	}
	switch {
	case kind == packetMultitrack:
		return t.choose(rest, track)
	case track != 0 || !hasVideo(kind):
		return t, false, nil
	}
	code, rest, err := cutFourCC(rest)
	if err != nil {
		return t, false, err
	}
	return t.fill(kind, code, rest)
}

func hasVideo(kind byte) bool {
	return kind == packetSequenceStart || kind == packetCodedFrames || kind == packetCodedFramesX
}

// modify obeys the modifier that b begins with, and returns the packet type behind it and what follows:
//
//	n8  [n16 if n8 is 255]  n + 1 bytes  mmmmpppp        m: kind of modifier, p: packet type
//
// The timestamp offset, 24 bits of nanoseconds, is added to the presentation time alone: decoding times stay in order whatever
// the offsets are.
func (t *tag) modify(b []byte) (kind byte, rest []byte, err error) {
	n := len(b)
	switch {
	case n >= 3 && b[0] == 255:
		n, b = int(b[1])<<8+int(b[2])+1, b[3:]
	case n >= 1:
		n, b = int(b[0])+1, b[1:]
	}
	if len(b) <= n {
		return 0, nil, errors.New("video tag ends inside a modifier")
	}
	if b[n]>>4 == modTimestampOffsetNano {
		if n < 3 {
			return 0, nil, fmt.Errorf("timestamp offset of %d bytes, want 3", n)
		}
		t.offset = time.Duration(b[0])<<16 | time.Duration(b[1])<<8 | time.Duration(b[2])
	}
	return b[n] & 0x0f, b[n+1:], nil
}

// choose finds the given track in what follows the packet type of a multitrack tag. By the number of tracks, t:
//
//	ttttpppp  FourCC  id8  data                  one
//	ttttpppp  FourCC  n x (id8  size24  data)    many of one codec
//	ttttpppp  n x (FourCC  id8  size24  data)    many of many codecs
func (t tag) choose(b []byte, track uint8) (tag, bool, error) {
	if len(b) == 0 {
		return t, false, errors.New("multitrack video tag ends before its packet type")
	}
	tracks, kind, b := b[0]>>4, b[0]&0x0f, b[1:]
	if kind == packetMultitrack || kind == packetModEx {
		return t, false, fmt.Errorf("multitrack video tag with packets of type %d", kind)
	}
	if tracks > tracksManyCodecs || !hasVideo(kind) {
		return t, false, nil
	}
	var (
		code fourCC
		err  error
	)
	for first := true; first || len(b) > 0; first = false {
		if first || tracks == tracksManyCodecs {
			if code, b, err = cutFourCC(b); err != nil {
				return t, false, err
			}
		}
		id, data, rest, err := cutTrack(b, tracks == tracksOne)
		if err != nil {
			return t, false, err
		}
		if id == track {
			return t.fill(kind, code, data)
		}
		b = rest
	}
	return t, false, nil
}

// cutTrack takes the first track off b. An only one has no size, it goes to the end.
func cutTrack(b []byte, only bool) (id byte, data, rest []byte, err error) {
	header := 4
	if only {
		header = 1
	}
	if len(b) < header {
		return 0, nil, nil, errors.New("multitrack video tag ends inside a track's header")
	}
	id, data = b[0], b[header:]
	if only {
		return id, data, nil, nil
	}
	size := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	if size > len(data) {
		return 0, nil, nil, fmt.Errorf("video track %d of %d bytes where %d are left", id, size, len(data))
	}
	return id, data[:size], data[size:], nil
}

// fill completes the tag with its codec and with what follows:
//
//	[composition time s24 in ms]  data
//
// Only pictures have the time, of codecs that reorder them, and only if the packet type does not say that it is zero.
func (t tag) fill(kind byte, code fourCC, b []byte) (tag, bool, error) {
	if t.codec = code.codec(); t.codec == 0 {
		return t, false, fmt.Errorf("enhanced RTMP codec %q: %w", string(code[:]), ErrCodec)
	}
	t.begins = kind == packetSequenceStart
	if kind == packetCodedFrames && (t.codec == frame.H264 || t.codec == frame.H265) {
		if len(b) < 3 {
			return t, false, fmt.Errorf("%v: video tag ends inside its composition time", t.codec)
		}
		t.offset += compositionTime(b)
		b = b[3:]
	}
	t.data = b
	return t, true, nil
}

// A fourCC names a codec.
type fourCC [4]byte

func (c fourCC) codec() frame.Codec {
	switch string(c[:]) {
	case "avc1":
		return frame.H264
	case "hvc1":
		return frame.H265
	case "av01":
		return frame.AV1
	case "vp08":
		return frame.VP8
	case "vp09":
		return frame.VP9
	}
	return 0
}

func cutFourCC(b []byte) (code fourCC, rest []byte, err error) {
	if copy(code[:], b) < len(code) {
		return code, nil, errors.New("video tag ends inside its FourCC")
	}
	return code, b[len(code):], nil
}
