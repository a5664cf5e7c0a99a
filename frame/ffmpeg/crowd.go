package ffmpeg

import (
	"bytes"
	"errors"
	"slices"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// The most slices of a picture: what the highest level of H.265 has room for (table A.8), and more for small pictures, which encoders cut
// into slices the size of a packet. Each may reach to the end of the picture again, and FFmpeg decodes all of it: see mostBlocks.
const (
	mostSlices = 600
	mostBlocks = 5_000_000 // macroblocks in all the slices of a unit, if each reached over the whole picture: half a second of a processor
)

// The most bytes of supplemental messages that are decoded of a unit. Decoding needs recovery points, of a few bytes. FFmpeg allocates
// memory for each message, which takes it 0.5 s for 8 MiB.
const mostMessages = 64 << 10

// The most scans of a JPEG file: progressive ones have about ten. Each may be a few bytes, and goes over the whole picture.
const mostScans = 64

var errCrowded = errors.New("an access unit of more parts than any has")

// crowded tells whether a unit has more parts, such as NAL units, slices and scans, than FFmpeg is to be given: it takes time for each, and no
// context stops it.
func (s *session) crowded(data []byte) bool {
	switch s.name {
	case frame.H264, frame.H265:
		return bitstream.Crowded(data) || s.sliced()
	case frame.AV1:
		_, whole := bitstream.SequencesAV1(data)
		return bitstream.CrowdedAV1(data) || !whole
	case frame.MJPEG:
		return bytes.Count(data, []byte{0xff, markerSOS}) > mostScans
	default: // these have one picture, or FFmpeg decodes one
		return false
	}
}

// sliced tells whether a unit of H.264 or H.265 has too many slices.
func (s *session) sliced() bool {
	n := 0
	for _, b := range s.survey.nals {
		if slice, _ := kindOf(s.name, b[0]); slice {
			n++
		}
	}
	blocks := s.survey.blocks(s.name)
	return n > mostSlices && (blocks == 0 || n*blocks > mostBlocks)
}

// blocks returns how many macroblocks a picture has, zero if that is not known.
func (s *surveyor) blocks(c frame.Codec) int {
	w, h := 0, 0
	if c == frame.H264 && s.count.known {
		w, h = s.count.sps.Width(), s.count.sps.Height()
	} else if c == frame.H265 {
		for _, sps := range s.order.sps {
			w, h = max(w, int(sps.PicWidthInLumaSamples)), max(h, int(sps.PicHeightInLumaSamples))
		}
	}
	if w <= 0 || h <= 0 || w > 1<<16 || h > 1<<16 {
		return 0
	}
	return ((w + macro - 1) / macro) * ((h + macro - 1) / macro)
}

// isMessage tells from the first byte of a NAL unit whether it is supplemental enhancement information (H.264 table 7-1, H.265 table 7-1).
func isMessage(c frame.Codec, first byte) bool {
	if c == frame.H264 {
		return first&0x1f == 6
	}
	return first>>1&0x3f == 39 || first>>1&0x3f == 40
}

// withoutMessages leaves out of nals all supplemental messages, if they are too many.
func withoutMessages(c frame.Codec, nals [][]byte) (rest [][]byte, cut bool) {
	size := 0
	for _, n := range nals {
		if isMessage(c, n[0]) {
			size += len(n)
		}
	}
	if size <= mostMessages {
		return nals, false
	}
	return slices.DeleteFunc(nals, func(n []byte) bool { return isMessage(c, n[0]) }), true
}
