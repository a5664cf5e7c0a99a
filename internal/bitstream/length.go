package bitstream

import "fmt"

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
