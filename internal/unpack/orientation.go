package unpack

import (
	"github.com/pion/rtp"

	"github.com/livestill/livestill/internal/bitstream"
)

// An oriented is a Format whose units tell how pictures are to be shown.
type oriented interface {
	// orient says how, from the unit on that is being collected.
	orient(o bitstream.Orientation)
}

func (h *H264) orient(o bitstream.Orientation) { h.sets.Orientation = o }
func (h *H265) orient(o bitstream.Orientation) { h.sets.Orientation = o }

// Orient says by which id a header extension comes that tells how pictures are to be shown, as the session description has it: that of 3GPP
// (urn:3gpp:video-orientation). Zero is none.
func (s *Stream) Orient(id uint8) { s.orientation = id }

// orient goes by the orientation that a packet tells (3GPP TS 26.114 section 7.4.5):
//
//	0000cfrr    c: which camera, f: flipped, rr: how many quarters the picture is to be turned clockwise
//
// Flipped pictures are left as they are: those who write this byte do not use that, and readers do not agree on what comes first.
func (s *Stream) orient(p *rtp.Packet) {
	if s.orientation == 0 {
		return
	}
	b := p.GetExtension(s.orientation)
	if f, ok := s.format.(oriented); ok && len(b) > 0 {
		const quarter, quarters = 90, 3
		f.orient(bitstream.Orientation{Rotation: int(b[0]&quarters) * quarter})
	}
}
