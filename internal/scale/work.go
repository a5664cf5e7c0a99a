package scale

import "context"

// Work is what it takes to scale an image.
type work struct {
	from         *reader
	to           *writer
	across, down *taps
	row          []pixel  // of the image that is read
	sums         []lights // that are written
}

// No more rows than these are kept to be summed: those of one to eight.
const mostRows = 32

// read reads row y, of another width.
func (w *work) read(to []pixel, y int) {
	w.from.read(w.row, y)
	fastest.across(to, w.row, w.across)
}

// rows returns room for n rows of the width that is written.
func (w *work) rows(n int) [][]pixel {
	rows := make([][]pixel, n)
	for i := range rows {
		rows[i] = make([]pixel, len(w.sums))
	}
	return rows
}

// keepRows keeps the rows that are read until all are summed that they are a part of.
func (w *work) keepRows(ctx context.Context) error {
	n, read := w.down.n, 0
	kept := w.rows(n) // row y at y modulo their number
	ordered := make([][]pixel, n)
	for y, first := range w.down.first {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for read = max(read, first); read < first+n; read++ {
			w.read(kept[read%n], read)
		}
		for k := range ordered {
			ordered[k] = kept[(first+k)%n]
		}
		fastest.down(w.sums, ordered, w.down.weights[y*n:][:n])
		w.to.write(w.sums, y)
	}
	return nil
}

// keepSums adds each row that is read to all sums that it is a part of, and keeps those.
func (w *work) keepSums(ctx context.Context) error {
	n, first := w.down.n, w.down.first
	kept := w.rows(w.down.overlapping()) // the sum of row y at y modulo their number
	read := w.rows(1)[0]
	sum, once := make([][]pixel, 1), []float32{1}
	for y, begun, done := 0, 0, 0; done < len(first); y++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		w.read(read, y)
		for ; begun < len(first) && first[begun] <= y; begun++ {
			clear(kept[begun%len(kept)])
		}
		for i := done; i < begun; i++ {
			add(kept[i%len(kept)], read, w.down.weights[i*n+y-first[i]])
		}
		for ; done < begun && first[done]+n-1 == y; done++ {
			sum[0] = kept[done%len(kept)]
			fastest.down(w.sums, sum, once)
			w.to.write(w.sums, done)
		}
	}
	return nil
}
