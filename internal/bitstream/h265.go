package bitstream

import "errors"

// H.265 NAL unit types, ITU-T H.265 table 7-1.
const (
	h265RADL   = 7
	h265RASL   = 9 // 0 to 9 are pictures that cannot be decoded first, 8 and 9 these
	h265BLA    = 16
	h265CRA    = 21 // 16 to 21 are pictures of random access: BLA 16 to 18, IDR 19 and 20, CRA
	h265VPS    = 32
	h265SPS    = 33
	h265PPS    = 34
	h265AUD    = 35
	h265End    = 36 // 36 and 37: a sequence ends
	h265Filler = 38
)

// H265 makes access units of NAL units and remembers the parameter sets among them. The zero value is ready for a new stream.
type H265 struct {
	sets  memory
	begun bool // there was a picture of random access, and the sequence did not end since
	led   bool // what was decoded before the last one of them is there for the pictures that lead it
}

// Config reads an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 8.3.3.1): it forgets the parameter sets known so far,
// learns the record's, and returns the number of bytes of the length field before each NAL unit of the stream.
//
//	version  20 bytes of profile, level, format  xxxxxxll  n8  n x (xxtttttt  m16  m x (size16, NAL unit))
func (h *H265) Config(record []byte) (lengthSize int, err error) {
	if err := checkRecord(record, 23, 1); err != nil {
		return 0, err
	}
	h.sets = memory{}
	rest := record[23:]
	for range record[22] {
		if len(rest) < 3 {
			return 0, errors.New("configuration record ends before its last array")
		}
		count := int(rest[1])<<8 | int(rest[2])
		if rest, err = h.sets.learnRecord(readH265, rest[3:], count); err != nil {
			return 0, err
		}
	}
	return int(record[21]&3) + 1, nil
}

// Unit returns the Annex B data of the access unit that consists of nals, and whether it is a key unit: a picture of random access
// (IRAP), that is IDR, CRA or BLA. Delimiters and filler are left out; a key unit begins with all parameter sets, those that it
// lacks too. The data is a copy of its own. It is empty if nals hold no picture; parameter sets among them are remembered all the
// same.
//
// Pictures that are decoded after a CRA picture, shown before it, and may refer to what came before it (RASL) stay: they can be
// decoded if decoding begins at the key unit before that. They are left out where nothing came before, or what came is not what they
// refer to: then decoders throw them away (section 8.1.3).
func (h *H265) Unit(nals [][]byte) (data []byte, key bool, err error) {
	for _, n := range nals {
		if len(n) > 1 && n[0]&1 == 0 && n[1]>>3 == 0 {
			h.follow(n[0] >> 1 & 0x3f)
		}
	}
	read := readH265
	if !h.led {
		read = func(nal []byte) (role, set) {
			if r, s := readH265(nal); r != picture || nal[0]>>1&0x3f <= h265RADL {
				return r, s
			}
			return dropped, set{}
		}
	}
	return h.sets.unit(read, nals, false)
}

// follow notes where sequences begin and end.
func (h *H265) follow(kind byte) {
	switch {
	case kind >= h265BLA && kind <= h265CRA:
		h.led = kind == h265CRA && h.begun
		h.begun = true
	case kind == h265End || kind == h265End+1:
		h.begun = false
	}
}

// readH265 is the reader of H.265, ITU-T H.265 section 7.3.1.2:
//
//	0ttttttl  lllll+++  ...    t: type, l: layer, +: temporal id plus one
//
// Layers above the base are kept, but they neither make a picture nor a key unit: decoders of the base do without them. A video
// parameter set goes on with four bits of id (section 7.3.2.1), a picture parameter set with its id (section 7.3.2.3).
func readH265(nal []byte) (role, set) {
	if len(nal) < 2 {
		return dropped, set{}
	}
	kind := nal[0] >> 1 & 0x3f
	if kind == h265AUD || kind == h265Filler {
		return dropped, set{}
	}
	if layer := nal[0]&1<<5 | nal[1]>>3; layer > 0 {
		return kept, set{}
	}
	switch {
	case kind <= h265RASL:
		return picture, set{}
	case kind >= h265BLA && kind <= h265CRA:
		return keyPicture, set{}
	case kind >= h265VPS && kind <= h265PPS:
		if nal = trim(nal); len(nal) < 3 {
			return kept, set{}
		}
		id, ok := uint(nal[2]>>4), true
		switch kind {
		case h265SPS:
			id, ok = h265SPSID(nal)
		case h265PPS:
			id, ok = golomb(nal[2:])
		}
		return newSet(kind, nal, id, ok)
	}
	return kept, set{}
}

// h265SPSID reads the id of a sequence parameter set, which follows profile, tier and level (ITU-T H.265 sections 7.3.2.2 and
// 7.3.3):
//
//	NAL unit header (16)  VPS id (4)  n (3)  + (1)  profile (88)  level (8)
//	if n > 0:  n x (p (1), l (1)), up to 16 bits with zeros;  n x (profile (88) if p, level (8) if l)
//	id (Exp-Golomb)
func h265SPSID(nal []byte) (id uint, ok bool) {
	const most = 3 + 12 + 2 + 6*12 + 2 // bytes up to the id's last bit
	var space [most]byte
	b := unescape(space[:0], nal)
	if len(b) < 17 {
		return 0, false
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
		return 0, false
	}
	return golomb(b[at:])
}

// unescape appends to dst, up to its capacity, what nal says without emulation prevention (ITU-T H.265 section 7.3.1.1).
func unescape(dst, nal []byte) []byte {
	zeros := 0
	for _, c := range nal {
		if zeros >= 2 && c == 3 {
			zeros = 0
			continue
		}
		if len(dst) == cap(dst) {
			break
		}
		dst = append(dst, c)
		if zeros++; c != 0 {
			zeros = 0
		}
	}
	return dst
}
