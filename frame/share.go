package frame

import (
	"runtime"
	"weak"

	"github.com/livestill/livestill/internal/minheap"
)

// A share is what one History takes of a Budget. It does not keep the History alive.
type share struct {
	minheap.Index // in the shares of the Budget, until it has left

	budget  *Budget
	history weak.Pointer[History]
	bytes   int // of live memory
}

// Before puts the largest share first.
func (s *share) Before(other *share) bool { return s.bytes > other.bytes }

// join makes a share for h, which lasts as long as h does.
func (b *Budget) join(h *History) *share {
	if b == nil {
		b = DefaultBudget
	}
	s := &share{budget: b, history: weak.Make(h)}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shares.Update(s)
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
	b.shares.Update(s)
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

// remove removes a share, if it is there; b.mu is held.
func (b *Budget) remove(s *share) {
	b.remembered -= int64(s.bytes)
	s.bytes = 0
	b.shares.Remove(s)
}

// relieve shrinks the largest Histories until all of them fit. One goroutine at a time does it for all: it looks once more after
// each, and so sees what others have added meanwhile.
func (b *Budget) relieve() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.relieving {
		return
	}
	b.relieving = true
	for b.over() {
		largest := b.shares.First()
		h := largest.history.Value()
		if h == nil {
			b.remove(largest)
			continue
		}
		b.mu.Unlock() // a History's lock comes first
		h.shrink()
		b.mu.Lock()
	}
	b.relieving = false
}
