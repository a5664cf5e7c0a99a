// Package bitio reads and writes the bits of which NAL units, OBUs and other headers are made: numbers, Exp-Golomb codes, CABAC.
package bitio

import "github.com/bluenviron/mediacommon/v2/pkg/bits"

// A Reader reads bits of bytes; past the end, zeros.
type Reader struct {
	bytes  []byte
	Pos    int  // in bits
	End    int  // in bits
	Failed bool // something read past the end, or was no code
}

// NewReader returns a reader that begins at a bit.
func NewReader(b []byte, pos int) Reader { return Reader{bytes: b, Pos: pos, End: 8 * len(b)} }

// U reads an unsigned number of so many bits.
func (r *Reader) U(size int) uint64 {
	if r.Failed = r.Failed || r.Pos+size > r.End; r.Failed || size == 0 {
		return 0
	}
	return bits.ReadBitsUnsafe(r.bytes, &r.Pos, size)
}

// Flag reads one bit.
func (r *Reader) Flag() bool { return r.U(1) == 1 }

// Skip reads so many bits.
func (r *Reader) Skip(size int) {
	if r.Failed = r.Failed || r.Pos+size > r.End; !r.Failed {
		r.Pos += size
	}
}

// UE reads an Exp-Golomb code of at most 32 zeros (ITU-T H.264 section 9.1).
func (r *Reader) UE() uint32 {
	zeros := 0
	for !r.Flag() {
		if zeros++; r.Failed || zeros > 32 {
			r.Failed = true
			return 0
		}
	}
	if more := uint32(r.U(zeros)); !r.Failed {
		return 1<<zeros - 1 + more
	}
	return 0
}

// RBSP appends to dst, up to its capacity, what a NAL unit says without emulation prevention (ITU-T H.264 section 7.4.1).
func RBSP(dst, n []byte) []byte {
	zeros := 0
	for _, c := range n {
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
