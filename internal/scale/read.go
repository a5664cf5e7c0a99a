package scale

import "image"

// A reader reads rows of an image as light.
type reader struct {
	from         *image.YCbCr
	across, down int          // pixels that share a chroma sample
	width        int          // of the image, in whole groups
	rows         [2][3][]byte // that are read: luma, Cb and Cr
	copies       [2][3][]byte // of them
	halved       []byte       // chroma for every other pixel
}

func newReader(from *image.YCbCr) *reader {
	r := &reader{from: from, width: (from.Rect.Dx() + group - 1) / group * group}
	r.across, r.down, _ = sharing(from.SubsampleRatio)
	room := func() []byte { return make([]byte, r.width+2*group) }
	r.copies = [2][3][]byte{{room(), room(), room()}, {room(), room(), room()}}
	r.halved = room()
	return r
}

// pairs returns room for n pairs of rows.
func (r *reader) pairs(n int) [][]int16 {
	pairs := make([][]int16, n)
	for i := range pairs {
		pairs[i] = make([]int16, r.width/group*groupSize)
	}
	return pairs
}

// read reads a pair of rows. Below the last row is that again.
func (r *reader) read(to []int16, pair int) {
	m := r.from
	rows, above := &r.rows, -1
	for i := range rows {
		at := m.Rect.Min.Add(image.Pt(0, min(2*pair+i, m.Rect.Dy()-1)))
		rows[i][0] = r.whole(m.Y[m.YOffset(at.X, at.Y):], r.copies[i][0])
		c := m.COffset(at.X, at.Y)
		if c == above {
			rows[i][1], rows[i][2] = rows[0][1], rows[0][2]
			continue
		}
		for k, plane := range [...][]byte{m.Cb, m.Cr} {
			rows[i][1+k] = r.chroma(plane[c:], r.copies[i][1+k], at.X)
		}
		above = c
	}
	fastest.light(to, &rows[0], &rows[1])
}

// whole returns a row as long as whole groups are: itself, or a copy if there is nothing behind it.
func (r *reader) whole(row, to []byte) []byte {
	if len(row) < r.width {
		copy(to, row)
		return to
	}
	return row
}

// chroma returns the chroma of each pixel from x on.
func (r *reader) chroma(row, to []byte, x int) []byte {
	switch r.across {
	case 1:
		return r.whole(row, to)
	case 4:
		fastest.double(r.halved, row)
		row = r.halved
	}
	fastest.double(to, row)
	return to[x%r.across:]
}
