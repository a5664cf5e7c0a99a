package unpack

import (
	"sync/atomic"

	"github.com/pion/rtp"
)

// Sequence numbers of one sender go on by so much, at the least and at the most: what is beyond is a sender that was started again (RFC 3550
// appendix A.1, MAX_MISORDER and MAX_DROPOUT).
const (
	mostBack  = 100
	mostAhead = 3000
)

// Where a sender begins anew, its packets are given sequence numbers that far from those before: no receiver mistakes them for packets that
// changed places, which are within 64.
const jump = 1 << 10

// How many packets of the sender before may come late. If more come, it is the one that goes on.
const mostLate = 64

// A Source makes the packets of several senders, one after the other, those of one. Some cameras change the SSRC or begin the sequence
// numbers anew whenever their encoder is started again, or with each GOP; a receiver that follows RFC 3550 to the letter drops what comes
// then. The zero Source is ready for a stream. One goroutine at a time may use it, except for Reported.
type Source struct {
	begun  bool
	ssrc   uint32      // that all packets are given: that of the first
	newest uint16      // sequence number, as it was given
	shift  uint16      // from those that come to those that are given
	left   uint32      // SSRC of the sender before
	late   int         // packets of that in a row, and one
	anew   *rtp.Packet // the newest with which a sender began
	goesOn bool        // its sequence number does
	recent recent

	sender atomic.Pointer[uint32] // SSRC of the one that sends now
}

// Follow has a packet go on after those before it. One that is none of the stream any more, or that comes again, gets an SSRC by which it is
// known.
//
// A packet that is behind in numbers changed places with others if its number was free. A number that another packet had is used again
// by a sender that began anew close behind.
func (s *Source) Follow(p *rtp.Packet) {
	if !s.begun {
		s.begun, s.ssrc, s.newest = true, p.SSRC, p.SequenceNumber
		s.send(p.SSRC)
		s.recent.take(p)
		return
	}
	sender := *s.sender.Load()
	step := int(int16(p.SequenceNumber + s.shift - s.newest))
	goesOn, again := false, false
	if p.SSRC == sender {
		goesOn, again = s.goesOnWith(p, step)
	}
	switch {
	case again:
		p.SSRC = ^s.ssrc
		return
	case goesOn:
		s.late = min(s.late, 1)
	case p.SSRC == sender:
		s.begin(p)
	case p.SSRC == s.left && s.late > 0 && s.late < mostLate && step != 1:
		s.late++
		p.SSRC = ^s.ssrc
		return
	default:
		s.left, s.late = sender, 1
		s.send(p.SSRC)
		s.anew, s.goesOn = p, true
		if step != 1 {
			s.begin(p)
		}
	}
	p.SSRC, p.SequenceNumber = s.ssrc, p.SequenceNumber+s.shift
	if int16(p.SequenceNumber-s.newest) > 0 {
		s.newest = p.SequenceNumber
	}
	s.recent.take(p)
}

// goesOnWith reports whether a packet's sequence number goes on after those before it by a step, and whether it is a packet that came already.
func (s *Source) goesOnWith(p *rtp.Packet, step int) (goesOn, again bool) {
	if step > 0 {
		return step < mostAhead, false
	}
	used, again := s.recent.has(p, p.SequenceNumber+s.shift)
	return step > -mostBack && !used, step > -mostBack && again
}

// begin begins the sequence numbers of a sender anew, with a packet.
func (s *Source) begin(p *rtp.Packet) {
	s.shift = s.newest + jump - p.SequenceNumber
	s.anew, s.goesOn = p, false
}

func (s *Source) send(ssrc uint32) { s.sender.Store(&ssrc) }

// Anew reports whether a sender began with a packet that was followed, and whether its sequence number goes on after those before. It is
// asked once for each packet.
func (s *Source) Anew(p *rtp.Packet) (anew, goesOn bool) {
	if s.anew != p {
		return false, false
	}
	s.anew = nil
	return true, s.goesOn
}

// Sender returns the SSRC of the sender that sends now; ok is false before its first packet. It may be called at any time, by any goroutine.
func (s *Source) Sender() (ssrc uint32, ok bool) {
	if sender := s.sender.Load(); sender != nil {
		return *sender, true
	}
	return 0, false
}

// Reported returns the SSRC that the packets have that a sender report with the given one is of. It returns false if it is of none that sends
// now. It may be called at any time, by any goroutine.
func (s *Source) Reported(ssrc uint32) (given uint32, ok bool) {
	sender := s.sender.Load()
	if sender == nil {
		return ssrc, true
	}
	return s.ssrc, ssrc == *sender
}
