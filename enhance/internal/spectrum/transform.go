// Package spectrum measures and removes noise of 8-bit planes by the spectrum of blocks of 8x8 pixels: where frequency is high, what is weak is
// noise.
package spectrum

// The 8-point integer transform of H.264 (ITU-T H.264, 8.5.13), a near twin of the DCT with small whole coefficients:
//
//	 8  8  8  8  8  8  8  8      Its rows are exactly orthogonal, so forward and inverse need no rounding: what is not
//	12 10  6  3 -3 -6-10-12      removed comes back to the last bit. And it is linear over the whole numbers, so that one
//	 8  4 -4 -8 -8 -4  4  8      64-bit integer carries two pictures' halves through it at once: a value is
//	10 -3-12 -6  6 12  3-10
//	 8 -8 -8  8  8 -8 -8  8          left + right<<32
//	 6-12  3 10-10 -3 12 -6
//	 4 -8  8 -4 -4  8 -8  4      and sums, differences and multiples of such values are those of both lanes, for as long
//	 3 -6 10-12 12-10  6 -3      as each lane stays within 32 bits.

// norm2 is the squared length of each row of the transform.
var norm2 = [8]float64{512, 578, 320, 578, 512, 578, 320, 578}

// lanes splits a value into its two lanes.
func lanes(v int64) (left, right int32) {
	left = int32(v)
	return left, int32((v - int64(left)) >> 32)
}

// forward8 transforms eight values.
func forward8(x0, x1, x2, x3, x4, x5, x6, x7 int64) (y0, y1, y2, y3, y4, y5, y6, y7 int64) {
	s0, s1, s2, s3 := x0+x7, x1+x6, x2+x5, x3+x4
	d0, d1, d2, d3 := x0-x7, x1-x6, x2-x5, x3-x4
	e0, e1, e2, e3 := s0+s3, s1+s2, s0-s3, s1-s2
	o0 := 2*(d1+d2) + 3*d0
	o1 := 2*(d0-d3) - 3*d2
	o2 := 2*(d0+d3) - 3*d1
	o3 := 2*(d1-d2) + 3*d3
	return 8 * (e0 + e1), 4*o0 + o3, 4 * (2*e2 + e3), 4*o1 + o2, 8 * (e0 - e1), 4*o2 - o1, 4 * (e2 - 2*e3), o0 - 4*o3
}

// inverse8 is the transpose of forward8.
func inverse8(y0, y1, y2, y3, y4, y5, y6, y7 int64) (x0, x1, x2, x3, x4, x5, x6, x7 int64) {
	e0, e1 := 8*(y0+y4), 8*(y0-y4)
	e2, e3 := 4*(2*y2+y6), 4*(y2-2*y6)
	s0, s1, s2, s3 := e0+e2, e1+e3, e1-e3, e0-e2
	o0, o3 := 4*y1+y7, y1-4*y7
	o1, o2 := 4*y3-y5, y3+4*y5
	d0 := 3*o0 + 2*(o1+o2)
	d1 := 2*(o0+o3) - 3*o2
	d2 := 2*(o0-o3) - 3*o1
	d3 := 3*o3 + 2*(o2-o1)
	return s0 + d0, s1 + d1, s2 + d2, s3 + d3, s3 - d3, s2 - d2, s1 - d1, s0 - d0
}
