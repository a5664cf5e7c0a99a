package bitstream

import (
	"bytes"
)

// The most NAL units in an access unit: 8 MiB in slices as small as a packet are 6,000. Without a bound, a publisher could have
// twenty times the memory taken that it sends.
const maxNALs = 8 << 10

var startCode = []byte{0, 0, 1}

// SplitAnnexB appends to nals the NAL units of b, a byte stream after ITU-T H.264 annex B. They are parts of b. Of more than an access unit
// may have it leaves out the rest.
func SplitAnnexB(nals [][]byte, b []byte) [][]byte {
	nals, _ = splitAnnexB(nals, b)
	return nals
}

// splitAnnexB is SplitAnnexB. It tells whether b has more NAL units than an access unit may have, empty ones among them.
func splitAnnexB(nals [][]byte, b []byte) (_ [][]byte, crowded bool) {
	_, b, found := bytes.Cut(b, startCode)
	for n := 0; found; n++ {
		if n == maxNALs {
			return nals, true
		}
		var nal []byte
		nal, b, found = bytes.Cut(b, startCode)
		if nal = trim(nal); len(nal) > 0 {
			nals = append(nals, nal)
		}
	}
	return nals, false
}

// SplitInside appends to nals the NAL units of n: it is one, unless there are start codes before or inside it, which no NAL unit can have. Some
// encoders put several into the place of one. They are parts of n, and none is empty. Of more than an access unit may have it leaves out the
// rest, and returns false.
func SplitInside(nals [][]byte, n []byte) (_ [][]byte, whole bool) {
	for more := true; more; {
		var head []byte
		if head, n, more = bytes.Cut(n, startCode); more {
			head = trim(head)
		}
		switch {
		case len(head) == 0:
		case len(nals) == maxNALs:
			return nals, false
		default:
			nals = append(nals, head)
		}
	}
	return nals, true
}

// BeginsAnnexB reports whether b begins with a start code, of however many zeros.
func BeginsAnnexB(b []byte) bool {
	rest := bytes.TrimLeft(b, "\x00")
	return len(b)-len(rest) >= 2 && len(rest) > 1 && rest[0] == 1
}

// trim returns the NAL unit without the zeros that some encoders pad it with; section 7.4.1 has it that no NAL unit ends in zero.
func trim(nal []byte) []byte { return bytes.TrimRight(nal, "\x00") }

// AppendAnnexB appends a NAL unit to b, a byte stream after ITU-T H.264 annex B.
func AppendAnnexB(b, nal []byte) []byte { return append(append(b, 0, 0, 1), nal...) }

// malformed reports whether a NAL unit has what emulation prevention rules out (ITU-T H.264 section 7.4.1, H.265 section 7.4.2).
func malformed(n []byte) bool {
	return bytes.Contains(n, []byte{0, 0, 0}) || bytes.Contains(n, []byte{0, 0, 2})
}
