// Package unpack makes access units of RTP packets, and marks those that did not arrive whole. A Stream does that for the packets of one
// RTP stream. It has a Format, of which there is one for each codec. A Format whose parameter sets can stand in a session description has
// a method Learn for them.
//
//	format := new(unpack.H264)
//	err := format.Learn(sps, pps)
//	stream := unpack.New(format)
//	err = stream.Packet(packet, time.Now(), emit)
//
// A Stream buffers at most 8 MiB of a unit, and keeps no reference to packets.
//
// Sequence numbers are followed here. A unit is Lost if packets are missing between its first and its last, or right before it, where
// what is missing may be of it or of the one before; a key unit that shows where it begins is not hurt by what is missing before it.
// Of a damaged unit, the NAL units or OBUs that arrived make a unit all the same; a frame of the other codecs is left out, and what
// follows it is Lost. A packet out of order, or twice, is a gap. The first unit is a key unit that is whole, with its parameter sets.
//
// A unit ends with the marker bit, or before a packet of another timestamp. Where the marker comes with each piece of a picture, which is
// found out, it ends where the next picture begins; the first unit may be made twice then, in part and whole: see Void.
//
// A Source makes the packets of senders that follow one another those of one; Anew tells a Stream where one begins.
package unpack

import (
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/pion/rtp"
)

const (
	clockRate = 90000 // of all video over RTP, RFC 6184 section 5.1 and its like

	maxUnit = 8 << 20 // bytes; a key picture of 2160p60 at 50 Mbit/s has 1 to 3 MiB
)

// A Format is an RTP payload format: what is particular to the packets of one codec. It belongs to one Stream.
type Format interface {
	// add takes in the payload of the next packet of a unit, which is not empty. It returns false if the unit is damaged, by what the
	// payload is or by what must have come before it.
	add(payload []byte) bool

	// cut drops what cannot be continued any more, since packets are missing.
	cut()

	// finish makes a unit of what was added, and begins with the next. Missing says that something of it, or of what the stream had
	// before, did not arrive. After an error nothing more can be made of the stream.
	finish(missing bool) (made, error)

	// buffered returns the bytes of memory for what was added. release gives much of it back after finish.
	buffered() int
	release()
}

// An extended is a Format that packets tell more of in their header extension.
type extended interface {
	// extend takes in the extension of the packet whose payload is added next.
	extend(profile uint16, extension []byte)
}

// The Formats there are.
var _ = []Format{(*AV1)(nil), (*H264)(nil), (*H265)(nil), (*MJPEG)(nil), (*MPEG4)(nil), (*VP8)(nil), (*VP9)(nil)}

// An orderer is a Format that can tell when units are decoded.
type orderer interface {
	// decoded returns when the unit made last is decoded if it is shown at the given time, in units of 1/90,000 s.
	decoded(shown int64, lost bool) (at int64, ok bool)
}

// What a Format made of the packets of a unit.
type made struct {
	codec   frame.Codec
	data    []byte // its own; empty if there is no picture
	key     bool
	damaged bool // a part is missing, or was not understood
	opens   bool // as a key unit it can be the first: nothing that it needs can have come before
	certain bool // no packet of it can have come before the first one
}

// A Stream makes access units of the packets of one RTP stream. One goroutine at a time may use it, except for Report.
type Stream struct {
	format      Format
	order       orderer // the format, if it can tell when units are decoded; else nil
	orientation uint8   // as Orient has it

	timing  timing
	wall    wall
	reports atomic.Pointer[report]

	begun      bool   // a packet came
	due        uint16 // sequence number of the packet after it
	live       bool   // the first unit was made
	passedOver int    // pictures, before the first unit
	missing    bool   // something before the unit that is being collected, and after the last that was made
	torn       bool   // something was missing right before the last key unit, which pictures that are shown before it may refer to
	keyPTS     time.Duration
	changed    bool // a packet of another sender came, and no unit has begun since
	cut        bool // something may be missing before it
	anew       bool // no unit was made since, and nothing of the first can be missing

	pieces joining

	// The unit that is being collected:
	open    bool      // a packet of it came
	damaged bool      // something of it is missing or was not understood
	stamp   uint32    // RTP timestamp of its packets; stays when it is finished
	ssrc    uint32    // of its packets
	pts     int64     // in units of 1/90,000 s from the first packet on; RTP timestamps wrap after 13 hours
	arrival time.Time // of its last packet
	shown   time.Time // as its packets say; the zero time if they do not
}

// New returns the Stream of packets that are in the format.
func New(f Format) *Stream {
	order, _ := f.(orderer)
	join, _ := f.(joiner)
	return &Stream{format: f, order: order, pieces: joining{joiner: join}}
}

