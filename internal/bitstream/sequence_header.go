package bitstream

import "github.com/livestill/livestill/frame"

// SequenceHeader returns what comes before the first picture of a key unit and governs its whole GOP: parameter sets, sequence headers. It is
// a part of the unit's data, or a copy; nothing if there is none, or too much for a unit.
func SequenceHeader(key frame.AccessUnit) []byte {
	switch key.Codec {
	case frame.H264, frame.H265:
		return setsBeforeSlice(key.Codec, key.Data)
	case frame.MPEG4:
		if head, picture, _ := headMPEG4(key.Data); picture {
			return key.Data[:head]
		}
	case frame.AV1: // whose first OBU is the sequence header
		if len(key.Data) == 0 || key.Data[0]&obuHasSize == 0 {
			return nil
		}
		if o, rest, err := cutOBU(key.Data); err == nil && o.kind() == av1SequenceHeader {
			return key.Data[:len(key.Data)-len(rest)]
		}
	case frame.VP8, frame.VP9, frame.MJPEG:
	}
	return nil
}

// setsBeforeSlice returns the parameter sets before the first slice, as an Annex B byte stream. One that ends the unit is before no slice, and
// may be cut short.
func setsBeforeSlice(c frame.Codec, data []byte) (sets []byte) {
	nals, crowded := splitAnnexB(nil, data)
	if crowded { // nobody decodes it
		return nil
	}
	for _, n := range nals[:max(len(nals)-1, 0)] {
		switch {
		case IsSlice(c, n):
			return sets
		case isSet(c, n):
			sets = AppendAnnexB(sets, n)
		}
	}
	return sets
}
