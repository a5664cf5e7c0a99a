package imagefile

import (
	"encoding/binary"
	"errors"

	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/srgb"
)

// JPEG rebuilds the header of a JPEG file: FFmpeg writes a comment that names itself, and no JFIF header, which readers go by to
// know what the colours mean. It returns the header up to the first scan, and what follows it.
//
//	| ff | marker | length (2) | length-2 bytes |
func JPEG(file []byte) (parts [][]byte, err error) {
	header := append(make([]byte, 0, 2048), srgb.JFIF()...)
	if len(file) < 2 || file[0] != 0xff || file[1] != bitstream.MarkerSOI {
		return nil, errors.New("the encoder gave no JPEG file")
	}
	for b := file[2:]; len(b) >= 4 && b[0] == 0xff; {
		marker, size := b[1], 2+int(binary.BigEndian.Uint16(b[2:]))
		if marker == bitstream.MarkerSOS {
			return [][]byte{header, b}, nil
		}
		if size > len(b) {
			break
		}
		if marker != bitstream.MarkerCOM && (marker < bitstream.MarkerAPP0 || marker > bitstream.MarkerAPP15) {
			header = append(header, b[:size]...)
		}
		b = b[size:]
	}
	return nil, errors.New("the encoder gave a JPEG file without a scan")
}
