package unpack

import "fmt"

// A lacker is a Format that can tell which parameter sets are not known.
type lacker interface{ lacks() string }

func (h *H264) lacks() string { return h.sets.Lacks() }
func (h *H265) lacks() string { return h.sets.Lacks() }

// Lacks tells why no unit came of the packets up to now; nothing if one did, or if there were none. It is for the goroutine of Packet.
func (s *Stream) Lacks() string {
	switch {
	case s.live || !s.begun:
		return ""
	case s.passedOver == 0:
		return "packets have come, but no picture of the codec that was described"
	}
	if f, ok := s.format.(lacker); ok {
		if sets := f.lacks(); sets != "" {
			return fmt.Sprintf("%d pictures have come, but no %s, neither in the description nor in band", s.passedOver, sets)
		}
	}
	return fmt.Sprintf("%d pictures have come, but no whole key picture", s.passedOver)
}
