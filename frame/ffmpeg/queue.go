package ffmpeg

import (
	"cmp"
	"slices"

	"github.com/livestill/livestill/frame"
)

// How many pictures that were sent after a unit may come out before it, until the unit counts as missing. It is one more than
// the 16 pictures of the largest buffer that H.264 (A.3.1) and H.265 (A.4.2) know, which is the most B-frames in a row that
// encoders make.
const maxAhead = 17

// How many pictures are held before one that is due earlier, by its time, counts as missing: with timestamps in disorder that
// can be a unit at the far end of the GOP, and memory is not to fill up until then. Streams in order hold at most maxAhead.
const maxHeld = 2 * maxAhead

// What is known of a unit.
type fate uint8

const (
	waiting fate = iota // not decoded yet
	out                 // its picture came out
	missing             // it has no picture, and will not have one
)

// A queue holds decoded pictures back until all is known that bears on them: a picture is corrupt if one before it in decoding
// order was damaged, and with B-frames and frame threads that can come out later. It also puts them into presentation order.
//
// T is what a picture is held as. The queue owns what is put in, until take or rest hands it back.
type queue[T any] struct {
	fates   []fate
	held    []T   // by decoding index
	show    []int // decoding indices in presentation order
	shown   int   // how many of show are dealt with
	settled int   // every unit below this decoding index has its fate
	bad     int   // the lowest decoding index known to be damaged; the number of units if there is none
	outs    int   // pictures that came out, those above settled only
	holding int   // pictures held
	hidden  func(i int) bool
}

// newQueue returns the queue for the units of g. hidden tells whether unit i may rightly have no picture of its own; it is
// asked once the unit turns out to have none.
func newQueue[T any](g frame.GOP, hidden func(i int) bool) *queue[T] {
	q := &queue[T]{fates: make([]fate, len(g)), held: make([]T, len(g)), show: make([]int, len(g)), bad: len(g), hidden: hidden}
	for i := range q.show {
		q.show[i] = i
	}
	slices.SortStableFunc(q.show, func(a, b int) int { return cmp.Compare(g[a].PTS, g[b].PTS) })
	return q
}

// spoil says that unit i is damaged, and with it what was sent after it.
func (q *queue[T]) spoil(i int) { q.bad = min(q.bad, i) }

// doubt says that something before now was damaged, but not what: with threads an error comes late.
func (q *queue[T]) doubt() { q.spoil(q.settled) }

// put takes the picture of unit i. It reports false, and takes nothing, if the unit has had its fate already.
func (q *queue[T]) put(i int, t T) bool {
	if i < 0 || i >= len(q.fates) || q.fates[i] != waiting {
		return false
	}
	q.fates[i], q.held[i] = out, t
	q.outs++
	q.holding++
	q.settle()
	return true
}

// lose says that unit i has no picture and will not have one.
func (q *queue[T]) lose(i int) {
	if q.fates[i] != waiting {
		return
	}
	q.miss(i)
	q.settle()
}

// forgo says that unit i was not decoded, because nobody needs its picture.
func (q *queue[T]) forgo(i int) {
	q.fates[i] = missing
	q.settle()
}

func (q *queue[T]) miss(i int) {
	q.fates[i] = missing
	if !q.hidden(i) {
		q.spoil(i)
	}
}

// settle moves settled on, past units that have their fate and those that are overdue.
func (q *queue[T]) settle() {
	for q.settled < len(q.fates) {
		i := q.settled
		switch {
		case q.fates[i] == out:
			q.outs--
		case q.fates[i] == missing:
		case q.outs >= maxAhead:
			q.miss(i)
		default:
			return
		}
		q.settled++
	}
}

// drain says that nothing more comes out.
func (q *queue[T]) drain() {
	for i := range q.fates {
		q.lose(i)
	}
}

// take returns the next picture in presentation order, which unit it is of, and whether it is corrupt; ok is false as long as
// it must be held back.
func (q *queue[T]) take() (i int, t T, corrupt, ok bool) {
	for ; q.shown < len(q.show); q.shown++ {
		i = q.show[q.shown]
		if q.fates[i] == out && i >= q.settled {
			break
		}
		if q.fates[i] == waiting {
			if q.holding < maxHeld {
				break
			}
			q.lose(i)
		}
		if q.fates[i] == missing {
			continue
		}
		var none T
		t, q.held[i] = q.held[i], none
		q.shown++
		q.holding--
		return i, t, q.bad <= i, true
	}
	return 0, t, false, false
}

// rest returns what is still held, in no order, and empties the queue.
func (q *queue[T]) rest() (ts []T) {
	for _, i := range q.show[q.shown:] {
		if q.fates[i] == out {
			ts = append(ts, q.held[i])
		}
	}
	q.shown = len(q.show)
	return ts
}
