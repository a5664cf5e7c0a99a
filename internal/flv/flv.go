// Package flv reads FLV video tags, which are also the bodies of RTMP video messages: those of Adobe's specification, those with
// H.265 under codec id 12, and those of enhanced RTMP, versions 1 and 2.
package flv

import (
	"errors"
	"fmt"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// ErrCodec says that a tag's video is of a codec that is not supported.
var ErrCodec = errors.New("unsupported video codec")

// Video turns the bodies of video tags into access units. It remembers the sequence header of the track it takes, and of a codec
// only while the stream is in it. The zero value is ready for a stream.
type Video struct {
	// Track is the id of the track that is taken if the publisher sends several; zero is its default one, which bodies that
	// name no track are of too. The others are passed over.
	Track uint8

	sequence bitstream.Assembler // its codec is zero before the first
	joining  bool                // the codec has changed, and no key unit came since
}

// Unit returns the access unit in the body of a video tag with the given timestamp. ok is false for a body that holds none:
// a sequence header, an end of sequence, a command, metadata, what future versions of enhanced RTMP define, another track, a
// picture before the first sequence header. When the codec changes, units begin anew with a key unit. The unit's Data is its own
// copy.
//
// Whether a unit is a key unit is read from its bitstream: the frame types of tags, which some encoders get wrong, count for
// nothing.
func (v *Video) Unit(timestamp time.Duration, body []byte) (u frame.AccessUnit, ok bool, err error) {
	t, ok, err := parse(body, v.Track)
	if err != nil || !ok {
		return u, false, err
	}
	if t.codec != v.sequence.Codec && (t.begins || !needsHeader(t.codec)) {
		v.change(t.codec)
	}
	if t.begins {
		if err := v.sequence.Config(t.data); err != nil {
			return u, false, fmt.Errorf("%v: %w", t.codec, err)
		}
		return u, false, nil
	}
	if needsHeader(t.codec) && (t.codec != v.sequence.Codec || !v.sequence.HasLengths()) {
		return u, false, nil
	}
	data, key, err := v.sequence.Unit(t.data)
	if err != nil {
		return u, false, fmt.Errorf("%v: %w", t.codec, err)
	}
	if len(data) == 0 || v.joining && !key {
		return u, false, nil
	}
	v.joining = false
	return frame.AccessUnit{Codec: t.codec, Key: key, PTS: timestamp + t.offset, DTS: timestamp, Data: data}, true, nil
}

// needsHeader tells whether pictures of a codec mean nothing before its sequence header. Those of others can tell all that is
// needed in band, and must where a sequence of AV1 begins with a descriptor of MPEG-2 TS instead.
func needsHeader(c frame.Codec) bool { return c == frame.H264 || c == frame.H265 }

// change forgets the sequence of another codec.
func (v *Video) change(c frame.Codec) {
	*v = Video{Track: v.Track, sequence: bitstream.Assembler{Codec: c}, joining: v.sequence.Codec != 0}
}
