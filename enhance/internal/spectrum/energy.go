package spectrum

// Clipped is what Energy returns of a block that touches black or white.
const Clipped = -1

// Energy returns the mean energy of the 48 coefficients of a block whose frequency is high in either direction, or Clipped if the block
// touches black or white.
func Energy(pix []byte, stride int) float32 {
	var c [64]int64
	for v := range 8 {
		r, o := (*[8]byte)(pix[v*stride:]), (*[8]int64)(c[8*v:])
		for _, b := range r {
			if b-1 >= 254 { // 0 or 255
				return Clipped
			}
		}
		o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7] = forward8(int64(r[0]), int64(r[1]), int64(r[2]), int64(r[3]),
			int64(r[4]), int64(r[5]), int64(r[6]), int64(r[7]))
	}
	const even, odd, low = 1. / 512, 1. / 578, 1. / 320
	sum := 0.
	for u := range 8 {
		y0, y1, y2, y3, y4, y5, y6, y7 := forward8(c[u], c[8+u], c[16+u], c[24+u], c[32+u], c[40+u], c[48+u], c[56+u])
		e := float64(y4*y4)*even + float64(y5*y5+y7*y7)*odd + float64(y6*y6)*low
		if u >= 4 {
			e += float64(y0*y0)*even + float64(y1*y1+y3*y3)*odd + float64(y2*y2)*low
		}
		sum += e / norm2[u]
	}
	return float32(sum / 48)
}
