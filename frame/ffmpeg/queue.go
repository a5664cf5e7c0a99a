package ffmpeg

import (
	"container/heap"
	"time"
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

// A slot is what a queue knows of one unit, and its picture, as a T.
type slot[T any] struct {
	fate    fate
	pts     time.Duration
	key     bool // decoding can begin here
	hurt    bool // its own picture is damaged
	hurting bool // so is what comes after it, up to the next key unit
	tainted bool // it is hurting, or comes after one that is; known below settled
	none    bool // it has no picture, and is meant to have none
	held    T
}

// A queue holds decoded pictures back until all is known that bears on them: a picture is corrupt if one before it in decoding
// order was damaged, and with B-frames and threads that can come out later. It also puts them into presentation order.
//
// The queue owns what is put in, until take or rest hands it back.
type queue[T any] struct {
	slots   []slot[T] // in decoding order
	show    schedule  // what is not dealt with
	settled int       // every unit below this index has its fate
	ahead   int       // pictures that came out of units above settled
	holding int       // pictures held
	hidden  func(i int) bool
}

// A schedule is a heap of units, on top that which is shown first; of those that are shown at the same time, that which came first.
type schedule []due

// A due is when a unit is shown.
type due struct {
	pts  time.Duration
	unit int
}

func (s schedule) Len() int { return len(s) }
func (s schedule) Less(a, b int) bool {
	return s[a].pts < s[b].pts || s[a].pts == s[b].pts && s[a].unit < s[b].unit
}
func (s schedule) Swap(a, b int) { s[a], s[b] = s[b], s[a] }
func (s *schedule) Push(x any)   { *s = append(*s, x.(due)) }
func (s *schedule) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

// newQueue returns a queue. hidden tells whether unit i may rightly have no picture of its own; it is asked once the unit turns out to
// have none.
func newQueue[T any](hidden func(i int) bool) *queue[T] { return &queue[T]{hidden: hidden} }

// add makes room for the next unit in decoding order.
func (q *queue[T]) add(pts time.Duration, key bool) {
	heap.Push(&q.show, due{pts, len(q.slots)})
	q.slots = append(q.slots, slot[T]{pts: pts, key: key})
}

// spoil says that unit i is damaged, and with it what may refer to it; alone, that nothing does.
func (q *queue[T]) spoil(i int, alone bool) {
	q.slots[i].hurt = true
	if alone {
		return
	}
	q.slots[i].hurting = true
	for ; i < q.settled && !q.slots[i].tainted && q.taints(i); i++ {
		q.slots[i].tainted = true
	}
}

// taints tells whether unit i, or one before it that it may refer to, is hurting.
func (q *queue[T]) taints(i int) bool {
	s := &q.slots[i]
	return s.hurting || !s.key && i > 0 && q.slots[i-1].tainted
}

// put takes the picture of unit i. It reports false, and takes nothing, if the unit has had its fate already.
func (q *queue[T]) put(i int, t T) bool {
	if q.slots[i].fate != waiting {
		return false
	}
	q.slots[i].fate, q.slots[i].held = out, t
	q.holding++
	q.ahead++
	q.settle()
	return true
}

// lose says that unit i has no picture and will not have one.
func (q *queue[T]) lose(i int) {
	if q.slots[i].fate == waiting {
		q.miss(i)
		q.settle()
	}
}

// forgo says that unit i is not decoded, because nobody needs its picture and nothing refers to it.
func (q *queue[T]) forgo(i int) {
	q.slots[i].fate = missing
	q.settle()
}

func (q *queue[T]) miss(i int) {
	q.slots[i].fate = missing
	if q.slots[i].none = q.hidden(i); !q.slots[i].none {
		q.spoil(i, false)
	}
}

// settle moves settled on, past units that have their fate and those that are overdue.
func (q *queue[T]) settle() {
	for ; q.settled < len(q.slots); q.settled++ {
		switch q.slots[q.settled].fate {
		case out:
			q.ahead--
		case waiting:
			if q.ahead < maxAhead {
				return
			}
			q.miss(q.settled)
		case missing:
		}
		q.slots[q.settled].tainted = q.taints(q.settled)
	}
}

// drain says that nothing more comes out.
func (q *queue[T]) drain() {
	for i := range q.slots {
		q.lose(i)
	}
}

// take returns the next picture in presentation order, which unit it is of, and whether it is corrupt; ok is false as long as
// it must be held back. A unit that rightly has no picture gives none.
func (q *queue[T]) take() (i int, t T, corrupt, none, ok bool) {
	for ; len(q.show) > 0; heap.Pop(&q.show) {
		i = q.show[0].unit
		s := &q.slots[i]
		if s.fate == out && i >= q.settled {
			break
		}
		if s.fate == waiting {
			if q.holding < maxHeld {
				break
			}
			q.lose(i)
		}
		if s.fate == missing {
			if s.none && i < q.settled && !q.corrupt(i) {
				heap.Pop(&q.show)
				return i, t, false, true, true
			}
			continue
		}
		var empty T
		t, s.held = s.held, empty
		heap.Pop(&q.show)
		q.holding--
		return i, t, q.corrupt(i), false, true
	}
	return 0, t, false, false, false
}

// corrupt tells whether unit i, which is below settled, or anything that it may refer to is damaged.
func (q *queue[T]) corrupt(i int) bool { return q.slots[i].hurt || q.slots[i].tainted }

// rest returns what is still held, in no order, and empties the queue.
func (q *queue[T]) rest() (ts []T) {
	for _, d := range q.show {
		if q.slots[d.unit].fate == out {
			ts = append(ts, q.slots[d.unit].held)
		}
	}
	q.show = nil
	return ts
}
