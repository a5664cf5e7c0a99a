package spectrum

const (
	// threshold is the coefficient, in standard deviations of the noise, of which half is removed. It leaves 5.6 % of the
	// energy of white noise.
	threshold = 2.7

	// maxSigma keeps 32 bits enough. No coefficient loses more than 0.57*threshold*maxSigma, and no pixel more than 7.1 times
	// that, if all 64 conspire: 440 code values of scaleBits+2*windowBits bits each.
	maxSigma = 40

	// scaleBits is how many bits below one code value the noise is summed up with, before the weights.
	scaleBits = 13
)

// A shrinker has what the spectrum's gains need: for each coefficient, at the scale the forward transform gives it.
type shrinker struct {
	t4  [64]float32 // the threshold to the fourth
	out [64]float32 // from the forward transform's scale to what the inverse needs
}

func newShrinker(sigma float64) *shrinker {
	t := threshold * min(sigma, maxSigma)
	s := new(shrinker)
	for v := range 8 {
		for u := range 8 {
			n := norm2[u] * norm2[v]
			s.t4[8*v+u] = float32(t * t * t * t * n * n)
			s.out[8*v+u] = float32((1 << scaleBits) / n)
		}
	}
	s.out[0] = 0 // the mean stays
	return s
}

// tile transforms eight columns across, finds what of their spectrum is noise, and adds it, transformed back across and windowed,
// to removed.
func (s *shrinker) tile(columns, removed []int64) {
	in, out := (*[64]int64)(columns), (*[64]int64)(removed)
	for v := range 8 {
		c0, c1, c2, c3, c4, c5, c6, c7 := forward8(in[v], in[v+8], in[v+16], in[v+24], in[v+32], in[v+40], in[v+48], in[v+56])
		t := (*[8]float32)(s.t4[8*v:])
		k := (*[8]float32)(s.out[8*v:])
		c0, c1, c2, c3 = shrink(c0, t[0], k[0]), shrink(c1, t[1], k[1]), shrink(c2, t[2], k[2]), shrink(c3, t[3], k[3])
		c4, c5, c6, c7 = shrink(c4, t[4], k[4]), shrink(c5, t[5], k[5]), shrink(c6, t[6], k[6]), shrink(c7, t[7], k[7])
		c0, c1, c2, c3, c4, c5, c6, c7 = inverse8(c0, c1, c2, c3, c4, c5, c6, c7)
		out[v] += w0 * c0
		out[v+8] += w1 * c1
		out[v+16] += w2 * c2
		out[v+24] += w3 * c3
		out[v+32] += w4 * c4
		out[v+40] += w5 * c5
		out[v+48] += w6 * c6
		out[v+56] += w7 * c7
	}
}

// shrink returns what of the coefficients in both lanes is noise: x * t^4/(x^4 + t^4), all of a small one, nearly nothing of a
// large one. Squares of squares stay far below the largest float32: coefficients are below 2^20.
func shrink(c int64, t4, k float32) int64 {
	left, right := lanes(c)
	l, r := float32(left), float32(right)
	l2, r2 := l*l, r*r
	l = l * (t4 * k) / (l2*l2 + t4)
	r = r * (t4 * k) / (r2*r2 + t4)
	return int64(int32(l)) + int64(int32(r))<<32
}
