package enhance

import "math"

// The discrete cosine transform (DCT-II) of sixteen values, by Lee's recursion ("A new algorithm to compute the discrete cosine
// transform", 1984): sums of mirrored values go to one transform of half the length, weighted differences to another. Every coefficient is
// the square root of 8 times that of the orthonormal transform. The window of a tile divides by that, see window.

// The weights of the differences are 1/(2 cos((2i+1) pi/2n)): a0 to a7 for n = 16, b0 to b3 for n = 8, d0 and d1 for n = 4. The first
// coefficient, the mean, takes a factor of sqrtHalf more than the others, so that all basis vectors have the same length.
const (
	a0, a1, a2, a3 = 0.50241928618815571, 0.52249861493968888, 0.56694403481635770, 0.64682178335999013
	a4, a5, a6, a7 = 0.78815462345125022, 1.0606776859903475, 1.7224470982383339, 5.1011486186891639

	b0, b1, b2, b3 = 0.50979557910415917, 0.60134488693504529, 0.89997622313641571, 2.5629154477415061

	d0, d1 = 0.54119610014619701, 1.3065629648763766

	sqrtHalf = math.Sqrt2 / 2
)

// cosine4 transforms four values, cosine4T is its transpose.
func cosine4(x0, x1, x2, x3 float32) (y0, y1, y2, y3 float32) {
	s0, s1, t0, t1 := x0+x3, x1+x2, (x0-x3)*d0, (x1-x2)*d1
	o := (t0 - t1) * sqrtHalf
	return s0 + s1, t0 + t1 + o, (s0 - s1) * sqrtHalf, o
}

func cosine4T(y0, y1, y2, y3 float32) (x0, x1, x2, x3 float32) {
	o := (y1 + y3) * sqrtHalf
	e := y2 * sqrtHalf
	s0, s1, t0, t1 := y0+e, y0-e, (y1+o)*d0, (y1-o)*d1
	return s0 + t0, s1 + t1, s1 - t1, s0 - t0
}

// cosine8 transforms eight values, cosine8T is its transpose.
func cosine8(x0, x1, x2, x3, x4, x5, x6, x7 float32) (y0, y1, y2, y3, y4, y5, y6, y7 float32) {
	e0, e1, e2, e3 := cosine4(x0+x7, x1+x6, x2+x5, x3+x4)
	o0, o1, o2, o3 := cosine4((x0-x7)*b0, (x1-x6)*b1, (x2-x5)*b2, (x3-x4)*b3)
	return e0, o0 + o1, e1, o1 + o2, e2, o2 + o3, e3, o3
}

func cosine8T(y0, y1, y2, y3, y4, y5, y6, y7 float32) (x0, x1, x2, x3, x4, x5, x6, x7 float32) {
	s0, s1, s2, s3 := cosine4T(y0, y2, y4, y6)
	t0, t1, t2, t3 := cosine4T(y1, y1+y3, y3+y5, y5+y7)
	t0, t1, t2, t3 = t0*b0, t1*b1, t2*b2, t3*b3
	return s0 + t0, s1 + t1, s2 + t2, s3 + t3, s3 - t3, s2 - t2, s1 - t1, s0 - t0
}

// cosine16 transforms sixteen values in place.
func cosine16(x *[16]float32) {
	e0, e1, e2, e3, e4, e5, e6, e7 := cosine8(x[0]+x[15], x[1]+x[14], x[2]+x[13], x[3]+x[12], x[4]+x[11], x[5]+x[10], x[6]+x[9], x[7]+x[8])
	o0, o1, o2, o3, o4, o5, o6, o7 := cosine8((x[0]-x[15])*a0, (x[1]-x[14])*a1, (x[2]-x[13])*a2, (x[3]-x[12])*a3,
		(x[4]-x[11])*a4, (x[5]-x[10])*a5, (x[6]-x[9])*a6, (x[7]-x[8])*a7)
	x[0], x[2], x[4], x[6], x[8], x[10], x[12], x[14] = e0*sqrtHalf, e1, e2, e3, e4, e5, e6, e7
	x[1], x[3], x[5], x[7], x[9], x[11], x[13], x[15] = o0+o1, o1+o2, o2+o3, o3+o4, o4+o5, o5+o6, o6+o7, o7
}

// cosine16T is the transpose of cosine16, and 8 times its inverse.
func cosine16T(x *[16]float32) {
	s0, s1, s2, s3, s4, s5, s6, s7 := cosine8T(x[0]*sqrtHalf, x[2], x[4], x[6], x[8], x[10], x[12], x[14])
	t0, t1, t2, t3, t4, t5, t6, t7 := cosine8T(x[1], x[1]+x[3], x[3]+x[5], x[5]+x[7], x[7]+x[9], x[9]+x[11], x[11]+x[13], x[13]+x[15])
	t0, t1, t2, t3, t4, t5, t6, t7 = t0*a0, t1*a1, t2*a2, t3*a3, t4*a4, t5*a5, t6*a6, t7*a7
	x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7] = s0+t0, s1+t1, s2+t2, s3+t3, s4+t4, s5+t5, s6+t6, s7+t7
	x[8], x[9], x[10], x[11], x[12], x[13], x[14], x[15] = s7-t7, s6-t6, s5-t5, s4-t4, s3-t3, s2-t2, s1-t1, s0-t0
}
