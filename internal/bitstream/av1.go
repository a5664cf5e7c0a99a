package bitstream

import "errors"

// AV1 makes access units of temporal units and remembers the sequence header among them. The zero value is ready for a new stream.
type AV1 struct {
	sequence []byte // the OBU, with its size; the memory is reused for the next one
}

// Config reads an AV1CodecConfigurationRecord (AV1 Codec ISO Media File Format Binding section 2.3.3): it forgets the sequence
// header known so far, and learns the record's if it has one. A record that is malformed changes nothing.
//
//	10000001  profile, level  format  delay  OBUs
func (a *AV1) Config(record []byte) error {
	if err := checkRecord(record, 4, 0x81); err != nil {
		return err
	}
	for b := record[4:]; len(b) > 0; {
		_, rest, err := cutOBU(b)
		if err != nil {
			return err
		}
		b = rest
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
	c, err := a.contents(unit)
	if err != nil || !c.picture {
		return nil, false, err
	}
	if c.key && c.sets == 0 {
		data = append(make([]byte, 0, len(a.sequence)+c.size), a.sequence...)
	} else {
		data = make([]byte, 0, c.size)
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
	return data, c.key, nil
}

// contents finds out what a temporal unit has, and remembers its sequence header.
func (a *AV1) contents(unit []byte) (c contents, err error) {
	for b := unit; len(b) > 0; {
		o, rest, err := cutOBU(b)
		if err != nil {
			return c, err
		}
		switch o.kind() {
		case av1SequenceHeader:
			if c.picture { // it stands before the frames that it is for (section 7.5), so these have another
				break
			}
			if err := a.learn(o); err != nil {
				return c, err
			}
			c.sets += o.size()
		case av1FrameHeader, av1Frame:
			c.key = c.key || !c.picture && a.opens(o)
			c.picture = true
		}
		if !o.idle() {
			c.size += o.size()
		}
		b = rest
	}
	return c, nil
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
