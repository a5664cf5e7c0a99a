package frame

import (
	"container/heap"
	"runtime"
	"weak"
)

// A share is what one History takes of a Budget. It does not keep the History alive.
type share struct {
	budget  *Budget
	history weak.Pointer[History]
	bytes   int // of live memory
	index   int // in the shares of the Budget; -1 when it has left
}

// join makes a share for h, which lasts as long as h does.
func (b *Budget) join(h *History) *share {
	if b == nil {
		b = DefaultBudget
	}
	s := &share{budget: b, history: weak.Make(h)}
	b.mu.Lock()
	defer b.mu.Unlock()
	heap.Push(&b.shares, s)
	runtime.AddCleanup(h, (*share).leave, s)
	return s
}

// set sets what a History takes, and reports whether all of them take too much.
func (s *share) set(bytes int) (over bool) {
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remembered += int64(bytes - s.bytes)
	s.bytes = bytes
	heap.Fix(&b.shares, s.index)
	return b.over()
}

// over reports whether Histories remember too much; b.mu is held.
func (b *Budget) over() bool { return b.remembered > b.bytes()/2/garbage }

// leave takes a share from its Budget.
func (s *share) leave() {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	s.budget.remove(s)
}

// remove removes a share; b.mu is held.
func (b *Budget) remove(s *share) {
	if s.index >= 0 {
		b.remembered -= int64(s.bytes)
		heap.Remove(&b.shares, s.index)
	}
}

// relieve has the largest Histories give way until all of them fit. One goroutine at a time does it for all: it looks once more after
// each, and so sees what others have added meanwhile.
func (b *Budget) relieve() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.relieving {
		return
	}
	b.relieving = true
	for b.over() {
		largest := b.shares[0]
		h := largest.history.Value()
		if h == nil {
			b.remove(largest)
			continue
		}
		b.mu.Unlock() // a History's lock comes first
		h.giveWay()
		b.mu.Lock()
	}
	b.relieving = false
}

// shares is a heap, the largest first.
type shares []*share

func (s shares) Len() int           { return len(s) }
func (s shares) Less(i, j int) bool { return s[i].bytes > s[j].bytes }
func (s shares) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].index, s[j].index = i, j
}

// Push is of heap.Interface.
func (s *shares) Push(x any) {
	added := x.(*share)
	added.index = len(*s)
	*s = append(*s, added)
}

// Pop is of heap.Interface.
func (s *shares) Pop() any {
	last := len(*s) - 1
	popped := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	popped.index = -1
	return popped
}
