package unpack

import "github.com/pion/rtp"

// A recent has what is needed to know the newest packets of a sender again. The zero value has none.
type recent [128]seen // by sequence number, modulo its length, which is the next power of two above mostBack

// A seen is one of those packets. Two packets that have one timestamp differ in length or in their last byte as a rule: coded video looks
// like noise.
type seen struct {
	taken  bool
	last   byte // of the payload, zero if that is empty
	number uint16
	stamp  uint32
	length uint16
}

func look(p *rtp.Packet, number uint16) seen {
	v := seen{taken: true, number: number, stamp: p.Timestamp, length: uint16(len(p.Payload))}
	if v.length > 0 {
		v.last = p.Payload[v.length-1]
	}
	return v
}

// take takes in a packet.
func (r *recent) take(p *rtp.Packet) {
	r[int(p.SequenceNumber)%len(r)] = look(p, p.SequenceNumber)
}

// has reports whether a recent packet had a number, and whether it was the very same packet.
func (r *recent) has(p *rtp.Packet, number uint16) (used, same bool) {
	old := r[int(number)%len(r)]
	return old.taken && old.number == number, old == look(p, number)
}
