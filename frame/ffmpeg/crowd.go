package ffmpeg

import (
	"errors"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// The most slices of a picture: what the highest level of H.265 has room for (table A.8), and more for small pictures, which encoders cut
// into slices the size of a packet. Each may reach to the end of the picture again, and FFmpeg decodes all of it: see mostBlocks.
const (
	mostSlices = 600
	mostBlocks = 5_000_000 // macroblocks in all the slices of a unit, if each reached over the whole picture: half a second of a processor
)

// The most bytes of supplemental enhancement information that are decoded of a unit. Decoding needs recovery points, of a few bytes. FFmpeg
// allocates memory for each message, which takes it 0.5 s for 8 MiB.
const mostSEI = 64 << 10

// The most scans of a JPEG file: progressive ones have about ten. Each may be a few bytes, and goes over the whole picture.
const mostScans = 64

var errCrowded = errors.New("an access unit of more parts than any has")

// crowded reports whether a unit has more parts, such as NAL units, slices and scans, than FFmpeg is to be given: it takes time for each, and
// no context stops it. Of VP8, VP9 and MPEG-4 a unit has one picture, or FFmpeg decodes one.
func crowded(h *bitstream.Headers) bool {
	switch h.Codec {
	case frame.H264, frame.H265:
		return h.Crowded || h.Slices > mostSlices && (h.Macroblocks == 0 || h.Slices*h.Macroblocks > mostBlocks)
	case frame.MJPEG:
		return h.Scans > mostScans
	default:
		return h.Crowded
	}
}
