package ffmpeg

// How CABAC subdivides its interval for the less probable symbol, by state and by quarter of the interval (table 9-44).
var lessProbable = [64][4]byte{
	{128, 176, 208, 240}, {128, 167, 197, 227}, {128, 158, 187, 216}, {123, 150, 178, 205}, {116, 142, 169, 195}, {111, 135, 160, 185},
	{105, 128, 152, 175}, {100, 122, 144, 166}, {95, 116, 137, 158}, {90, 110, 130, 150}, {85, 104, 123, 142}, {81, 99, 117, 135},
	{77, 94, 111, 128}, {73, 89, 105, 122}, {69, 85, 100, 116}, {66, 80, 95, 110}, {62, 76, 90, 104}, {59, 72, 86, 99},
	{56, 69, 81, 94}, {53, 65, 77, 89}, {51, 62, 73, 85}, {48, 59, 69, 80}, {46, 56, 66, 76}, {43, 53, 63, 72},
	{41, 50, 59, 69}, {39, 48, 56, 65}, {37, 45, 54, 62}, {35, 43, 51, 59}, {33, 41, 48, 56}, {32, 39, 46, 53},
	{30, 37, 43, 50}, {29, 35, 41, 48}, {27, 33, 39, 45}, {26, 31, 37, 43}, {24, 30, 35, 41}, {23, 28, 33, 39},
	{22, 27, 32, 37}, {21, 26, 30, 35}, {20, 24, 29, 33}, {19, 23, 27, 31}, {18, 22, 26, 30}, {17, 21, 25, 28},
	{16, 20, 23, 27}, {15, 19, 22, 25}, {14, 18, 21, 24}, {14, 17, 20, 23}, {13, 16, 19, 22}, {12, 15, 18, 21},
	{12, 14, 17, 20}, {11, 14, 16, 19}, {11, 13, 15, 18}, {10, 12, 15, 17}, {10, 12, 14, 16}, {9, 11, 13, 15},
	{9, 11, 12, 14}, {8, 10, 12, 14}, {8, 9, 11, 13}, {7, 9, 11, 12}, {7, 9, 10, 12}, {7, 8, 10, 11},
	{6, 8, 9, 11}, {6, 7, 9, 10}, {6, 7, 8, 9}, {2, 2, 2, 2},
}

// The state after the less probable symbol (table 9-45).
var afterLess = [64]byte{
	0, 0, 1, 2, 2, 4, 4, 5, 6, 7, 8, 9, 9, 11, 11, 12, 13, 13, 15, 15, 16, 16, 18, 18, 19, 19, 21, 21, 22, 22, 23, 24,
	24, 25, 26, 26, 27, 27, 28, 29, 29, 30, 30, 30, 31, 32, 32, 33, 33, 33, 34, 34, 35, 35, 35, 36, 36, 36, 37, 37, 37, 38, 38, 63,
}

// A symbol is a context of CABAC, that adapts to the bits coded in it.
type symbol struct {
	state byte
	often uint32 // the more probable bit
}

// at returns the symbol as it is when a slice of quantiser 26 begins (9.3.1.1).
func at(m, n int) *symbol {
	v := m*26>>4 + n
	if v >= 64 {
		return &symbol{byte(v - 64), 1}
	}
	return &symbol{byte(63 - v), 0}
}

// An arithmetic coder writes CABAC (9.3.4).
type arithmetic struct {
	*bitWriter
	low, size uint32 // the interval
	begun     bool
	undecided int
}

func (a *arithmetic) code(s *symbol, bit uint32) {
	less := uint32(lessProbable[s.state][a.size>>6&3])
	a.size -= less
	if bit == s.often {
		s.state = min(s.state+1, 62)
	} else {
		a.low, a.size = a.low+a.size, less
		if s.state == 0 {
			s.often ^= 1
		}
		s.state = afterLess[s.state]
	}
	a.renormalise()
}

// last codes a bit that tells whether the slice, or what is arithmetic of it, ends here. The stop bit is part of the end.
func (a *arithmetic) last(ends bool) {
	a.size -= 2
	if ends {
		a.low, a.size = a.low+a.size, 2
	}
	a.renormalise()
	if ends {
		a.emit(a.low >> 9 & 1)
		a.put(uint64(a.low>>7&3|1), 2)
	}
}

func (a *arithmetic) renormalise() {
	for ; a.size < 256; a.size, a.low = a.size<<1, a.low<<1 {
		switch {
		case a.low < 256:
			a.emit(0)
		case a.low >= 512:
			a.low -= 512
			a.emit(1)
		default:
			a.low -= 256
			a.undecided++
		}
	}
}

func (a *arithmetic) emit(bit uint32) {
	if a.begun { // the first bit is none
		a.put(uint64(bit), 1)
	}
	a.begun = true
	for ; a.undecided > 0; a.undecided-- {
		a.put(uint64(bit^1), 1)
	}
}

// plainRow codes a row of macroblocks without residual, intra 16x16 from the mean (7.3.5), that nothing is above of.
func plainRow(b *bitWriter, width int) {
	// Table 9-13 and on. What a macroblock is depends on the one to its left, of which the first has none.
	kinds, coefficients := [2]*symbol{at(20, -15), at(2, 54)}, [2]*symbol{at(-11, 115), at(-16, 122)}
	luma, chroma, mean, low, mode, quantiser := at(-28, 127), at(-23, 104), at(-1, 54), at(7, 51), at(-9, 83), at(0, 41)
	a := arithmetic{bitWriter: b, size: 510}
	for i := range width {
		a.code(kinds[min(i, 1)], 1) // mb_type: not 4x4 ...
		a.last(false)               // ... nor PCM
		a.code(luma, 0)
		a.code(chroma, 0)
		a.code(mean, 1)
		a.code(low, 0)
		a.code(mode, 0)                    // intra_chroma_pred_mode
		a.code(quantiser, 0)               // mb_qp_delta
		a.code(coefficients[min(i, 1)], 0) // coded_block_flag
		a.last(i == width-1)               // end_of_slice_flag
	}
}
