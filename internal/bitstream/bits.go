package bitstream

import "github.com/bluenviron/mediacommon/v2/pkg/bits"

// A bitReader reads bits of bytes; past the end, zeros.
type bitReader struct {
	bytes  []byte
	pos    int  // in bits
	end    int  // in bits
	failed bool // something read past the end, or was no code
}

// newBitReader returns a reader that begins at a bit.
func newBitReader(b []byte, pos int) bitReader { return bitReader{bytes: b, pos: pos, end: 8 * len(b)} }

// u reads an unsigned number of so many bits.
func (r *bitReader) u(size int) uint64 {
	if r.failed = r.failed || r.pos+size > r.end; r.failed || size == 0 {
		return 0
	}
	return bits.ReadBitsUnsafe(r.bytes, &r.pos, size)
}

// flag reads one bit.
func (r *bitReader) flag() bool { return r.u(1) == 1 }

// skip reads so many bits.
func (r *bitReader) skip(size int) {
	if r.failed = r.failed || r.pos+size > r.end; !r.failed {
		r.pos += size
	}
}

// ue reads an Exp-Golomb code (ITU-T H.264 section 9.1).
func (r *bitReader) ue() uint32 {
	if r.failed {
		return 0
	}
	v, err := bits.ReadGolombUnsigned(r.bytes, &r.pos)
	r.failed = err != nil || r.pos > r.end
	return v
}

// rbsp appends to dst, up to its capacity, what a NAL unit says without emulation prevention (ITU-T H.264 section 7.4.1).
func rbsp(dst, n []byte) []byte {
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

// A BitWriter writes the bits of a NAL unit. The zero BitWriter has none.
type BitWriter struct {
	bytes []byte
	size  int // in bits
}

// Put writes the lowest bits of v.
func (w *BitWriter) Put(v uint64, size int) {
	for i := size - 1; i >= 0; i-- {
		if w.size%8 == 0 {
			w.bytes = append(w.bytes, 0)
		}
		w.bytes[w.size/8] |= byte(v>>i&1) << (7 - w.size%8)
		w.size++
	}
}

// UE writes an Exp-Golomb code (ITU-T H.264 section 9.1).
func (w *BitWriter) UE(v uint32) {
	size := 0
	for (uint64(v)+1)>>(size+1) != 0 {
		size++
	}
	w.Put(uint64(v)+1, 2*size+1)
}

// Stop writes rbsp_stop_one_bit (ITU-T H.264 section 7.3.2.11).
func (w *BitWriter) Stop() { w.Put(1, 1) }

// copy writes the bits of b from one position to another.
func (w *BitWriter) copy(b []byte, from, to int) {
	for i := from; i < to; i++ {
		w.Put(uint64(b[i/8]>>(7-i%8)), 1)
	}
}

// NAL returns what was written as a NAL unit, with emulation prevention (ITU-T H.264 section 7.4.1).
func (w *BitWriter) NAL() []byte {
	var n []byte
	zeros := 0
	for _, c := range w.bytes {
		if zeros == 2 && c <= 3 {
			n = append(n, 3)
			zeros = 0
		}
		n = append(n, c)
		if zeros++; c != 0 {
			zeros = 0
		}
	}
	return n
}
