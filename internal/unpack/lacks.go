package unpack

import (
	"bytes"
	"fmt"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// A lacker is a Format that can tell which parameter sets are not known, and of which codec those are that have come; zero if that is unknown.
type lacker interface {
	lacks() (sets string, described, found frame.Codec)
}

func (h *H264) lacks() (string, frame.Codec, frame.Codec) {
	return h.sets.Lacks(), frame.H264, h.other.codec
}

func (h *H265) lacks() (string, frame.Codec, frame.Codec) {
	return h.sets.Lacks(), frame.H265, h.other.codec
}

// An otherCodec is the codec that a stream is of by its parameter sets, as long as it lacks those of the codec that was described.
type otherCodec struct {
	codec frame.Codec
	heads [][]byte // of the newest packets of no type that the described codec has
}

// look looks at NAL units of a stream that lacks parameter sets, or nothing.
func (o *otherCodec) look(nals [][]byte, lacks string) {
	if lacks == "" {
		return
	}
	if c := bitstream.CodecOf(nals); c != 0 {
		o.codec = c
	}
}

// see looks at the payload of a packet of no type of H.265: it may be of H.264.
func (o *otherCodec) see(payload []byte, lacks string) {
	const most, size = 8, 2 // heads, and bytes of each: what CodecOf reads
	if lacks == "" {
		return
	}
	var p pieces
	if payload[0]&0x1f == typeSTAPA {
		p.addAggregate(payload[1:])
	} else {
		p.addWhole(payload)
	}
	nals, _ := p.split()
	for _, n := range nals {
		o.heads = append(o.heads, bytes.Clone(n[:min(size, len(n))]))
	}
	o.heads = o.heads[max(0, len(o.heads)-most):]
	o.look(o.heads, lacks)
}

// Lacks tells why no unit came of the packets up to now; nothing if one did, or if there were none. It is for the goroutine of Packet.
func (s *Stream) Lacks() string {
	if s.live || !s.begun {
		return ""
	}
	var sets string
	var described, found frame.Codec
	if f, ok := s.format.(lacker); ok {
		sets, described, found = f.lacks()
	}
	switch {
	case s.passedOver == 0 && found != 0:
		return fmt.Sprintf("packets have come, but no picture of %v: it is %v", described, found)
	case s.passedOver == 0:
		return "packets have come, but no picture of the codec that was described"
	case sets != "" && found != 0:
		return fmt.Sprintf("%d pictures have come, but no %s of %v: it is %v", s.passedOver, sets, described, found)
	case sets != "":
		return fmt.Sprintf("%d pictures have come, but no %s, neither in the description nor in band", s.passedOver, sets)
	}
	return fmt.Sprintf("%d pictures have come, but no whole key picture", s.passedOver)
}
