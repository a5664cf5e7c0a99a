package turn

// A sample of chroma that is subsampled lies in the middle of the two samples of luma that it is for, as JPEG has it: the first between luma 0 and 1,
// or if odd is 1, as in a part of a picture that begins in an odd column, between luma -1 and 0.

// shift returns by how many halves of a sample chroma has to be moved towards its beginning along a side of so many samples of luma, so that its
// samples are where those of the new picture lie. In that the first two samples of luma have one of chroma, and if their number is odd the last one
// has one alone.
func shift(luma, odd int, fromEnd bool) int {
	switch {
	case !fromEnd:
		return odd
	case (luma+odd)%2 == 0:
		return 0
	case odd == 1:
		return 1
	default:
		return -1
	}
}

// between is what is halfway between b and c, by the cubic spline through all four.
func between(a, b, c, d byte) byte {
	v := (9*(int(b)+int(c)) - int(a) - int(d) + 8) >> 4
	return byte(min(max(v, 0), 255))
}

// shiftedX returns the samples of chroma of rows of so many samples of luma, moved by half of a sample: see shift.
func shiftedX(p plane, luma, halves int) plane {
	w := (luma + 1) / 2
	if halves == 0 {
		p.w = w
		return p
	}
	out := newPlane(w, p.h)
	at := func(i int) int { return min(max(i, 0), p.w-1) }
	for y := range p.h {
		in, row := p.row(y), out.row(y)
		for x := range row {
			i := x + (halves-1)/2
			row[x] = between(in[at(i-1)], in[at(i)], in[at(i+1)], in[at(i+2)])
		}
	}
	return out
}

// shiftedY is shiftedX of columns.
func shiftedY(p plane, luma, halves int) plane {
	h := (luma + 1) / 2
	if halves == 0 {
		p.h = h
		return p
	}
	out := newPlane(p.w, h)
	at := func(i int) []byte { return p.row(min(max(i, 0), p.h-1)) }
	for y := range h {
		i := y + (halves-1)/2
		a, b, c, d, row := at(i-1), at(i), at(i+1), at(i+2), out.row(y)
		for x := range row {
			row[x] = between(a[x], b[x], c[x], d[x])
		}
	}
	return out
}

// widened returns chroma with a sample for each of luma in rows of so many. It is interpolated as decoders of JPEG do it, so that it looks the same.
func widened(p plane, luma, odd int) plane {
	out := newPlane(luma, p.h)
	for y := range p.h {
		in, row := p.row(y), out.row(y)
		for x := range row {
			i := (x + odd) / 2
			near := i - 1 + 2*((x+odd)%2)
			row[x] = byte((3*int(in[i]) + int(in[min(max(near, 0), p.w-1)]) + 2) >> 2)
		}
	}
	return out
}
