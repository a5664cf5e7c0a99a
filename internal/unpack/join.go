package unpack

import (
	"bytes"

	"github.com/pion/rtp"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// The most that the timestamps of two pieces of a picture are apart, in units of 1/90,000 s, for a stream to be found to send pieces. It is
// a hundredth of a second: no camera sends pictures faster.
const maxApartPieces = clockRate / 100

// Some senders set the marker on each packet, or at the end of each slice, though the picture goes on (RFC 6184 section 5.1): x264 with
// slices behind some servers, OpenIPC. That is found out when a packet goes on with the unit that was made last. From then on a picture ends
// where the next begins, as its bitstream tells. Other streams have no delay from that.

// A joiner is a Format whose pictures may come in pieces.
type joiner interface {
	// boundary tells where in a picture the next payload of a unit stands.
	boundary(payload []byte) boundary

	// pictured reports whether a part of a picture was added.
	pictured() bool

	// unfinished reports whether what was added last has to be continued.
	unfinished() bool

	// restore adds all of a unit that was made.
	restore(unit []byte)
}

// A boundary is where in a picture a payload stands.
type boundary int

const (
	within  boundary = iota // nothing is known of it
	opens                   // it begins a picture, or what stands before one
	goingOn                 // it goes on with the picture before it
)

// A joining finds out whether a stream's pictures come in pieces.
type joining struct {
	joiner joiner // the format, if they may; else nil
	found  bool   // they do: a marker does not end a picture
	bare   bool   // what came up to the last marker is no picture
	marked bool   // the unit that is being collected had a marker, and may go on
	first  []byte // the first unit, until the next packet tells whether it is whole; else nil
	void   bool   // the first unit is made once more
}

// begin takes note of the first unit.
func (j *joining) begin(m made) {
	if j.joiner != nil && !j.found {
		j.first = m.data
	}
}

// endsMarked reports whether a marker ends the unit that is being collected. It does not while a NAL unit has to be continued. Where
// parameter sets had a marker of their own, the first picture of a stream may have several, so that it waits for the packet after it.
func (s *Stream) endsMarked() bool {
	j := &s.pieces
	switch {
	case j.joiner == nil:
		return true
	case j.found || j.joiner.unfinished():
		return false
	}
	j.marked = !s.live && j.bare && j.joiner.pictured()
	return !j.marked
}

// endsPieces reports whether the unit that is being collected is complete before a packet, of a stream that sends pieces, or may do so.
func (s *Stream) endsPieces(p *rtp.Packet, gap bool) bool {
	j := &s.pieces
	at := within
	if len(p.Payload) > 0 {
		at = j.joiner.boundary(p.Payload)
	}
	changed := p.Timestamp != s.stamp
	if j.marked {
		j.marked = false
		j.found = at == goingOn && !gap && s.isNear(p)
		return !j.found
	}
	if at == opens {
		return changed && !s.isNear(p) || j.joiner.pictured()
	}
	return changed && gap
}

// goesOn reports whether a packet goes on with the unit that was made last, so that pictures are found to come in pieces. If that is the
// first of the stream, it is collected again, and made once more when it is whole. What goes on with another is Lost: a part of it is in
// the unit before.
func (s *Stream) goesOn(p *rtp.Packet, gap bool) bool {
	j := &s.pieces
	first := j.first
	j.first = nil
	if j.joiner == nil || j.found || gap || j.bare || !s.live || !s.isNear(p) || len(p.Payload) == 0 ||
		j.joiner.boundary(p.Payload) != goingOn {
		return false
	}
	j.found = true
	if first == nil {
		s.missing = true
		return false
	}
	s.open, j.void = true, true
	j.joiner.restore(first)
	return true
}

// Void reports whether the last packet went on with the first unit, which was given to emit: it is void, and will be made once more when it
// is whole.
func (s *Stream) Void() bool {
	void := s.pieces.void
	s.pieces.void = false
	return void
}

// isNear reports whether a packet can be of the picture of the packets before it, as timestamps tell.
func (s *Stream) isNear(p *rtp.Packet) bool {
	apart := int32(p.Timestamp - s.stamp)
	return 0 <= apart && apart <= maxApartPieces
}

// headerSize is how many bytes of a fragment are looked at: slice headers have fewer up to what tells pictures apart.
const headerSize = 64

// nalOf returns the first NAL unit of a payload that is one, or several with start codes before them.
func nalOf(payload []byte) []byte {
	if n := bytes.TrimLeft(payload, "\x00"); len(n) < len(payload)-1 && len(n) > 0 && n[0] == 1 {
		return n[1:]
	}
	return payload
}

// A beginner knows whether a slice begins a picture, as far as the slice before it tells.
type beginner interface {
	BeginsPicture(previous, n []byte) bool
}

// boundaryAt tells where NAL unit n stands. If no slice was added, the first of a picture begins one, and none else.
func (c *pieces) boundaryAt(codec frame.Codec, n []byte, sets beginner) boundary {
	if !bitstream.IsSlice(codec, n) {
		if bitstream.Opens(codec, n) {
			return opens
		}
		return within
	}
	previous := c.lastSlice(codec)
	if len(previous) == 0 {
		previous = n
	}
	if sets.BeginsPicture(previous, n) {
		return opens
	}
	return goingOn
}

// restore adds the NAL units of a unit that was made.
func (c *pieces) restore(unit []byte) {
	c.reset()
	for _, n := range bitstream.SplitAnnexB(nil, unit) {
		c.addWhole(n)
	}
}

// unfinished reports whether a NAL unit has to be continued.
func (c *pieces) unfinished() bool { return c.fragment() > 0 }

// lastSlice returns the newest NAL unit that is whole and a slice; nil if there is none. Each is looked at once.
func (c *pieces) lastSlice(codec frame.Codec) []byte {
	for ; c.seen < len(c.ends); c.seen++ {
		if n := c.nal(c.seen); len(n) > 0 && bitstream.IsSlice(codec, n) {
			c.slice = c.seen + 1
		}
	}
	if c.slice == 0 {
		return nil
	}
	return c.nal(c.slice - 1)
}

// nal returns a NAL unit that is whole, by its number.
func (c *pieces) nal(i int) []byte {
	start := 0
	if i > 0 {
		start = c.ends[i-1]
	}
	return c.data[start:c.ends[i]]
}
