package bitstream

import (
	"errors"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// H265 makes access units of NAL units and remembers the parameter sets among them. The zero value is ready for a new stream.
type H265 struct {
	// Orientation is how pictures are to be shown, from the next unit on, as what carries the stream says. Units say so then.
	Orientation Orientation

	sets             knownSets
	orientation      keptOrientation
	begun            bool // there was a picture of random access, and the sequence did not end since
	leadingDecodable bool // RASL pictures may be kept: what came before the last picture of random access is there
}

// Config reads an HEVCDecoderConfigurationRecord: it forgets the parameter sets known so far, learns the record's, and returns the number of
// bytes of the length field before each NAL unit of the stream. After an error, what was known is still known.
func (h *H265) Config(record []byte) (lengthSize int, err error) {
	if err := h.sets.config(classifyH265, walkHVCC, record); err != nil {
		return 0, err
	}
	return int(record[21]&3) + 1, nil
}

// walkHVCC is the recordWalk of an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 8.3.3.1):
//
//	version  20 bytes of profile, level, format  xxxxxxll  n8  n x (xxtttttt  m16  m x (size16, NAL unit))
func walkHVCC(record []byte, take func(nal []byte) error) error {
	if err := checkRecord(record, 23, 1); err != nil {
		return err
	}
	rest := record[23:]
	for range record[22] {
		if len(rest) < 3 {
			return errors.New("configuration record ends before its last array")
		}
		var err error
		if rest, err = cutSets(rest[3:], int(rest[1])<<8|int(rest[2]), take); err != nil {
			return err
		}
	}
	return nil
}

// Unit returns the Annex B data of the access unit that consists of nals, and whether it is a key unit: a picture of random access
// (IRAP), that is IDR, CRA or BLA, once the parameter sets are known. Delimiters and filler are left out; a key unit begins with all parameter
// sets, those that it lacks too, and tells how its picture is to be shown. The data is a copy of its own. It is empty if nals have no picture;
// parameter sets among them are remembered all the same.
//
// Pictures that are decoded after a CRA picture, shown before it, and may refer to what came before it (RASL) stay: they can be
// decoded if decoding begins at the key unit before that. They are left out where nothing came before, or what came is not what they
// refer to: then decoders throw them away (section 8.1.3).
func (h *H265) Unit(nals [][]byte) (data []byte, key bool, err error) {
	for _, n := range nals {
		if len(n) > 1 && layerH265(n) == 0 {
			h.noteSequence(typeH265(n))
		}
	}
	classify := classifyH265
	if !h.leadingDecodable {
		classify = func(nal []byte) (role, set) {
			r, s := classifyH265(nal)
			if r == picture && isRASL(typeH265(nal)) {
				return dropped, set{}
			}
			return r, s
		}
	}
	random := slices.ContainsFunc(nals, func(n []byte) bool { return len(n) > 0 && isIRAP(typeH265(n)) })
	told := h.orientation.told
	nals = h.orientation.tell(frame.H265, nals, random, h.Orientation)
	data, key, err = h.sets.unit(classify, nals, false, byte(h265.NALUType_SPS_NUT), byte(h265.NALUType_PPS_NUT))
	if len(data) == 0 {
		h.orientation.told = told
	}
	return data, key, err
}

// Lacks names the parameter sets that a key unit needs and that are not known; empty if there are none.
func (h *H265) Lacks() string {
	return h.sets.lacks(byte(h265.NALUType_SPS_NUT), byte(h265.NALUType_PPS_NUT))
}

// noteSequence notes where sequences begin and end.
func (h *H265) noteSequence(kind h265.NALUType) {
	switch {
	case kind >= h265.NALUType_BLA_W_LP && kind <= h265.NALUType_CRA_NUT:
		h.leadingDecodable = kind == h265.NALUType_CRA_NUT && h.begun
		h.begun = true
	case kind == h265.NALUType_EOS_NUT || kind == h265.NALUType_EOB_NUT:
		h.begun = false
	}
}

// typeH265 returns nal_unit_type, ITU-T H.265 table 7-1.
func typeH265(nal []byte) h265.NALUType { return h265.NALUType(nal[0] >> 1 & 0x3f) }

// layerH265 returns nuh_layer_id of a NAL unit of two bytes at least. Layers above zero, the base, are not decoded.
func layerH265(nal []byte) byte { return nal[0]&1<<5 | nal[1]>>3 }

// isRASL reports whether a picture is a random access skipped leading one: it is shown before the key picture that is decoded before it, and
// may refer to what came before that.
func isRASL(kind h265.NALUType) bool {
	return kind == h265.NALUType_RASL_N || kind == h265.NALUType_RASL_R
}

// classifyH265 is the classifier of H.265, ITU-T H.265 section 7.3.1.2:
//
//	forbidden_zero_bit (1)  nal_unit_type (6)  nuh_layer_id (6)  nuh_temporal_id_plus1 (3)  ...
//
// Layers above the base are kept, but they neither make a picture nor a key unit: decoders of the base do without them. A video
// parameter set goes on with four bits of id (section 7.3.2.1), a picture parameter set with its id (section 7.3.2.3).
func classifyH265(nal []byte) (role, set) {
	if len(nal) < 2 {
		return dropped, set{}
	}
	kind := typeH265(nal)
	switch {
	case kind == h265.NALUType_AUD_NUT || kind == h265.NALUType_FD_NUT:
		return dropped, set{}
	case layerH265(nal) > 0:
		return kept, set{}
	case kind <= h265.NALUType_RASL_R:
		return picture, set{}
	case kind >= h265.NALUType_BLA_W_LP && kind <= h265.NALUType_CRA_NUT:
		return keyPicture, set{}
	case kind == h265.NALUType_VPS_NUT:
		if nal = trim(nal); len(nal) > 2 {
			return parameters, set{byte(kind), uint32(nal[2] >> 4), nal}
		}
	case kind == h265.NALUType_SPS_NUT:
		var space [maxToSPSID]byte
		nal = trim(nal)
		return newSet(byte(kind), nal, fromSPSID(bitio.RBSP(space[:0], nal)))
	case kind == h265.NALUType_PPS_NUT:
		nal = trim(nal)
		return newSet(byte(kind), nal, nal[min(2, len(nal)):])
	}
	return kept, set{}
}

// The bytes of a sequence parameter set up to the last bit of its id, without emulation prevention.
const maxToSPSID = 3 + 12 + 2 + 6*12 + 3

// fromSPSID returns what follows in a sequence parameter set from its id on. That follows profile, tier and level (ITU-T H.265 sections 7.3.2.2
// and 7.3.3):
//
//	NAL unit header (16)  VPS id (4)  n (3)  + (1)  profile (88)  level (8)
//	if n > 0:  n x (p (1), l (1)), up to 16 bits with zeros;  n x (profile (88) if p, level (8) if l)
//	id (Exp-Golomb)
//
// It returns nothing if the set ends before that.
func fromSPSID(b []byte) []byte {
	if len(b) < 17 {
		return nil
	}
	layers := int(b[2] >> 1 & 7)
	at := 15
	if layers > 0 {
		present := uint(b[15])<<8 | uint(b[16])
		at += 2
		for i := range layers {
			at += int(present>>(15-2*i)&1)*11 + int(present>>(14-2*i)&1)
		}
	}
	if layers > 6 || at >= len(b) {
		return nil
	}
	return b[at:]
}
