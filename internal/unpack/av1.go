package unpack

import (
	"encoding/binary"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// An AV1 is the format of AV1, RTP Payload Format For AV1 (v1.0). Each access unit is a temporal unit.
type AV1 struct {
	pieces
	sequence bitstream.AV1
	sized    []byte // scratch
	begins   bool   // the first packet of the unit is the first of a coded video sequence
}

// add takes in the payload of a packet, RTP Payload Format For AV1 section 4.4:
//
//	zywwn000  w or more times: [size, LEB128]  OBU
//
//	z: the first OBU goes on from the packet before    y: the last one goes on in the next packet
//	w: how many there are, and the last has no size; zero: not told, and all have    n: a coded video sequence begins
func (a *AV1) add(b []byte) bool {
	continued, continues, count := b[0]&0x80 != 0, b[0]&0x40 != 0, int(b[0]>>4&3)
	if len(a.data) == 0 {
		a.begins = b[0]&0x08 != 0
	}
	ok := continued == (a.fragment() > 0)
	if !ok {
		a.cut()
	}
	b = b[1:]
	for n := 1; len(b) > 0; n++ {
		obu, rest := b, b[len(b):]
		if n != count {
			size, at := binary.Uvarint(b) // which reads LEB128
			if at <= 0 || size > uint64(len(b)-at) {
				return false
			}
			obu, rest = b[at:at+int(size)], b[at+int(size):]
		}
		b = rest
		if n == 1 && continued && !ok {
			continue // it began in a packet that is missing
		}
		if !a.append(obu) {
			return false
		}
		if goesOn := len(b) == 0 && continues; !goesOn && a.fragment() > 0 && !a.end() {
			return false
		}
	}
	return ok
}

// finish gives the OBUs the size that RTP leaves out. What cannot be made a unit of is as good as missing.
func (a *AV1) finish(bool) (m made, err error) {
	m.codec, m.damaged = frame.AV1, a.close()
	a.sized = a.sized[:0]
	start := 0
	for _, end := range a.ends {
		a.sized = bitstream.AppendOBU(a.sized, a.data[start:end])
		start = end
	}
	opens := a.begins || bitstream.OpensAV1(a.data)
	a.reset()
	m.data, m.key, err = a.sequence.Unit(a.sized)
	m.damaged = m.damaged || err != nil
	m.certain, m.opens = a.begins, opens
	return m, nil
}

func (a *AV1) buffered() int { return a.pieces.buffered() + cap(a.sized) }

func (a *AV1) release() {
	a.pieces.release()
	if cap(a.sized) > keptMemory {
		a.sized = nil
	}
}
