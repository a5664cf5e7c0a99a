package unpack

import "fmt"

// A lacker is a Format that can tell which parameter sets are not known.
type lacker interface{ lacks() string }

func (h *H264) lacks() string { return h.sets.Lacks() }
func (h *H265) lacks() string { return h.sets.Lacks() }

// Lacks tells why no unit came of the pictures up to now; nothing if one did, or if there were none. It is for the goroutine of Packet.
func (s *Stream) Lacks() string {
	if s.live || s.passedOver == 0 {
		return ""
	}
	if f, ok := s.format.(lacker); ok {
		if sets := f.lacks(); sets != "" {
			return fmt.Sprintf("%d pictures have come, but no %s, neither in the description nor in band", s.passedOver, sets)
		}
	}
	return fmt.Sprintf("%d pictures have come, but no whole key picture", s.passedOver)
}
