package bitstream

import (
	"bytes"
	"fmt"
)

// The most NAL units in an access unit: 8 MiB in slices as small as a packet are 6,000. Without a bound, a publisher could have
// twenty times the memory taken that it sends.
const maxNALs = 8 << 10

// SplitLength appends to nals the NAL units of b, each preceded by its length in lengthSize bytes (ISO/IEC 14496-15 section 5.3.2).
// They are parts of b.
func SplitLength(nals [][]byte, b []byte, lengthSize int) ([][]byte, error) {
	for len(b) > 0 {
		if len(b) < lengthSize {
			return nals, fmt.Errorf("%d bytes left where a NAL unit's length of %d bytes is due", len(b), lengthSize)
		}
		n := 0
		for _, c := range b[:lengthSize] {
			n = n<<8 | int(c)
		}
		if b = b[lengthSize:]; n > len(b) {
			return nals, fmt.Errorf("NAL unit of %d bytes where %d are left", n, len(b))
		}
		if len(nals) == maxNALs {
			return nals, fmt.Errorf("access unit of more than %d NAL units", maxNALs)
		}
		nals, b = append(nals, b[:n]), b[n:]
	}
	return nals, nil
}

var startCode = []byte{0, 0, 1}

// Crowded reports whether b, a byte stream after ITU-T H.264 annex B, has more NAL units than an access unit may have, empty ones among
// them.
func Crowded(b []byte) bool {
	_, b, found := bytes.Cut(b, startCode)
	for n := 0; found; n++ {
		if n == maxNALs {
			return true
		}
		_, b, found = bytes.Cut(b, startCode)
	}
	return false
}

// SplitAnnexB appends to nals the NAL units of b, a byte stream after ITU-T H.264 annex B. They are parts of b. Of one that is Crowded it
// leaves out the rest.
func SplitAnnexB(nals [][]byte, b []byte) [][]byte {
	_, b, found := bytes.Cut(b, startCode)
	for n := 0; found && n < maxNALs; n++ {
		var nal []byte
		nal, b, found = bytes.Cut(b, startCode)
		if nal = bytes.TrimRight(nal, "\x00"); len(nal) > 0 {
			nals = append(nals, nal)
		}
	}
	return nals
}
