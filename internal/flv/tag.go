package flv

import (
	"fmt"
	"time"

	"github.com/livestill/livestill/frame"
)

// Frame types, codec ids and packet types of Adobe Flash Video File Format Specification 10.1, sections E.4.3.1 and E.4.3.2. No
// specification has H.265 as codec id 12, which encoders use that know no enhanced RTMP: its tags are as AVC's.
const (
	frameCommand = 5 // a video info or command frame: no picture

	codecAVC  = 7
	codecHEVC = 12

	avcSequenceHeader = 0
	avcNALU           = 1
)

// A tag is what a video tag has of one track: a sequence header, or a picture.
type tag struct {
	codec  frame.Codec
	begins bool          // it is a sequence header
	offset time.Duration // of a picture: from the timestamp to its presentation time
	data   []byte        // part of the body
}

// parse reads the body of a video tag for the given track. ok is false if there is none that means anything here.
// A body begins with its frame type, f:
//
//	0fffcccc  packet type  composition time s24 in ms  data        c: codec id
//	1fffpppp  ...                                                  p: packet type of enhanced RTMP
func parse(body []byte, track uint8) (t tag, ok bool, err error) {
	switch {
	case len(body) == 0 || body[0]>>4&7 == frameCommand:
		return t, false, nil
	case body[0]&0x80 != 0:
		return parseEnhanced(body, track)
	case track != 0:
		return t, false, nil
	}
	switch id := body[0] & 0x0f; id {
	case codecAVC:
		t.codec = frame.H264
	case codecHEVC:
		t.codec = frame.H265
	case 0, 8, 9, 10, 11, 15:
		return t, false, fmt.Errorf("FLV codec id %d, which no codec has", id)
	default:
		return t, false, fmt.Errorf("FLV codec id %d: %w", id, ErrCodec)
	}
	if len(body) < 5 {
		return t, false, fmt.Errorf("%v: video tag of %d bytes, want at least 5", t.codec, len(body))
	}
	switch body[1] {
	case avcSequenceHeader:
		t.begins = true
	case avcNALU:
		t.offset = compositionTime(body[2:])
	default:
		return t, false, nil
	}
	t.data = body[5:]
	return t, true, nil
}

// compositionTime reads a signed 24-bit count of milliseconds.
func compositionTime(b []byte) time.Duration {
	ms := int32(uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8) >> 8
	return time.Duration(ms) * time.Millisecond
}
