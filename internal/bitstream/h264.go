package bitstream

import "errors"

// H.264 NAL unit types, ITU-T H.264 table 7-1.
const (
	h264Slice     = 1
	h264Partition = 4 // data partitions are 2 to 4
	h264IDR       = 5
	h264SEI       = 6
	h264SPS       = 7
	h264PPS       = 8
	h264AUD       = 9
	h264Filler    = 12
)

// H264 makes access units of NAL units and remembers the parameter sets among them. The zero value is ready for a new stream.
type H264 struct {
	sets    memory
	refresh refresh
}

// Config reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1): it forgets the parameter sets known so far,
// learns the record's, and returns the number of bytes of the length field before each NAL unit of the stream.
//
//	version  profile  compatibility  level  111111ll  111nnnnn  n x (size16, SPS)  m8  m x (size16, PPS)
func (h *H264) Config(record []byte) (lengthSize int, err error) {
	if err := checkRecord(record, 7, 1); err != nil {
		return 0, err
	}
	h.sets = memory{}
	rest, err := h.sets.learnRecord(readH264, record[6:], int(record[5]&0x1f))
	if err != nil {
		return 0, err
	}
	if len(rest) == 0 {
		return 0, errors.New("configuration record ends before its picture parameter sets")
	}
	if _, err = h.sets.learnRecord(readH264, rest[1:], int(rest[0])); err != nil {
		return 0, err
	}
	return int(record[4]&3) + 1, nil
}

// Unit returns the Annex B data of the access unit that consists of nals, and whether it is a key unit: an IDR picture, or one
// with a recovery point, see refresh, once the parameter sets are known.
// Delimiters and filler are left out; a key unit begins with all parameter sets, those that it lacks too. The data is a copy of its
// own. It is empty if nals hold no picture; parameter sets among them are remembered all the same.
func (h *H264) Unit(nals [][]byte) (data []byte, key bool, err error) {
	data, key, err = h.sets.unit(readH264, nals, h.refresh.due(nals), h264SPS, h264PPS)
	if len(data) > 0 {
		h.refresh.note(key)
	}
	return data, key, err
}

// Lost says that something before the next unit, or of it, did not arrive, up to the next key unit.
func (h *H264) Lost() { h.refresh.lost = true }

// readH264 is the reader of H.264, ITU-T H.264 section 7.3.1:
//
//	0iittttt  ...    i: importance, t: type
//
// A sequence parameter set goes on with profile, constraints, level, its id (section 7.3.2.1.1); a picture parameter set with its
// id (section 7.3.2.2). No emulation prevention can come before the ids: no profile or level is zero.
func readH264(nal []byte) (role, set) {
	switch kind := nal[0] & 0x1f; {
	case kind == h264AUD || kind == h264Filler:
		return dropped, set{}
	case kind == h264IDR:
		return keyPicture, set{}
	case kind >= h264Slice && kind <= h264Partition:
		return picture, set{}
	case kind == h264SPS || kind == h264PPS:
		nal = trim(nal)
		at := 1
		if kind == h264SPS {
			at = 4
		}
		if len(nal) <= at {
			return kept, set{}
		}
		id, ok := golomb(nal[at:])
		return newSet(kind, nal, id, ok)
	}
	return kept, set{}
}
