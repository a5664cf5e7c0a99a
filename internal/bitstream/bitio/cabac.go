package bitio

// RangeTabLPS: the part of CABAC's interval that is the less probable symbol's, by state and by quarter of the interval (ITU-T H.264 table 9-44).
var rangeTabLPS = [64][4]byte{
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

// TransIdxLPS: the state after the less probable symbol (ITU-T H.264 table 9-45).
var transIdxLPS = [64]byte{
	0, 0, 1, 2, 2, 4, 4, 5, 6, 7, 8, 9, 9, 11, 11, 12, 13, 13, 15, 15, 16, 16, 18, 18, 19, 19, 21, 21, 22, 22, 23, 24,
	24, 25, 26, 26, 27, 27, 28, 29, 29, 30, 30, 30, 31, 32, 32, 33, 33, 33, 34, 34, 35, 35, 35, 36, 36, 36, 37, 37, 37, 38, 38, 63,
}

// A Context is a context variable of CABAC, which adapts to the bins coded in it.
type Context struct {
	state byte   // pStateIdx
	mps   uint32 // valMPS, the more probable bin
}

// NewContext returns a context as it is when a slice with this quantiser begins, by m and n of tables 9-12 and on (9.3.1.1).
func NewContext(m, n, qp int) *Context {
	v := m*qp>>4 + n
	if v >= 64 {
		return &Context{byte(v - 64), 1}
	}
	return &Context{byte(63 - v), 0}
}

// A CABAC writes bins in CABAC (ITU-T H.264 section 9.3.4).
type CABAC struct {
	w           *Writer
	low, size   uint32 // the interval: codILow, codIRange
	begun       bool   // a bit was put
	outstanding int    // bits that are not decided yet
}

// NewCABAC returns an encoder that writes the data of a slice after its header, which is aligned.
func NewCABAC(w *Writer) *CABAC {
	w.Align()
	return &CABAC{w: w, size: 510}
}

// Encode codes a bin.
func (e *CABAC) Encode(c *Context, bin uint32) {
	lps := uint32(rangeTabLPS[c.state][e.size>>6&3])
	e.size -= lps
	if bin == c.mps {
		c.state = min(c.state+1, 62)
	} else {
		e.low, e.size = e.low+e.size, lps
		if c.state == 0 {
			c.mps ^= 1
		}
		c.state = transIdxLPS[c.state]
	}
	e.renormalise()
}

// Terminate codes a bin that tells whether the slice, or what is CABAC of it, ends here. The stop bit is part of the end.
func (e *CABAC) Terminate(ends bool) {
	e.size -= 2
	if ends {
		e.low, e.size = e.low+e.size, 2
	}
	e.renormalise()
	if ends {
		e.bit(e.low >> 9 & 1)
		e.w.Put(uint64(e.low>>7&3|1), 2)
	}
}

func (e *CABAC) renormalise() {
	for ; e.size < 256; e.size, e.low = e.size<<1, e.low<<1 {
		switch {
		case e.low < 256:
			e.bit(0)
		case e.low >= 512:
			e.low -= 512
			e.bit(1)
		default:
			e.low -= 256
			e.outstanding++
		}
	}
}

func (e *CABAC) bit(b uint32) {
	if e.begun { // the first bit is none
		e.w.Put(uint64(b), 1)
	}
	e.begun = true
	for ; e.outstanding > 0; e.outstanding-- {
		e.w.Put(uint64(b^1), 1)
	}
}
