package bitstream

import (
	"errors"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/livestill/livestill/frame"
)

// H264 makes access units of NAL units and remembers the parameter sets among them. The zero value is ready for a new stream.
type H264 struct {
	// Orientation is how pictures are to be shown, from the next unit on, as what carries the stream says. Units say so then.
	Orientation Orientation

	sets        knownSets
	refresh     refresh
	orientation keptOrientation

	// What is read of sets, by the NAL units that were read last.
	pps      []byte
	spsID    uint32
	ppsValid bool
	spsNAL   []byte
	sps      h264.SPS
	spsValid bool
}

// Config reads an AVCDecoderConfigurationRecord: it forgets the parameter sets known so far, learns the record's, and returns the number of
// bytes of the length field before each NAL unit of the stream. After an error, what was known is still known.
func (h *H264) Config(record []byte) (lengthSize int, err error) {
	if err := h.sets.config(classifyH264, walkAVCC, record); err != nil {
		return 0, err
	}
	return int(record[4]&3) + 1, nil
}

// walkAVCC is the recordWalk of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1):
//
//	version  profile  compatibility  level  111111ll  111nnnnn  n x (size16, SPS)  m8  m x (size16, PPS)
func walkAVCC(record []byte, take func(nal []byte) error) error {
	if err := checkRecord(record, 7, 1); err != nil {
		return err
	}
	rest, err := cutSets(record[6:], int(record[5]&0x1f), take)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return errors.New("configuration record ends before its picture parameter sets")
	}
	_, err = cutSets(rest[1:], int(rest[0]), take)
	return err
}

// Unit returns the Annex B data of the access unit that consists of nals, and whether it is a key unit: an IDR picture, or one
// with a recovery point, see refresh, once the parameter sets are known.
// Delimiters and filler are left out; a key unit begins with all parameter sets, those that it lacks too, and tells how its picture is to be shown.
// The data is a copy of its own. It is empty if nals have no picture; parameter sets among them are remembered all the same.
func (h *H264) Unit(nals [][]byte) (data []byte, key bool, err error) {
	due, told := h.refresh.due(nals), h.orientation.told
	nals = h.orientation.tell(frame.H264, nals, due || HasIDR(nals), h.Orientation)
	data, key, err = h.sets.unit(classifyH264, nals, due, byte(h264.NALUTypeSPS), byte(h264.NALUTypePPS))
	if len(data) > 0 {
		h.refresh.note(key)
	} else {
		h.orientation.told = told
	}
	return data, key, err
}

// Lacks names the parameter sets that a key unit needs and that are not known; empty if there are none.
func (h *H264) Lacks() string {
	return h.sets.lacks(byte(h264.NALUTypeSPS), byte(h264.NALUTypePPS))
}

// Lost says that something before the next unit, or of it, did not arrive, up to the next key unit.
func (h *H264) Lost() { h.refresh.lost = true }

// typeH264 returns nal_unit_type, ITU-T H.264 table 7-1.
func typeH264(nal []byte) h264.NALUType { return h264.NALUType(nal[0] & 0x1f) }

// classifyH264 is the classifier of H.264, ITU-T H.264 section 7.3.1:
//
//	forbidden_zero_bit (1)  nal_ref_idc (2)  nal_unit_type (5)  ...
//
// A sequence parameter set goes on with profile, constraints, level, its id (section 7.3.2.1.1); a picture parameter set with its
// id (section 7.3.2.2). No emulation prevention can come before the ids: no profile or level is zero.
func classifyH264(nal []byte) (role, set) {
	switch kind := typeH264(nal); kind {
	case h264.NALUTypeAccessUnitDelimiter, h264.NALUTypeFillerData:
		return dropped, set{}
	case h264.NALUTypeIDR:
		return keyPicture, set{}
	case h264.NALUTypeNonIDR, h264.NALUTypeDataPartitionA, h264.NALUTypeDataPartitionB, h264.NALUTypeDataPartitionC:
		return picture, set{}
	case h264.NALUTypeSPS:
		nal = trim(nal)
		return newSet(byte(kind), nal, nal[min(4, len(nal)):])
	case h264.NALUTypePPS:
		nal = trim(nal)
		return newSet(byte(kind), nal, nal[min(1, len(nal)):])
	default:
		return kept, set{}
	}
}
