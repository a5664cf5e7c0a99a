// Package reorder puts decoded pictures into presentation order, and finds out which of them are corrupt.
package reorder

import (
	"container/heap"
	"time"

	"github.com/livestill/livestill/internal/tail"
)

// MaxAhead is how many pictures that were sent after a unit may come out before it, until the unit counts as missing. It is one more than
// the 16 pictures of the largest buffer that H.264 (A.3.1) and H.265 (A.4.2) know, which is the most B-frames in a row that
// encoders make.
const MaxAhead = 17

// How many pictures are buffered before one that is due earlier, by its time, counts as missing: with timestamps in disorder that
// can be a unit at the far end of the GOP, and memory is not to fill up until then. Of streams in order at most MaxAhead are.
const maxBuffered = 2 * MaxAhead

// A state says what became of a unit.
type state uint8

const (
	pending state = iota // not decoded yet
	decoded              // its picture came out
	missing              // it has no picture, and will not have one
)

// An entry is what a Buffer knows of one unit, and its picture, as a T.
type entry[T any] struct {
	state   state
	pts     time.Duration
	key     bool // decoding can begin here
	damaged bool // its own picture is damaged
	spreads bool // so is what comes after it, up to the next key unit
	tainted bool // it spreads damage, or comes after one that does; known of settled units
	hidden  bool // it has no picture, and is meant to have none
	picture T
}

// A Buffer keeps decoded pictures until all is known that bears on them: a picture is corrupt if one before it in decoding
// order was damaged, and with B-frames and threads that can come out later. It also puts them into presentation order.
//
// The Buffer owns what is put in, until Next or Rest hands it back. Each unit takes the same time, however many came before it, and memory as long
// as others may have to do with it.
type Buffer[T any] struct {
	entries  tail.List[entry[T]] // in decoding order
	most     int                 // that there are, before those that are not needed are looked for
	show     schedule            // units that are not dealt with
	settled  int                 // of every unit below this index it is known what became of it
	ahead    int                 // pictures that came out of units above settled
	buffered int                 // pictures
	hidden   func(i int) bool
}

// A schedule is a heap of units, on top that which is shown first; of those that are shown at the same time, that which came first.
type schedule []showing

// A showing is when a unit is shown.
type showing struct {
	pts  time.Duration
	unit int
}

func (s schedule) Len() int { return len(s) }
func (s schedule) Less(a, b int) bool {
	return s[a].pts < s[b].pts || s[a].pts == s[b].pts && s[a].unit < s[b].unit
}
func (s schedule) Swap(a, b int) { s[a], s[b] = s[b], s[a] }
func (s *schedule) Push(x any)   { *s = append(*s, x.(showing)) }
func (s *schedule) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

// New returns a Buffer. hidden tells whether unit i may rightly have no picture of its own; it is asked once the unit turns out to
// have none.
func New[T any](hidden func(i int) bool) *Buffer[T] { return &Buffer[T]{hidden: hidden} }

// Add makes room for the next unit in decoding order.
func (b *Buffer[T]) Add(pts time.Duration, key bool) {
	heap.Push(&b.show, showing{pts, b.entries.Len()})
	b.entries.Add(entry[T]{pts: pts, key: key})
	b.forget()
}

// First returns the first unit that the Buffer may still name.
func (b *Buffer[T]) First() int { return b.entries.First() }

// So many entries are no more trouble than looking for those that are not needed.
const few = 1024

// forget forgets the units before all that are not dealt with, now and then.
func (b *Buffer[T]) forget() {
	if b.entries.Len()-b.entries.First() < max(few, b.most) {
		return
	}
	first := b.settled - 1 // which tells whether the next is tainted
	for _, s := range b.show {
		first = min(first, s.unit)
	}
	b.entries.Forget(first)
	b.most = 2 * (b.entries.Len() - b.entries.First())
}

