package bitstream

import "errors"

// AV1Record returns the AV1CodecConfigurationRecord (AV1 Codec ISO Media File Format Binding section 2.3.3) for a temporal unit of 8 bits that has
// a sequence header, without OBUs in it. A unit without one, or of more bits, is an error.
//
//	10000001  profile (3), level (5)  tier (1), 0 (5), halved across and down (2)...  of unknown place (2)  0
func AV1Record(unit []byte) ([]byte, error) {
	for len(unit) > 0 {
		o, rest, err := cutOBU(unit)
		if err != nil {
			return nil, err
		}
		if o.kind() == av1SequenceHeader {
			q := readAV1Sequence(o.payload)
			return q.record()
		}
		unit = rest
	}
	return nil, errors.New("a unit without a sequence header")
}

// record is for the 8-bit formats, of which each profile has one.
func (q *av1Sequence) record() ([]byte, error) {
	halves, ok := map[uint64]byte{0: 0b11, 1: 0b00, 2: 0b10}[q.profile] // 4:2:0, 4:4:4, 4:2:2
	if !ok || q.size.BitDepth != minBitDepth {
		return nil, errors.New("a sequence header of more than 8 bits, or of a profile that is not known")
	}
	return []byte{0x81, byte(q.profile<<5 | q.level), byte(q.tier<<7) | halves<<2, 0}, nil
}
