package measure

// Sums over the blocks that were looked at.
type sums struct {
	fine            float64 // energy of fine coefficients, the mean of each block
	slope           int64   // squares of all steps across and down
	steps           tensor  // of steps in the middle of four pixels, 28 in each block
	swings          tensor  // of the coarsest coefficients
	black, white    int
	light           float64 // of eight times the mean
	within, between int64   // steps in size: two per row and column within a block, one to the next block
}

// block adds a block of 8x8 pixels. It returns the mean energy of the 48 coefficients whose frequency is high in either direction, and
// whether any of its pixels is black or white. The energy is that of the pixels less that of the 16 other coefficients.
func (s *sums) block(pix []byte, stride int) (fine float64, clipped bool) {
	var rows [4][8]float64 // the lower half of each row's transform
	energy, slope, black, white := int32(0), int32(0), 0, 0
	above := (*[8]byte)(pix)
	for v := range 8 {
		row := (*[8]byte)(pix[v*stride:])
		left := int32(row[0])
		for u, b := range row {
			c := int32(b)
			energy += c * c
			slope += (c-left)*(c-left) + (c-int32(above[u]))*(c-int32(above[u]))
			left = c
			if b-2 >= 252 { // 0, 1, 254, 255
				if b < 2 {
					black++
				} else {
					white++
				}
			}
		}
		above = row
		rows[0][v], rows[1][v], rows[2][v], rows[3][v] = lower(float64(row[0]), float64(row[1]), float64(row[2]), float64(row[3]),
			float64(row[4]), float64(row[5]), float64(row[6]), float64(row[7]))
	}
	coarse, across, down := 0., 0., 0.
	for u, r := range rows {
		a, b, c, d := lower(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7])
		coarse += a*a + b*b + c*c + d*d
		switch u {
		case 0:
			s.light += a
			down = b
		case 1:
			across = a
		}
	}
	fine = max(0, (float64(energy)-coarse)/48)
	s.fine += fine
	s.slope += int64(slope)
	s.swings.add(across*across, down*down, across*down)
	s.black += black
	s.white += white
	return fine, black+white > 0
}

// directions adds the steps of a block. Where four pixels meet, the differences along the diagonals, p and q, tell those across and down:
//
//	a b    p = d - a    across (p+q)/2
//	c d    q = b - c    down   (p-q)/2
//
// Of an edge across or down a+d is b+c, and nearly so of a slanted one; of white noise the difference has four times its variance (much
// as Immerkaer, "Fast noise variance estimation", 1996). directions returns what variance that is.
func (s *sums) directions(pix []byte, stride int) (grain float64) {
	var pp, qq, pq, rr int32
	for v := 0; v < 8; v += 2 {
		upper, lower := (*[8]byte)(pix[v*stride:]), (*[8]byte)(pix[(v+1)*stride:])
		a, c := int32(upper[0]), int32(lower[0])
		for u := 1; u < 8; u++ {
			b, d := int32(upper[u]), int32(lower[u])
			p, q, r := d-a, b-c, a+d-b-c
			pp += p * p
			qq += q * q
			pq += p * q
			rr += r * r
			a, c = b, d
		}
	}
	s.steps.add(float64(pp+qq+2*pq)/4, float64(pp+qq-2*pq)/4, float64(pp-qq)/4)
	return float64(rr) / 4 / 28
}

// borders adds steps from a block to the next ones, and steps within it that are between no blocks of any transform. It looks at every
// other row and column.
func (s *sums) borders(pix []byte, stride int) {
	var within, between int32
	for v := 0; v < 8; v += 2 {
		r := (*[9]byte)(pix[v*stride:])
		within += distant(r[1], r[2]) + distant(r[5], r[6])
		between += distant(r[7], r[8])
	}
	a, b := (*[8]byte)(pix[stride:]), (*[8]byte)(pix[2*stride:])
	c, d := (*[8]byte)(pix[5*stride:]), (*[8]byte)(pix[6*stride:])
	e, f := (*[8]byte)(pix[7*stride:]), (*[8]byte)(pix[8*stride:])
	for u := 0; u < 8; u += 2 {
		within += distant(a[u], b[u]) + distant(c[u], d[u])
		between += distant(e[u], f[u])
	}
	s.within += int64(within)
	s.between += int64(between)
}

func distant(a, b byte) int32 {
	d := int32(a) - int32(b)
	return max(d, -d)
}

// lower returns the lower half of the discrete cosine transform of eight values.
func lower(a, b, c, d, e, f, g, h float64) (c0, c1, c2, c3 float64) {
	const k0, k1, k2, k3, k5, k6, k7 = 0.353553391, 0.490392640, 0.461939766, 0.415734806, 0.277785117, 0.191341716, 0.097545161
	s0, s1, s2, s3 := a+h, b+g, c+f, d+e
	d0, d1, d2, d3 := a-h, b-g, c-f, d-e
	return k0 * (s0 + s1 + s2 + s3), k1*d0 + k3*d1 + k5*d2 + k7*d3, k2*(s0-s3) + k6*(s1-s2), k3*d0 - k7*d1 - k1*d2 - k5*d3
}
