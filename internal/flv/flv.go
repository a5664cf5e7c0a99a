// Package flv reads FLV video tags, which are also the bodies of RTMP video messages.
package flv

import (
	"errors"
	"fmt"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/nal"
)

// Codec ids and packet types of Adobe Flash Video File Format Specification 10.1, sections E.4.3.1 and E.4.3.2.
const (
	codecAVC = 7

	frameCommand = 5 // a video info or command frame: no picture

	avcSequenceHeader = 0
	avcNALU           = 1
)

// ErrCodec says that a tag's video is of a codec that is not supported.
var ErrCodec = errors.New("unsupported video codec")

// Video turns the bodies of video tags into access units. It remembers the sequence header; the zero value is ready for a stream.
type Video struct {
	h264       nal.H264
	lengthSize int      // zero until a sequence header came
	nals       [][]byte // scratch
}

// Unit returns the access unit in the body of a video tag with the given timestamp. ok is false for a body that holds none:
// a sequence header, an end of sequence, a command, a picture before the first sequence header. The unit's Data is its own copy.
//
//	ffffcccc  packet type  composition time s24 in ms  data        f: frame type, c: codec id
func (v *Video) Unit(timestamp time.Duration, body []byte) (u frame.AccessUnit, ok bool, err error) {
	if len(body) == 0 || body[0]>>4 == frameCommand {
		return u, false, nil
	}
	if body[0]&0x80 != 0 {
		return u, false, fmt.Errorf("enhanced RTMP: %w", ErrCodec)
	}
	if id := body[0] & 0x0f; id != codecAVC {
		return u, false, fmt.Errorf("FLV codec id %d: %w", id, ErrCodec)
	}
	if len(body) < 5 {
		return u, false, fmt.Errorf("AVC video tag of %d bytes, want at least 5", len(body))
	}
	data := body[5:]
	switch body[1] {
	case avcSequenceHeader:
		v.lengthSize, err = v.h264.Config(data)
		return u, false, err
	case avcNALU:
		if v.lengthSize == 0 {
			return u, false, nil
		}
	default:
		return u, false, nil
	}
	if v.nals, err = nal.SplitLength(v.nals[:0], data, v.lengthSize); err != nil {
		return u, false, err
	}
	u = frame.AccessUnit{Codec: frame.H264, DTS: timestamp, PTS: timestamp + compositionTime(body[2:5])}
	u.Data, u.Key, err = v.h264.Unit(v.nals)
	clear(v.nals) // keep no hold of the caller's buffer
	return u, err == nil && len(u.Data) > 0, err
}

// compositionTime reads a signed 24-bit count of milliseconds.
func compositionTime(b []byte) time.Duration {
	ms := int32(uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8) >> 8
	return time.Duration(ms) * time.Millisecond
}
