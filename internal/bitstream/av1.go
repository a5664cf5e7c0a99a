package bitstream

import (
	"errors"
	"fmt"
)

// AV1 OBU types, AV1 Bitstream & Decoding Process Specification section 6.2.2.
const (
	av1SequenceHeader    = 1
	av1TemporalDelimiter = 2
	av1FrameHeader       = 3
	av1Frame             = 6
	av1Padding           = 15
)

// Bits of the byte that an OBU begins with, section 5.3.2.
const (
	obuForbidden = 0x80
	obuExtension = 0x04
	obuHasSize   = 0x02
)

// AV1 makes access units of temporal units and remembers the sequence header among them. The zero value is ready for a new stream.
type AV1 struct {
	sequence []byte // the OBU, with its size; the memory is reused for the next one
}

// Config reads an AV1CodecConfigurationRecord (AV1 Codec ISO Media File Format Binding section 2.3.3): it forgets the sequence
// header known so far, and learns the record's if it has one.
//
//	10000001  profile, level  format  delay  OBUs
func (a *AV1) Config(record []byte) error {
	if err := checkRecord(record, 4, 0x81); err != nil {
		return err
	}
	a.sequence = a.sequence[:0]
	for b := record[4:]; len(b) > 0; {
		o, rest, err := cutOBU(b)
		if err != nil {
			return err
		}
		if o.kind() == av1SequenceHeader {
			if err := a.learn(o); err != nil {
				return err
			}
		}
		b = rest
	}
	return nil
}

// Unit returns a temporal unit in the low-overhead format of section 5.2, each OBU with its size, and whether it is a key unit: one
// whose first frame is a key frame that is shown, and whose sequence header is known. Temporal delimiters and padding are left out;
// a key unit is preceded by the sequence header if it lacks it. The data is a copy of its own. It is empty if there is no frame in
// it; a sequence header is remembered all the same.
func (a *AV1) Unit(unit []byte) (data []byte, key bool, err error) {
	size, pictures, inBand := 0, false, false
	for b := unit; len(b) > 0; {
		o, rest, err := cutOBU(b)
		if err != nil {
			return nil, false, err
		}
		switch o.kind() {
		case av1SequenceHeader:
			if pictures { // it stands before the frames that it is for (section 7.5), so these have another
				break
			}
			if err := a.learn(o); err != nil {
				return nil, false, err
			}
			inBand = true
		case av1FrameHeader, av1Frame:
			key = key || !pictures && a.opens(o)
			pictures = true
		}
		if !o.idle() {
			size += o.size()
		}
		b = rest
	}
	if !pictures {
		return nil, false, nil
	}
	if key && !inBand {
		data = append(make([]byte, 0, len(a.sequence)+size), a.sequence...)
	} else {
		data = make([]byte, 0, size)
	}
	for b := unit; len(b) > 0; {
		o, rest, err := cutOBU(b)
		if err != nil {
			return nil, false, err
		}
		if !o.idle() {
			data = o.append(data)
		}
		b = rest
	}
	return data, key, nil
}

// The most pictures of a temporal unit: three layers, each with what others refer to (section 7.5 and annex A.3 bound layers, not those).
const maxFrames = 32

// CrowdedAV1 reports whether a temporal unit has more OBUs, or more pictures, than one may have.
func CrowdedAV1(unit []byte) bool {
	frames := 0
	for n := 0; len(unit) > 0; n++ {
		o, rest, err := cutOBU(unit)
		if err != nil {
			return false
		}
		if kind := o.kind(); kind == av1FrameHeader || kind == av1Frame {
			frames++
		}
		if n == maxNALs || frames > maxFrames {
			return true
		}
		unit = rest
	}
	return false
}

