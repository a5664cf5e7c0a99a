package rtsp

import (
	"fmt"
	"strings"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/unpack"
)

// The packetization mode of H.264 that sends NAL units out of order, RFC 6184 section 6.4. No camera is known to use it, nor that of
// H.265, which a MaxDONDiff tells of (RFC 7798 section 7.1).
const interleaved = 2

// A video is a format that units can be made of, and the media that it is a format of.
type video struct {
	media  *description.Media
	format format.Format
}

// choose returns the first video that a session has in a codec; zero takes any. Media is which video media to look at, from 1; zero
// looks at all. Its error is an ErrCodec.
func choose(desc *description.Session, codec frame.Codec, media int) (video, error) {
	var found []string
	number := 0
	for _, m := range desc.Medias {
		if m.IsBackChannel {
			continue
		}
		isVideo := m.Type == description.MediaTypeVideo
		if isVideo {
			number++
		}
		for _, f := range m.Formats {
			c := codecOf(f)
			if isVideo && c != 0 && (codec == 0 || codec == c) && (media == 0 || media == number) {
				return video{m, f}, nil
			}
			found = append(found, fmt.Sprintf("%s of %s", m.Type, describe(f)))
		}
	}
	what := "any codec known here"
	if codec != 0 {
		what = codec.String()
	}
	if media != 0 {
		what += fmt.Sprintf(", media %d", media)
	}
	if len(found) == 0 {
		found = []string{"nothing"}
	}
	return video{}, fmt.Errorf("%w: wanted %s, there is %s", ErrCodec, what, strings.Join(found, ", "))
}

// codecOf returns the codec of a format, zero if units cannot be made of it.
func codecOf(f format.Format) frame.Codec {
	switch f := f.(type) {
	case *format.H264:
		if f.PacketizationMode != interleaved {
			return frame.H264
		}
	case *format.H265:
		if f.MaxDONDiff == 0 {
			return frame.H265
		}
	case *format.AV1:
		return frame.AV1
	case *format.VP8:
		return frame.VP8
	case *format.VP9:
		return frame.VP9
	case *format.MJPEG:
		return frame.MJPEG
	case *format.Generic: // JPEG with a payload type that is not its own
		if strings.EqualFold(f.RTPMap(), "JPEG/90000") {
			return frame.MJPEG
		}
	case *format.MPEG4Video:
		return frame.MPEG4
	}
	return 0
}

// describe names a format for people.
func describe(f format.Format) string {
	switch h := f.(type) {
	case *format.H264:
		if h.PacketizationMode == interleaved {
			return "interleaved " + f.Codec()
		}
	case *format.H265:
		if h.MaxDONDiff > 0 {
			return "interleaved " + f.Codec()
		}
	case *format.Generic:
		return f.RTPMap()
	}
	return f.Codec()
}

// unpack returns a new Stream of the video's packets that knows the parameter sets of the session description. It will do without those
// that the error tells of.
func (v video) unpack() (*unpack.Stream, error) {
	switch f := v.format.(type) {
	case *format.H265:
		h := new(unpack.H265)
		return unpack.New(h), h.Learn(f.SafeParams())
	case *format.AV1:
		return unpack.New(new(unpack.AV1)), nil
	case *format.VP8:
		return unpack.New(new(unpack.VP8)), nil
	case *format.VP9:
		return unpack.New(new(unpack.VP9)), nil
	case *format.MPEG4Video:
		m := new(unpack.MPEG4)
		return unpack.New(m), m.Learn(f.SafeParams())
	case *format.H264:
		h := new(unpack.H264)
		return unpack.New(h), h.Learn(f.SafeParams())
	}
	return unpack.New(new(unpack.MJPEG)), nil
}
