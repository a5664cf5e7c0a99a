package unpack

import (
	"fmt"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// A lacker is a Format that can tell which parameter sets are not known, and of which codec those are that have come; zero if that is unknown.
type lacker interface {
	lacks() (sets string, described, found frame.Codec)
}

func (h *H264) lacks() (string, frame.Codec, frame.Codec) {
	return h.sets.Lacks(), frame.H264, frame.Codec(h.other)
}

func (h *H265) lacks() (string, frame.Codec, frame.Codec) {
	return h.sets.Lacks(), frame.H265, frame.Codec(h.other)
}

// An otherCodec is the codec that a stream is of by its parameter sets, as long as it lacks those of the codec that was described.
type otherCodec frame.Codec

// look looks at NAL units of a stream that lacks parameter sets, or nothing.
func (o *otherCodec) look(nals [][]byte, lacks string) {
	if lacks == "" {
		return
	}
	if c := bitstream.CodecOf(nals); c != 0 {
		*o = otherCodec(c)
	}
}

// Lacks tells why no unit came of the packets up to now; nothing if one did, or if there were none. It is for the goroutine of Packet.
func (s *Stream) Lacks() string {
	switch {
	case s.live || !s.begun:
		return ""
	case s.passedOver == 0:
		return "packets have come, but no picture of the codec that was described"
	}
	if f, ok := s.format.(lacker); ok {
		sets, described, found := f.lacks()
		switch {
		case sets != "" && found != 0:
			return fmt.Sprintf("%d pictures have come, but no %s of %v: it is %v", s.passedOver, sets, described, found)
		case sets != "":
			return fmt.Sprintf("%d pictures have come, but no %s, neither in the description nor in band", s.passedOver, sets)
		}
	}
	return fmt.Sprintf("%d pictures have come, but no whole key picture", s.passedOver)
}
