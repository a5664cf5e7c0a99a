package rtsp

import (
	"slices"
	"strconv"
	"strings"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/sdp"
	psdp "github.com/pion/sdp/v3"

	"github.com/livestill/livestill/frame"
)

// measure finds the size of JPEG pictures in the description that desc was made of, since RTP has no room for large ones, and what tells the
// orientation of pictures.
func (v *video) measure(body []byte, desc *description.Session) {
	attributes := v.attributes(body, desc)
	v.orientation = orientationID(attributes)
	if codecOf(v.format) != frame.MJPEG {
		return
	}
	for _, a := range attributes {
		if width, height, ok := sizeOf(a.Key, a.Value); ok {
			v.width, v.height = width, height
			return
		}
	}
}

// attributes returns what the description that desc was made of says of the media of the video, which the library does not give out.
func (v *video) attributes(body []byte, desc *description.Session) []psdp.Attribute {
	var s sdp.SessionDescription
	i := slices.Index(desc.Medias, v.media)
	if s.Unmarshal(body) != nil || i < 0 || i >= len(s.MediaDescriptions) {
		return nil
	}
	return s.MediaDescriptions[i].Attributes
}

// sizeOf reads the attributes by which servers tell of the size of pictures:
//
//	x-dimensions:1920,1080    cliprect:0,0,1080,1920 (QuickTime: top, left, bottom, right)    framesize:26 1920-1080 (3GPP TS 26.234)
func sizeOf(key, value string) (width, height int, ok bool) {
	fields := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '-' || r == ' ' || r == 'x' })
	numbers := make([]int, 0, 4)
	for _, f := range fields {
		n, err := strconv.ParseUint(f, 10, 16)
		if err != nil || len(numbers) == cap(numbers) {
			return 0, 0, false
		}
		numbers = append(numbers, int(n))
	}
	switch {
	case key == "x-dimensions" && len(numbers) == 2:
		return numbers[0], numbers[1], true
	case key == "framesize" && len(numbers) == 3:
		return numbers[1], numbers[2], true
	case key == "cliprect" && len(numbers) == 4:
		return numbers[3] - numbers[1], numbers[2] - numbers[0], true
	}
	return 0, 0, false
}
