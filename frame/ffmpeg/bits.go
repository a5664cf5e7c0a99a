package ffmpeg

import "github.com/bluenviron/mediacommon/v2/pkg/bits"

// A bitReader reads bits of bytes; past the end, zeros.
type bitReader struct {
	bytes    []byte
	pos, end int  // in bits
	failed   bool // something read past the end, or was no code
}

func (r *bitReader) u(size int) uint64 {
	if r.failed = r.failed || r.pos+size > r.end; r.failed {
		return 0
	}
	return bits.ReadBitsUnsafe(r.bytes, &r.pos, size)
}

// ue reads an Exp-Golomb code (9.1).
func (r *bitReader) ue() uint32 {
	if r.failed {
		return 0
	}
	v, err := bits.ReadGolombUnsigned(r.bytes, &r.pos)
	r.failed = err != nil || r.pos > r.end
	return v
}

// A bitWriter appends bits to bytes.
type bitWriter struct {
	bytes []byte
	size  int // in bits
}

func (b *bitWriter) put(v uint64, size int) {
	for i := size - 1; i >= 0; i-- {
		if b.size%8 == 0 {
			b.bytes = append(b.bytes, 0)
		}
		b.bytes[b.size/8] |= byte(v>>i&1) << (7 - b.size%8)
		b.size++
	}
}

// ue writes an Exp-Golomb code (9.1).
func (b *bitWriter) ue(v uint32) {
	size := 0
	for (uint64(v)+1)>>(size+1) != 0 {
		size++
	}
	b.put(uint64(v)+1, 2*size+1)
}

// end writes the stop bit (7.3.2.11).
func (b *bitWriter) end() { b.put(1, 1) }

// copy writes the bits of src from one position to another.
func (b *bitWriter) copy(src []byte, from, to int) {
	for i := from; i < to; i++ {
		b.put(uint64(src[i/8]>>(7-i%8)), 1)
	}
}

// escape puts emulation prevention into a NAL unit (7.4.1).
func escape(n []byte) []byte {
	var b []byte
	zeros := 0
	for _, c := range n {
		if zeros == 2 && c <= 3 {
			b = append(b, 3)
			zeros = 0
		}
		b = append(b, c)
		if zeros++; c != 0 {
			zeros = 0
		}
	}
	return b
}
