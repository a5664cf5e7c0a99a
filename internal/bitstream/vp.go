package bitstream

import (
	"errors"
	"fmt"
)

// VP8Key reports whether a VP8 frame is a key frame, RFC 6386 section 9.1:
//
//	size (3)  shown (1)  version (3)  k (1)    size (16), lowest byte first    if k is 0:  9d 01 2a  width (16)  height (16)
func VP8Key(frame []byte) (key bool, err error) {
	switch {
	case len(frame) < 3:
		return false, fmt.Errorf("VP8 frame of %d bytes, want at least 3", len(frame))
	case frame[0]&1 != 0:
		return false, nil
	case len(frame) < 10:
		return false, fmt.Errorf("VP8 key frame of %d bytes, want at least 10", len(frame))
	case frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a:
		return false, fmt.Errorf("VP8 key frame with start code %x, want 9d012a", frame[3:6])
	}
	return true, nil
}

// VP9Key reports whether a VP9 frame, or the first one of a superframe, is a key frame, VP9 Bitstream & Decoding Process
// Specification section 6.2:
//
//	10pp[0]etfr...    p: profile, its low bit first; the zero only in profile 3; e: shows a frame decoded before; t: 0 is a key frame
//
// What shows a frame decoded before has no type.
func VP9Key(frame []byte) (key bool, err error) {
	if len(frame) == 0 {
		return false, errors.New("VP9 frame of no bytes")
	}
	b := frame[0]
	if b>>6 != 2 {
		return false, fmt.Errorf("VP9 frame begins with %#02x, want a frame marker", b)
	}
	if b&0x30 == 0x30 {
		b <<= 1
	}
	return b&0x0c == 0, nil
}
