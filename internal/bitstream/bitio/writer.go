package bitio

import "bytes"

// A Writer writes the bits of a NAL unit. The zero Writer has none.
type Writer struct {
	bytes []byte
	size  int // in bits
}

// Put writes the lowest bits of v.
func (w *Writer) Put(v uint64, size int) {
	for i := size - 1; i >= 0; i-- {
		if w.size%8 == 0 {
			w.bytes = append(w.bytes, 0)
		}
		w.bytes[w.size/8] |= byte(v>>i&1) << (7 - w.size%8)
		w.size++
	}
}

// UE writes an Exp-Golomb code (ITU-T H.264 section 9.1).
func (w *Writer) UE(v uint32) {
	size := 0
	for (uint64(v)+1)>>(size+1) != 0 {
		size++
	}
	w.Put(uint64(v)+1, 2*size+1)
}

// Align writes ones up to the next byte (cabac_alignment_one_bit, ITU-T H.264 section 7.3.4).
func (w *Writer) Align() {
	for w.size%8 != 0 {
		w.Put(1, 1)
	}
}

// Stop writes rbsp_stop_one_bit (ITU-T H.264 section 7.3.2.11).
func (w *Writer) Stop() { w.Put(1, 1) }

// Copy writes the bits of b from one position to another.
func (w *Writer) Copy(b []byte, from, to int) {
	for i := from; i < to; i++ {
		w.Put(uint64(b[i/8]>>(7-i%8)), 1)
	}
}

// NAL returns what was written as a NAL unit: with emulation prevention, and without zeros at its end (ITU-T H.264 section 7.4.1).
func (w *Writer) NAL() []byte {
	var n []byte
	zeros := 0
	for _, c := range bytes.TrimRight(w.bytes, "\x00") {
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
