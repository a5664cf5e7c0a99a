// Package flv reads FLV video tags, which are also the bodies of RTMP video messages: those of Adobe's specification, those with
// H.265 under codec id 12, and those of enhanced RTMP, versions 1 and 2.
package flv

import (
	"bytes"
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

	codec      frame.Codec // of the sequence; zero before the first
	joining    bool        // the codec has changed, and no key unit came since
	h264       bitstream.H264
	h265       bitstream.H265
	av1        bitstream.AV1
	lengthSize int      // of NAL units' lengths; zero until a sequence header came
	nals       [][]byte // scratch
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
	if t.begins {
		if err := v.begin(t); err != nil {
			return u, false, fmt.Errorf("%v: %w", t.codec, err)
		}
		return u, false, nil
	}
	if t.codec != v.codec {
		if needsHeader(t.codec) {
			return u, false, nil
		}
		v.change(t.codec)
	}
	data, key, err := v.data(t)
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
	*v = Video{Track: v.Track, codec: c, joining: v.codec != 0, nals: v.nals}
}

// begin learns a sequence header. The configuration record of VP8 and VP9 says nothing that key frames do not, but for the transfer
// of HDR, for which access units have no place.
func (v *Video) begin(t tag) (err error) {
	if t.codec != v.codec {
		v.change(t.codec)
	}
	switch t.codec {
	case frame.H264:
		v.lengthSize, err = v.h264.Config(t.data)
	case frame.H265:
		v.lengthSize, err = v.h265.Config(t.data)
	case frame.AV1:
		err = v.av1.Config(t.data)
	default:
	}
	return err
}

// data returns the data of the access unit in a tag, if there is one.
func (v *Video) data(t tag) (data []byte, key bool, err error) {
	switch {
	case len(t.data) == 0 || needsHeader(t.codec) && v.lengthSize == 0:
		return nil, false, nil
	case t.codec == frame.AV1:
		return v.av1.Unit(t.data)
	case t.codec == frame.VP8:
		key, err = bitstream.VP8Key(t.data)
		return bytes.Clone(t.data), key, err
	case t.codec == frame.VP9:
		key, err = bitstream.VP9Key(t.data)
		return bytes.Clone(t.data), key, err
	}
	v.nals, err = bitstream.SplitLength(v.nals[:0], t.data, v.lengthSize)
	defer clear(v.nals) // keep no hold of the caller's buffer
	switch {
	case err != nil:
		return nil, false, err
	case t.codec == frame.H265:
		return v.h265.Unit(v.nals)
	default:
		return v.h264.Unit(v.nals)
	}
}