// Packet takes in the next packet, which arrived at the given time. The units that are complete with it, two at the most, are given
// to emit. After an error nothing more can be made of the stream.
//
// An empty payload is a keep-alive, or padding that a sender probes the network with.
func (s *Stream) Packet(p *rtp.Packet, arrival time.Time, emit func(frame.AccessUnit)) error {
	gap := s.follows(p)
	if s.open && s.ends(p, gap) {
		if err := s.complete(emit); err != nil {
			return err
		}
	}
	if !s.open && !s.goesOn(p, gap) {
		s.begin(p, gap, arrival)
	}
	s.arrival = arrival
	s.extend(p)
	if len(p.Payload) > 0 && !s.format.add(p.Payload) {
		s.damage()
	}
	if p.Marker && s.endsMarked() {
		return s.complete(emit)
	}
	return nil
}

// follows takes note of a packet's sequence number, and reports whether packets before it are missing.
func (s *Stream) follows(p *rtp.Packet) (gap bool) {
	gap = s.cut || !s.begun || p.SequenceNumber != s.due
	if !s.begun {
		s.stamp = p.Timestamp
	}
	s.begun, s.due = true, p.SequenceNumber+1
	if gap && s.open {
		s.damage()
	}
	return gap
}

// Anew says that the next packet is the first of another sender, or of one that was started again: its timestamps may have nothing to do with
// those before. Unless its sequence number goes on, nothing of its picture came before, and what came before is at its end.
func (s *Stream) Anew(goesOn bool) {
	if s.begun {
		s.changed, s.cut = true, !goesOn
	}
}

// ends reports whether the unit that is being collected is complete before a packet: some cameras do not set the marker, or its packet
// was lost.
func (s *Stream) ends(p *rtp.Packet, gap bool) bool {
	if s.cut {
		return true
	}
	if s.pieces.found || s.pieces.marked {
		return s.endsPieces(p, gap)
	}
	return p.Timestamp != s.stamp
}

// begin begins a unit with a packet.
func (s *Stream) begin(p *rtp.Packet, gap bool, arrival time.Time) {
	step := int64(int32(p.Timestamp - s.stamp))
	if s.changed {
		if by := plausible(step, arrival.Sub(s.arrival)); by != step {
			step = by
			s.reports.Store(nil) // of the timestamps before
			s.wall.known = false
		}
		s.changed, s.cut, s.anew = false, false, s.anew || s.cut
	}
	s.pts += step
	s.open, s.stamp, s.ssrc, s.shown = true, p.Timestamp, p.SSRC, time.Time{}
	s.missing = s.missing || gap
}

// extend reads the header extension of a packet, if there is one.
func (s *Stream) extend(p *rtp.Packet) {
	if !p.Extension {
		return
	}
	s.orient(p)
	extension := p.GetExtension(0)
	if p.ExtensionProfile == replayProfile {
		if shown, gap, ok := replayed(extension); ok {
			s.shown, s.missing = shown, s.missing || gap
		}
	}
	if f, ok := s.format.(extended); ok {
		f.extend(p.ExtensionProfile, extension)
	}
}

// Buffered returns the bytes of memory for the unit that is being collected.
func (s *Stream) Buffered() int { return s.format.buffered() + len(s.pieces.first) }

func (s *Stream) damage() {
	s.damaged = true
	s.format.cut()
}

// complete makes a unit of what was collected.
func (s *Stream) complete(emit func(frame.AccessUnit)) error {
	defer s.format.release()
	damaged := s.damaged
	s.open, s.damaged = false, false
	m, err := s.format.finish(damaged || s.missing && s.live)
	if err != nil {
		return err
	}
	damaged = damaged || m.damaged
	if s.pieces.bare = len(m.data) == 0; s.pieces.bare {
		s.missing = s.missing || damaged
		return nil
	}
	if !s.live {
		if !m.key || damaged || !m.opens {
			s.passedOver++
			return nil // the stream does not begin with that
		}
		s.pieces.begin(m)
	}
	lost := s.live && (damaged || s.missing && !s.isWhole(m))
	s.live, s.anew = true, false
	emit(s.unit(m, lost))
	return nil
}

// isWhole reports whether nothing of a unit can be missing, though something before it is.
func (s *Stream) isWhole(m made) bool { return m.key && (m.certain || s.anew) }

// unit returns the unit that was made, with its times. Lost says that something is missing in it, or right before it.
func (s *Stream) unit(m made, lost bool) frame.AccessUnit {
	torn := s.missing
	s.missing = false
	u := frame.AccessUnit{Codec: m.codec, Key: m.key, Lost: lost, Data: m.data}
	u.PTS, u.DTS = s.timing.next(s.pts, lost, s.order)
	switch {
	case u.Key:
		s.torn, s.keyPTS = torn, u.PTS
	case s.torn && u.PTS < s.keyPTS:
		u.Lost = true
	}
	s.date(&u)
	return u
}

// date tells when u was shown.
func (s *Stream) date(u *frame.AccessUnit) {
	r := s.reports.Swap(nil)
	if !s.shown.IsZero() {
		r = &report{s.ssrc, s.stamp, s.shown}
	}
	if r != nil && r.ssrc == s.ssrc {
		if off := int64(int32(r.stamp - s.stamp)); -maxDistance < off && off < maxDistance {
			s.wall.set(u.PTS+duration(off), r.time)
		}
	}
	s.wall.date(u, s.arrival)
}
