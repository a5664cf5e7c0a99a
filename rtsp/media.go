package rtsp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
	"github.com/livestill/livestill/internal/unpack"
)

// The packetization mode of H.264 that sends NAL units out of order, RFC 6184 section 6.4. No camera is known to use it, nor that of
// H.265, which a MaxDONDiff tells of (RFC 7798 section 7.1).
const interleaved = 2

// What an error says of a description: a peer can put thousands of formats into one, and kilobytes into the name of each.
const (
	maxNamed = 8  // formats; cameras have two to four
	maxNames = 64 // bytes of each
)

// A video is a format that units can be made of, and the media that it is a format of.
type video struct {
	media  *description.Media
	format format.Format

	width, height int   // of pictures of MJPEG, in pixels, if the description tells; else zero
	orientation   uint8 // id of the header extension that tells it; zero for none
}

// choose returns the first video that a session has in a codec; zero takes any. Media is which video media to look at, from 1; zero
// looks at all. Its error is an ErrCodec.
func choose(desc *description.Session, codec frame.Codec, media int) (video, error) {
	var found listing
	correctDirections(desc)
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
				return video{media: m, format: f}, nil
			}
			found.add(m, f)
		}
	}
	what := "any codec known here"
	if codec != 0 {
		what = codec.String()
	}
	if media != 0 {
		what += fmt.Sprintf(", media %d", media)
	}
	return video{}, fmt.Errorf("%w: wanted %s, there is %v", ErrCodec, what, found)
}

// correctDirections has videos be none of back-channels if all are said to be: some cameras say "sendonly" of what they send.
func correctDirections(desc *description.Session) {
	isVideo := func(m *description.Media) bool { return m.Type == description.MediaTypeVideo }
	if slices.ContainsFunc(desc.Medias, func(m *description.Media) bool { return isVideo(m) && !m.IsBackChannel }) {
		return
	}
	for _, m := range desc.Medias {
		m.IsBackChannel = m.IsBackChannel && !isVideo(m)
	}
}

// A listing says what formats there are.
type listing struct {
	names []string // of the first
	count int
}

func (l *listing) add(m *description.Media, f format.Format) {
	if l.count++; l.count <= maxNamed {
		l.names = append(l.names, ingest.Excerpt(fmt.Sprintf("%s of %s", m.Type, describe(f)), maxNames))
	}
}

func (l listing) String() string {
	text := strings.Join(l.names, ", ")
	switch more := l.count - len(l.names); {
	case l.count == 0:
		return "nothing"
	case more > 0:
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
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

// isTaken tells whether units can be made of a format.
func isTaken(f format.Format) bool { return codecOf(f) != 0 }

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
	f, err := v.payload()
	s := unpack.New(f)
	s.Orient(v.orientation)
	return s, err
}

func (v video) payload() (unpack.Format, error) {
	switch f := v.format.(type) {
	case *format.H265:
		h := new(unpack.H265)
		return h, h.Learn(f.SafeParams())
	case *format.AV1:
		return new(unpack.AV1), nil
	case *format.VP8:
		return new(unpack.VP8), nil
	case *format.VP9:
		return new(unpack.VP9), nil
	case *format.MPEG4Video:
		m := new(unpack.MPEG4)
		return m, m.Learn(f.SafeParams())
	case *format.H264:
		h := new(unpack.H264)
		return h, h.Learn(f.SafeParams())
	}
	j := new(unpack.MJPEG)
	j.Learn(v.width, v.height)
	return j, nil
}
