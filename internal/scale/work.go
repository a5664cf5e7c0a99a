package scale

import (
	"context"
	"image"
)

// Work is what it takes to scale an image to one size.
type work struct {
	to           *writer
	across, down *taps
	mixed        []int16   // two rows of another height
	lights       []lights  // and of another width
	next         int       // the row of the result that comes next
	from         [][]int16 // pairs of rows that it is the sum of

	// Of an image that is made much smaller, the sums so far: of row y at y modulo their number.
	sums  [][]int32
	begun int // rows that have one
}

// No more pairs of rows than these are kept to be summed: those of one to fifteen.
const mostPairs = 32

func newWork(dst *image.YCbCr, r *reader) *work {
	size, was := dst.Rect.Size(), r.from.Rect.Size()
	w := &work{
		to: newWriter(dst), across: newTaps(size.X, was.X), down: newTaps(size.Y, was.Y),
		mixed: make([]int16, r.width/2*mixedSize), lights: make([]lights, size.X),
	}
	if w.down.n <= mostPairs {
		w.from = make([][]int16, w.down.n)
		return w
	}
	w.from = r.pairs(1)
	w.sums = make([][]int32, w.down.overlapping())
	for i := range w.sums {
		w.sums[i] = make([]int32, len(w.from[0])/2)
	}
	return w
}

// kept returns how many pairs of rows are to be kept for it.
func (w *work) kept() int {
	if w.sums != nil {
		return 1
	}
	return w.down.n
}

// run reads an image, and has all works take what they need of it.
func run(ctx context.Context, r *reader, works []*work) error {
	n := 1
	for _, w := range works {
		n = max(n, w.kept())
	}
	kept := r.pairs(n) // pair i at i modulo their number
	for i := range (r.from.Rect.Dy() + 1) / 2 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r.read(kept[i%n], i)
		for _, w := range works {
			if w.sums != nil {
				w.add(i, kept[i%n])
			} else {
				w.sum(i, kept)
			}
		}
	}
	return nil
}

// sum makes the rows that pair i is the last part of.
func (w *work) sum(i int, kept [][]int16) {
	n, first := w.down.n, w.down.first
	for ; w.next < len(first) && first[w.next]+n-1 == i; w.next++ {
		weights := w.down.weights[w.next*n:][:n]
		if n > 1 && weights[n-1] == ([2]int16{}) { // half of all rows, where what is made of an odd number of them begins with an even one
			weights = weights[:n-1]
		}
		for k := range weights {
			w.from[k] = kept[(first[w.next]+k)%len(kept)]
		}
		w.put(weights)
	}
}

// add adds pair i to all sums that it is a part of, and makes the rows that it is the last part of.
func (w *work) add(i int, pair []int16) {
	n, first := w.down.n, w.down.first
	for ; w.begun < len(first) && first[w.begun] <= i; w.begun++ {
		clear(w.sums[w.begun%len(w.sums)])
	}
	for y := w.next; y < w.begun; y++ {
		fastest.add(w.sums[y%len(w.sums)], pair, w.down.weights[y*n+i-first[y]])
	}
	for ; w.next < w.begun && first[w.next]+n-1 == i; w.next++ {
		for k, v := range w.sums[w.next%len(w.sums)] {
			w.from[0][2*k] = saturated((v + one/2) >> weightBits)
		}
		w.put([][2]int16{{one, 0}})
	}
}

// put makes the next row of what it comes from. Rows are written in pairs.
func (w *work) put(weights [][2]int16) {
	fastest.down(w.mixed, w.next%2, w.from, weights)
	if w.next%2 == 1 || w.next == len(w.down.first)-1 {
		fastest.across(w.lights, w.mixed, w.across)
		w.to.write(w.lights, w.next&^1)
	}
}
