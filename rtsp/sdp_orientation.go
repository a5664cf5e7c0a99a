package rtsp

import (
	"strconv"
	"strings"

	psdp "github.com/pion/sdp/v3"
)

// orientationID returns the id of the header extension that tells the orientation of pictures, by the attributes of their media; zero if there is none
// (RFC 8285 section 8):
//
//	extmap:3 urn:3gpp:video-orientation    extmap:3/sendonly urn:3gpp:video-orientation
func orientationID(attributes []psdp.Attribute) uint8 {
	for _, a := range attributes {
		f := strings.Fields(a.Value)
		if a.Key != "extmap" || len(f) < 2 || f[1] != "urn:3gpp:video-orientation" {
			continue
		}
		number, _, _ := strings.Cut(f[0], "/")
		if id, err := strconv.ParseUint(number, 10, 8); err == nil {
			return uint8(id)
		}
	}
	return 0
}
