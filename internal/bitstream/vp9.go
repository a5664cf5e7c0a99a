package bitstream

import (
	"errors"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/vp9"
)

// vp9Flags returns the byte that a VP9 frame begins with, VP9 Bitstream & Decoding Process Specification section 6.2, as it is in all profiles
// but 3, where a reserved bit follows the profile:
//
//	frame_marker (2), which is 2  profile (2), its low bit first  show_existing_frame  frame_type, zero in a key frame  show_frame  ...
//
// ok is false if it has no frame marker.
func vp9Flags(b byte) (flags byte, ok bool) {
	if b&0x30 == 0x30 {
		return b << 1, b>>6 == 2
	}
	return b, b>>6 == 2
}

const (
	vp9ShowExisting = 0x08
	vp9InterFrame   = 0x04
	vp9ShowFrame    = 0x02
)

// VP9Key reports whether a VP9 frame, or the first one of a superframe, is a key frame. What shows a frame decoded before has no type.
func VP9Key(frame []byte) (key bool, err error) {
	if len(frame) == 0 {
		return false, errors.New("VP9 frame of no bytes")
	}
	flags, ok := vp9Flags(frame[0])
	if !ok {
		return false, fmt.Errorf("VP9 frame begins with %#02x, want a frame marker", frame[0])
	}
	return flags&(vp9ShowExisting|vp9InterFrame) == 0, nil
}

// sizeVP9 reads a key frame.
func sizeVP9(b []byte) Size {
	const references = 8
	var h vp9.Header
	if h.Unmarshal(b) != nil || h.ColorConfig == nil || h.FrameSize == nil {
		return Size{}
	}
	s := Size{
		Width: h.Width(), Height: h.Height(), ChromaFormat: chroma420, BitDepth: int(h.ColorConfig.BitDepth), References: references,
	}
	if h.Profile&1 == 1 { // 4:4:4, or less
		s.ChromaFormat = chroma444
	}
	return s
}

// hiddenVP9 reports whether a frame is only there for others to refer to, and is not meant to be seen.
func hiddenVP9(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	flags, ok := vp9Flags(b[0])
	return ok && flags&(vp9ShowExisting|vp9ShowFrame) == 0
}
