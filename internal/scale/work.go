package scale

import "context"

// Work is what it takes to scale an image.
type work struct {
	from         *reader
	to           *writer
	across, down *taps
	mixed        []int16  // two rows of another height
	lights       []lights // and of another width
}

// No more pairs of rows than these are kept to be summed: those of one to fifteen.
const mostPairs = 32

// pairs returns room for n pairs of rows of the width that is read.
func (w *work) pairs(n int) [][]int16 {
	pairs := make([][]int16, n)
	for i := range pairs {
		pairs[i] = make([]int16, w.from.width/group*groupSize)
	}
	return pairs
}

// put takes row y of the height that is written, as the sum of others. Rows are written in pairs.
func (w *work) put(y int, from [][]int16, weights [][2]int16) {
	fastest.down(w.mixed, y%2, from, weights)
	if y%2 == 1 || y == len(w.down.first)-1 {
		fastest.across(w.lights, w.mixed, w.across)
		w.to.write(w.lights, y&^1)
	}
}

// keepRows keeps the rows that are read until all are summed that they are a part of.
func (w *work) keepRows(ctx context.Context) error {
	n, read := w.down.n, 0
	kept := w.pairs(n) // pair i at i modulo their number
	ordered := make([][]int16, n)
	for y, first := range w.down.first {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for read = max(read, first); read < first+n; read++ {
			w.from.read(kept[read%n], read)
		}
		for k := range ordered {
			ordered[k] = kept[(first+k)%n]
		}
		weights := w.down.weights[y*n:][:n]
		if weights[n-1] == ([2]int16{}) && n > 1 { // half of all rows, where what is made of an odd number of them begins with an even one
			weights = weights[:n-1]
		}
		w.put(y, ordered, weights)
	}
	return nil
}

// keepSums adds each pair of rows that is read to all sums that it is a part of, and keeps those.
func (w *work) keepSums(ctx context.Context) error {
	n, first := w.down.n, w.down.first
	kept := make([][]int32, w.down.overlapping()) // the sum of row y at y modulo their number
	pair := w.pairs(2)
	read, sum := pair[0], pair[1:]
	for i := range kept {
		kept[i] = make([]int32, len(read)/2)
	}
	for i, begun, done := 0, 0, 0; done < len(first); i++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		w.from.read(read, i)
		for ; begun < len(first) && first[begun] <= i; begun++ {
			clear(kept[begun%len(kept)])
		}
		for y := done; y < begun; y++ {
			fastest.add(kept[y%len(kept)], read, w.down.weights[y*n+i-first[y]])
		}
		for ; done < begun && first[done]+n-1 == i; done++ {
			for k, v := range kept[done%len(kept)] {
				sum[0][2*k] = saturated((v + one/2) >> weightBits)
			}
			w.put(done, sum, [][2]int16{{one, 0}})
		}
	}
	return nil
}
