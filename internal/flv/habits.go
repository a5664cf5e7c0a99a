package flv

import (
	"fmt"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// A HabitError tells what an encoder does in another way than it should, in all tags. It does no harm.
type HabitError string

func (h HabitError) Error() string { return string(h) }

// The habits of an encoder are what it does in another way than it should, in all tags. Each is told once.
type habits struct {
	named   bool
	framing bitstream.Framing // by which NAL units were told apart
}

// remark tells of the habits that a tag shows, as a HabitError; nil if they are known.
func (h *habits) remark(called, codec frame.Codec, f bitstream.Framing) error {
	named, framed := called != codec && !h.named, f != bitstream.ByLength && f != h.framing
	switch {
	case named:
		h.named = true
		return HabitError(fmt.Sprintf("%v comes under the codec id or FourCC of %v: the encoder needs an update", codec, called))
	case framed:
		h.framing = f
		return HabitError(fmt.Sprintf("%v: NAL units come with %v", codec, f))
	}
	return nil
}
