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
	markerAPPF = 0xef
	markerCOM  = 0xfe
)

// jfif rebuilds the header of a JPEG file: FFmpeg writes a comment that names itself, and no JFIF header, which readers go by to
// know what the colours mean. It returns the header up to the first scan and what follows it, which is a part of file.
//
//	| ff | marker | length (2) | length-2 bytes |
func jfif(file []byte) (header, rest []byte, err error) {
	header = append(make([]byte, 0, 2048), srgb.JFIF()...)
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
