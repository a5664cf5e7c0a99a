package ffmpeg

import (
	"encoding/binary"
	"errors"

	"github.com/livestill/livestill/internal/srgb"
)

// Markers of ITU-T T.81, table B.1.
const (
	markerSOI  = 0xd8
	markerSOS  = 0xda
	markerAPP0 = 0xe0
	markerAPP2 = 0xe2
	markerAPPF = 0xef
	markerCOM  = 0xfe
)

// The start of a file and its JFIF 1.01 header: square pixels, no thumbnail.
var jfifHeader = [...]byte{0xff, markerSOI, 0xff, markerAPP0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0}

// jfif rebuilds the header of a JPEG file: FFmpeg writes a comment that names itself, and no JFIF header, which readers go by to
// know what the colours mean. A profile of sRGB follows it (ICC.1:2022 annex B.4), in one piece. It returns the header up to the first scan and what follows it, which is a part of file.
//
//	| ff | marker | length (2) | length-2 bytes |
func jfif(file []byte) (header, rest []byte, err error) {
	header = append(make([]byte, 0, 2048), jfifHeader[:]...)
	header = appendProfile(header)
	if len(file) < 2 || file[0] != 0xff || file[1] != markerSOI {
		return nil, nil, errors.New("the encoder gave no JPEG file")
	}
	for b := file[2:]; len(b) >= 4 && b[0] == 0xff; {
		marker, size := b[1], 2+int(binary.BigEndian.Uint16(b[2:]))
		if marker == markerSOS {
			return header, b, nil
		}
		if size > len(b) {
			break
		}
		if marker != markerCOM && (marker < markerAPP0 || marker > markerAPPF) {
			header = append(header, b[:size]...)
		}
		b = b[size:]
	}
	return nil, nil, errors.New("the encoder gave a JPEG file without a scan")
}

// appendProfile appends a segment with the profile:
//
//	| ff | e2 | length (2) | "ICC_PROFILE" 0 | piece 1 | of 1 | profile |
func appendProfile(header []byte) []byte {
	const name = "ICC_PROFILE\x00\x01\x01"
	header = append(header, 0xff, markerAPP2)
	header = binary.BigEndian.AppendUint16(header, uint16(2+len(name)+len(srgb.ICC())))
	return append(append(header, name...), srgb.ICC()...)
}
