package rtsp

import (
	"fmt"
	"strings"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
)

// The packetization mode of H.264 that sends NAL units out of order, RFC 6184 section 6.4. No camera is known to use it.
const interleaved = 2

// pick returns the first H.264 video that a server offers, and the media it is a format of. Its error is an ErrCodec.
func pick(desc *description.Session) (*description.Media, *format.H264, error) {
	var found []string
	for _, m := range desc.Medias {
		for _, f := range m.Formats {
			h264, ok := f.(*format.H264)
			if ok && m.Type == description.MediaTypeVideo && !m.IsBackChannel && h264.PacketizationMode != interleaved {
				return m, h264, nil
			}
			what := f.Codec()
			if ok && h264.PacketizationMode == interleaved {
				what = "interleaved " + what
			}
			found = append(found, fmt.Sprintf("%s of %s", m.Type, what))
		}
	}
	return nil, nil, fmt.Errorf("%w, only %s", ErrCodec, strings.Join(found, ", "))
}
