package frame

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// ErrTooCostly refuses what would take more memory or processor time than it may.
var ErrTooCostly = errors.New("too costly")

// A Cost is the memory that it takes to decode a GOP, in bytes.
type Cost struct {
	Picture  int64 // one decoded picture, as a Picture
	Decoding int64 // what the decoder holds at most while it decodes
}

// A Budget bounds the memory that all who share it take together: one half is for what Histories remember, the other for what captures
// decode, enhance and encode. The zero Budget is ready for use, by any number of goroutines.
//
// When Histories remember more than their half, the largest gives way first, even if its stream stalls or has ended: it forgets its oldest
// GOP. If it has but one, that keeps only its key unit, as with History.MaxBytes, and if that is what it has, it forgets even this, until
// the next key unit. A History that nobody holds any more leaves its Budget when Go's garbage is collected. Captures that want more than
// is left of their half wait.
type Budget struct {
	// Bytes is the bound; zero means 1 GiB, which leaves a machine of 2 GiB half of its memory. Set it before the first use.
	Bytes int64

	mu       sync.Mutex
	reserved int64
	waiting  []*reservation // in the order they came

	remembered int64  // what Histories take, as live memory
	shares     shares // of the Histories
	relieving  bool   // a goroutine has Histories give way
}

// DefaultBudget is the Budget of whoever names no other, so that the memory of a process is bounded whatever it is made of. A program
// that wants another bound sets its Bytes before anything else.
var DefaultBudget = new(Budget)

const defaultBudget = 1 << 30

// A reservation is one that waits.
type reservation struct {
	bytes int64
	given chan struct{} // closed when it is
}

// BudgetStats is what a Budget is used for.
type BudgetStats struct {
	Remembered int64 // bytes that Histories take, as they count for the Budget: up to a third more than the sum of their sizes
	Histories  int   // that have remembered anything so far
	Reserved   int64 // bytes that captures have reserved
	Waiting    int   // captures that wait for bytes
}

// Stats returns what the Budget is used for now.
func (b *Budget) Stats() BudgetStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return BudgetStats{b.remembered * garbage, len(b.shares), b.reserved, len(b.waiting)}
}

// Reserve waits until n bytes can be had for a capture, in the order in which they are asked for, until ctx ends; release gives them
// back. What could never be had is an ErrTooCostly. Whoever holds bytes must not reserve more: two that did would wait for each other.
func (b *Budget) Reserve(ctx context.Context, n int64) (release func(), err error) {
	most := b.half()
	if n > most {
		return nil, fmt.Errorf("%w: it takes %d MiB, and all captures together may take %d MiB", ErrTooCostly, n>>20, most>>20)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r := &reservation{n, make(chan struct{})}
	b.mu.Lock()
	b.waiting = append(b.waiting, r)
	b.give()
	b.mu.Unlock()
	release = sync.OnceFunc(func() { b.giveBack(n) })
	select {
	case <-r.given:
		return release, nil
	case <-ctx.Done():
	}
	if !b.leave(r) {
		release() // it was given at the same time
	}
	return nil, context.Cause(ctx)
}

// half returns what one half of the budget is.
func (b *Budget) half() int64 {
	if b.Bytes > 0 {
		return b.Bytes / 2
	}
	return defaultBudget / 2
}

// give gives to those who wait, as far as it goes; b.mu is held.
func (b *Budget) give() {
	for len(b.waiting) > 0 && b.reserved+b.waiting[0].bytes <= b.half() {
		b.reserved += b.waiting[0].bytes
		close(b.waiting[0].given)
		b.waiting = b.waiting[1:]
	}
}

func (b *Budget) giveBack(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reserved -= n
	b.give()
}

// leave takes r from those who wait, and reports whether it was among them.
func (b *Budget) leave(r *reservation) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, w := range b.waiting {
		if w == r {
			b.waiting = append(b.waiting[:i:i], b.waiting[i+1:]...)
			b.give()
			return true
		}
	}
	return false
}
