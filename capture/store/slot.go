package store

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// A slot has the letters with one key. The last counts; those before are out of date, dead or not, and removed before anything else is
// done. Whoever works on the files has the slot for themselves.
type slot struct {
	key     string   // by the empty Template; empty for letters that are so damaged that this is not known, of which none is out of date
	letters []*entry // by number

	busy     bool
	attempts int       // failures that others' successes lie between
	others   int       // of these, up to the last failure
	failures int       // in all
	due      time.Time // for the next attempt
	at       int       // in the heap; -1 if not there
}

// outdated are the letters that do not count.
func (s *slot) outdated() []*entry {
	if s.key == "" || len(s.letters) == 0 {
		return nil
	}
	return slices.Clone(s.letters[:len(s.letters)-1])
}

// latest is the letter that counts, nil if there is none.
func (s *slot) latest() *entry {
	if len(s.letters) == 0 {
		return nil
	}
	return s.letters[len(s.letters)-1]
}

// idle reports whether there is nothing to be done.
func (s *slot) idle() bool {
	return len(s.outdated()) == 0 && (s.latest() == nil || s.latest().dead)
}

// add takes up e under its key.
func (b *letterbox) add(key string, e *entry) {
	s := b.slots[key]
	if s == nil {
		s = &slot{key: key, at: -1}
		b.slots[key] = s
	}
	if !e.dead {
		b.pending++
	}
	s.letters = append(s.letters, e)
	slices.SortStableFunc(s.letters, func(a, b *entry) int { return cmp.Compare(a.number, b.number) })
	if s.latest() == e {
		s.attempts, s.failures, s.due = 0, 0, time.Time{}
	}
	b.update(s)
}

// drop forgets e, whose file is gone.
func (b *letterbox) drop(s *slot, e *entry) {
	if i := slices.Index(s.letters, e); i >= 0 {
		s.letters = slices.Delete(s.letters, i, i+1)
		b.bytes -= e.cost()
		if !e.dead {
			b.pending--
		}
	}
	b.update(s)
}

// bury and revive say that a letter was moved, whose slot is claimed.
func (b *letterbox) bury(e *entry, why string) {
	e.dead, e.why = true, why
	b.pending--
}

func (b *letterbox) revive(e *entry) {
	e.dead, e.why = false, ""
	b.pending++
}

// claim makes s the caller's alone.
func (b *letterbox) claim(s *slot) {
	s.busy = true
	b.busy++
	b.update(s)
}

// release ends a claim.
func (b *letterbox) release(s *slot) {
	s.busy = false
	b.busy--
	b.update(s)
}

// update puts s in its place in the heap, if it has one.
func (b *letterbox) update(s *slot) {
	if s.at >= 0 {
		heap.Remove(&b.due, s.at)
	}
	if !s.busy && !s.idle() {
		heap.Push(&b.due, s)
	}
	if !s.busy && len(s.letters) == 0 {
		delete(b.slots, s.key)
	}
}

// next claims the slot that is due, or says when the next will be.
func (b *letterbox) next(now time.Time) (s *slot, due time.Time) {
	if len(b.due) == 0 {
		return nil, due
	}
	if s = b.due[0]; s.due.After(now) {
		return nil, s.due
	}
	b.claim(s)
	return s, due
}

// count tells how many there are.
func (b *letterbox) count(p *Progress) {
	p.Bytes, p.Pending = b.bytes, b.pending
	for _, s := range b.slots {
		for _, e := range s.letters {
			if e.dead {
				p.Dead++
				continue
			}
			if p.Oldest.IsZero() || e.put.Before(p.Oldest) {
				p.Oldest = e.put
			}
		}
	}
}

// A dueHeap has on top what is to be tried next: the oldest of those that did not fail, then by when they are due.
type dueHeap []*slot

func (h dueHeap) Len() int { return len(h) }

func (h dueHeap) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].letters[0].number < h[j].letters[0].number
}

func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push is heap.Interface's.
func (h *dueHeap) Push(x any) {
	s := x.(*slot)
	s.at = len(*h)
	*h = append(*h, s)
}

// Pop is heap.Interface's.
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	s.at = -1
	return s
}
