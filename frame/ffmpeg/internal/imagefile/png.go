package imagefile

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/livestill/livestill/internal/srgb"
)

// Lengths in a PNG file (ISO/IEC 15948 section 5.3): its signature, and what a chunk has beside its data.
//
//	| length (4) | type (4) | length bytes | CRC (4) |
const (
	pngSignature = 8
	pngChunk     = 12
)

// PNG leaves out what FFmpeg's versions add to a PNG file, each something else, and says that the colours are sRGB's. It returns the
// parts of the file.
func PNG(file []byte) (parts [][]byte, err error) {
	if len(file) < pngSignature {
		return nil, errors.New("the encoder gave no PNG file")
	}
	parts = append(parts, file[:pngSignature])
	for b := file[pngSignature:]; len(b) >= pngChunk; {
		n := uint64(binary.BigEndian.Uint32(b)) + pngChunk
		if n > uint64(len(b)) {
			break
		}
		switch chunk := b[:n]; string(b[4:8]) {
		case "IHDR":
			parts = append(parts, chunk, colours())
		case "IDAT":
			parts = append(parts, chunk)
		case "IEND":
			return append(parts, chunk), nil
		}
		b = b[n:]
	}
	return nil, errors.New("the encoder gave a PNG file without an end")
}

// colours returns the chunks for sRGB, section 11.3.3.5.
func colours() (b []byte) {
	chunk := func(kind string, data []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
		start := len(b)
		b = append(append(b, kind...), data...)
		b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[start:]))
	}
	chunk("sRGB", []byte{0}) // rendering intent: perceptual
	chunk("gAMA", binary.BigEndian.AppendUint32(nil, srgb.Gamma))
	var xy []byte
	for _, v := range srgb.Chromaticities {
		xy = binary.BigEndian.AppendUint32(xy, v)
	}
	chunk("cHRM", xy)
	return b
}