// SequencesAV1 returns the payloads of the sequence headers in a temporal unit; ok is false if some of it cannot be read.
func SequencesAV1(unit []byte) (payloads [][]byte, ok bool) {
	for len(unit) > 0 {
		o, rest, err := cutOBU(unit)
		if err != nil {
			return payloads, false
		}
		if o.kind() == av1SequenceHeader {
			payloads = append(payloads, o.payload)
		}
		unit = rest
	}
	return payloads, true
}

// learn remembers a copy of a sequence header in place of the one before.
func (a *AV1) learn(o obu) error {
	switch {
	case len(o.payload) == 0:
		return errors.New("AV1 sequence header is empty")
	case o.size() > MaxSet:
		return ErrSet
	}
	a.sequence = o.append(a.sequence[:0])
	return nil
}

// opens reports whether a frame is one that decoding can begin with. Its header begins so (section 5.9.2):
//
//	sttf....    s: shows a frame decoded before, t: type, a key frame is 0; f: is shown
//
// unless the sequence header (section 5.5.1) says that there is but one picture, and frames have a shorter header:
//
//	pppsr...    p: profile, s: still picture, r: reduced header
func (a *AV1) opens(o obu) bool {
	if len(a.sequence) == 0 || len(o.payload) == 0 {
		return false
	}
	sequence, _, err := cutOBU(a.sequence)
	reduced := err == nil && sequence.payload[0]&0x08 != 0
	return reduced || o.payload[0]&0xf0 == 0x10
}

// An obu is an open bitstream unit, a part of what it was cut from.
type obu struct {
	header  []byte // one byte, or two with the extension
	payload []byte
}

func (o obu) kind() byte { return o.header[0] >> 3 & 0x0f }

// idle reports whether the OBU means nothing to a decoder that is given whole temporal units.
func (o obu) idle() bool { return o.kind() == av1TemporalDelimiter || o.kind() == av1Padding }

// size returns how many bytes append writes.
func (o obu) size() int {
	n := len(o.header) + 1 + len(o.payload)
	for v := len(o.payload) >> 7; v > 0; v >>= 7 {
		n++
	}
	return n
}

// append writes the OBU with its size (sections 5.3.1 and 4.10.5), which may be left out of the last one of a temporal unit.
func (o obu) append(dst []byte) []byte {
	dst = append(dst, o.header...)
	dst[len(dst)-len(o.header)] |= obuHasSize
	n := len(o.payload)
	for ; n >= 0x80; n >>= 7 {
		dst = append(dst, byte(n)|0x80)
	}
	return append(append(dst, byte(n)), o.payload...)
}

// cutOBU cuts the OBU off that b begins with (sections 5.3.1 and 5.3.2):
//
//	0ttttxs0  [temporal id (3), spatial id (2), 000 if x]  [size, LEB128, if s]  payload    t: type
//
// One without a size takes the rest.
func cutOBU(b []byte) (o obu, rest []byte, err error) {
	if b[0]&obuForbidden != 0 {
		return o, nil, fmt.Errorf("OBU header %#02x has its forbidden bit set", b[0])
	}
	n := 1
	if b[0]&obuExtension != 0 {
		n = 2
	}
	if len(b) < n {
		return o, nil, errors.New("OBU ends inside its header")
	}
	o.header, o.payload = b[:n], b[n:]
	if b[0]&obuHasSize == 0 {
		return o, nil, nil
	}
	size, n := leb128(o.payload)
	if n == 0 {
		return o, nil, errors.New("OBU ends inside its size")
	}
	if rest = o.payload[n:]; size > uint64(len(rest)) {
		return o, nil, fmt.Errorf("OBU of %d bytes where %d are left", size, len(rest))
	}
	o.payload, rest = rest[:size], rest[size:]
	return o, rest, nil
}

// leb128 reads a number (section 4.10.5), seven bits a byte, the lowest first; all bytes but the last, the eighth at most, have
// their high bit set. It returns the number of bytes read, zero if b ends or goes on too long.
func leb128(b []byte) (v uint64, n int) {
	for i, c := range b[:min(len(b), 8)] {
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