// Damage says that unit i is damaged. Unless it is alone, so is what may refer to it.
func (b *Buffer[T]) Damage(i int, alone bool) {
	if i < b.First() { // it is out, and what comes after it is not
		if alone {
			return
		}
		i = b.First()
	}
	b.entries.At(i).damaged = true
	if alone {
		return
	}
	b.entries.At(i).spreads = true
	for ; i < b.settled && !b.entries.At(i).tainted && b.taints(i); i++ {
		b.entries.At(i).tainted = true
	}
}

// taints reports whether unit i, or one before it that it may refer to, spreads damage.
func (b *Buffer[T]) taints(i int) bool {
	e := b.entries.At(i)
	return e.spreads || !e.key && i > b.First() && b.entries.At(i-1).tainted
}

// Put takes the picture of unit i. It reports false, and takes nothing, if it is known already what became of the unit.
func (b *Buffer[T]) Put(i int, picture T) bool {
	e := b.entries.At(i)
	if e == nil || e.state != pending {
		return false
	}
	e.state, e.picture = decoded, picture
	b.buffered++
	b.ahead++
	b.settle()
	return true
}

// Lose says that unit i has no picture and will not have one, unless it came out.
func (b *Buffer[T]) Lose(i int) {
	if e := b.entries.At(i); e != nil && e.state == pending {
		b.miss(i)
		b.settle()
	}
}

// Skip says that unit i is not decoded, because nobody needs its picture and nothing refers to it.
func (b *Buffer[T]) Skip(i int) {
	b.entries.At(i).state = missing
	b.settle()
}

func (b *Buffer[T]) miss(i int) {
	e := b.entries.At(i)
	e.state = missing
	if e.hidden = b.hidden(i); !e.hidden {
		b.Damage(i, false)
	}
}

// settle moves settled on, past units that are not pending and those that are overdue.
func (b *Buffer[T]) settle() {
	for ; b.settled < b.entries.Len(); b.settled++ {
		switch b.entries.At(b.settled).state {
		case decoded:
			b.ahead--
		case pending:
			if b.ahead < MaxAhead {
				return
			}
			b.miss(b.settled)
		case missing:
		}
		b.entries.At(b.settled).tainted = b.taints(b.settled)
	}
}

// Drain says that nothing more comes out.
func (b *Buffer[T]) Drain() {
	for i := b.First(); i < b.entries.Len(); i++ {
		b.Lose(i)
	}
}

// An Output is what comes out of a Buffer.
type Output[T any] struct {
	Unit    int
	Picture T    // none if it is hidden
	Corrupt bool // it is damaged, or something that it may refer to
	Hidden  bool // the unit rightly has no picture
}

// Next returns the next output in presentation order; ok is false as long as there is none of which all is known.
func (b *Buffer[T]) Next() (o Output[T], ok bool) {
	for ; len(b.show) > 0; heap.Pop(&b.show) {
		i := b.show[0].unit
		e := b.entries.At(i)
		if e.state == decoded && i >= b.settled {
			break
		}
		if e.state == pending {
			if b.buffered < maxBuffered {
				break
			}
			b.Lose(i)
		}
		if e.state == missing {
			if e.hidden && i < b.settled && !b.Corrupt(i) {
				heap.Pop(&b.show)
				return Output[T]{Unit: i, Hidden: true}, true
			}
			continue
		}
		heap.Pop(&b.show)
		b.buffered--
		o = Output[T]{Unit: i, Picture: e.picture, Corrupt: b.Corrupt(i)}
		var none T
		e.picture = none
		return o, true
	}
	return o, false
}

// Corrupt reports whether unit i, or anything that it may refer to, is damaged: of a unit that an Output was told of, and of one before it in decoding
// order, or right behind it that was lost.
func (b *Buffer[T]) Corrupt(i int) bool { return b.entries.At(i).damaged || b.entries.At(i).tainted }

// Rest returns what is still buffered, in no order, and empties the Buffer.
func (b *Buffer[T]) Rest() (pictures []T) {
	for _, s := range b.show {
		if e := b.entries.At(s.unit); e.state == decoded {
			pictures = append(pictures, e.picture)
		}
	}
	b.show = nil
	return pictures
}
