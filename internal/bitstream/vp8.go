package bitstream

import (
	"encoding/binary"
	"fmt"
)

// Bits of the byte that a VP8 frame begins with, RFC 6386 section 9.1:
//
//	first_part_size (3)  show_frame (1)  version (3)  key_frame (1), zero in a key frame
const (
	vp8InterFrame = 0x01
	vp8ShowFrame  = 0x10
)

// VP8Key reports whether a VP8 frame is a key frame, RFC 6386 section 9.1:
//
//	the first byte  first_part_size (16), lowest byte first    of a key frame:  9d 01 2a  width (16)  height (16)
func VP8Key(frame []byte) (key bool, err error) {
	switch {
	case len(frame) < 3:
		return false, fmt.Errorf("VP8 frame of %d bytes, want at least 3", len(frame))
	case frame[0]&vp8InterFrame != 0:
		return false, nil
	case len(frame) < 10:
		return false, fmt.Errorf("VP8 key frame of %d bytes, want at least 10", len(frame))
	case frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a:
		return false, fmt.Errorf("VP8 key frame with start code %x, want 9d012a", frame[3:6])
	}
	return true, nil
}

// sizeVP8 reads a key frame. Width and height are 14 bits each, and two of how to scale them for show.
func sizeVP8(b []byte) Size {
	const references, mask = 3, 1<<14 - 1
	if key, err := VP8Key(b); err != nil || !key {
		return Size{}
	}
	w, h := int(binary.LittleEndian.Uint16(b[6:])&mask), int(binary.LittleEndian.Uint16(b[8:])&mask)
	return Size{Width: w, Height: h, ChromaFormat: chroma420, BitDepth: minBitDepth, References: references}
}

// hiddenVP8 reports whether a frame is only there for others to refer to, and is not meant to be seen.
func hiddenVP8(b []byte) bool { return len(b) > 0 && b[0]&vp8ShowFrame == 0 }
