package imagefile

import (
	"encoding/binary"
	"errors"
	"image"

	"github.com/livestill/livestill/internal/srgb"
)

// Lengths in a WebP file (RFC 9649 section 2.3): of "RIFF", a size and "WEBP", and of what a chunk has before its data.
//
//	| type (4) | length (4), lowest byte first | length bytes | 0 if that is odd |
const (
	riffHeader = 12
	riffChunk  = 8
)

// WebP makes an extended file (section 2.7) of a simple one, with a profile. It returns the parts of the file.
func WebP(file []byte, size image.Point) ([][]byte, error) {
	if len(file) < riffHeader+riffChunk || string(file[:4]) != "RIFF" || string(file[8:12]) != "WEBP" {
		return nil, errors.New("the encoder gave no WebP file")
	}
	image := file[riffHeader:]
	if kind := string(image[:4]); kind != "VP8 " && kind != "VP8L" {
		return nil, errors.New("the encoder gave a WebP file that does not begin with its image")
	}
	if n := uint64(binary.LittleEndian.Uint32(image[4:])); riffChunk+n+n%2 > uint64(len(image)) {
		return nil, errors.New("the encoder gave a WebP file that ends early")
	}
	le := binary.LittleEndian
	profile := srgb.ICC()
	header := []byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x20\x00\x00\x00") // 0x20: it has a profile
	for _, side := range []int{size.X, size.Y} {
		header = append(header, le.AppendUint32(nil, uint32(side-1))[:3]...)
	}
	header = append(le.AppendUint32(append(header, "ICCP"...), uint32(len(profile))), profile...)
	le.PutUint32(header[4:], uint32(len(header)+len(image)-riffChunk))
	return [][]byte{header, image}, nil
}
