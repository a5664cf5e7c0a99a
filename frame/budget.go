package frame

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"sync"
)

// ErrTooCostly refuses what would take more memory or processor time than it may.
var ErrTooCostly = errors.New("too costly")

// A Cost is the memory that it takes to decode a GOP, in bytes.
type Cost struct {
	Picture  int64 // one decoded picture, as a Picture
	Decoding int64 // what the decoder holds at most while it decodes
}

// A Budget bounds the memory that all who share it take together. One half of it is for what Histories remember. A quarter is for
// decoders, an eighth for the pictures that captures hold, and an eighth for neighbours of these that are to be merged. The zero Budget
// is ready for use, by any number of goroutines.
//
// When Histories remember more than their half, the largest gives way first, even if its stream stalls or has ended: it forgets its oldest
// GOP. If it has but one, that keeps only its key unit, as with History.MaxBytes, and if that is what it has, it forgets even this, until
// the next key unit. A History that nobody holds any more leaves its Budget when Go's garbage is collected.
//
// When a part that is for captures is used up, decoders that are kept for captures to come go first. Then captures wait for each other, in
// the order they came. What is remembered never gives way to captures, nor they to it.
type Budget struct {
	// Bytes is the bound; zero means half of Go's memory limit (GOMEMLIMIT) if there is one, else 1 GiB, which suits a machine of 2 GiB.
	// Set it before the first use.
	Bytes int64

	mu    sync.Mutex
	pools [uses]pool

	remembered int64  // what Histories take, as live memory
	shares     shares // of the Histories
	relieving  bool   // a goroutine has Histories give way
}

// A Use is what memory of a Budget is for.
type Use uint8

// Who holds memory for one use may wait for a later one, but not the other way round: so no two wait for each other.
const (
	ForPictures   Use = iota // that captures hold, and neighbours that come out of the decoder before them
	ForNeighbours            // of these, that are to be merged
	ForDecoding              // the buffers of a decoder
	uses
)

func (u Use) String() string { return [...]string{"pictures", "neighbours", "decoding"}[u] }

// DefaultBudget is the Budget of whoever names no other, so that the memory of a process is bounded whatever it is made of. A program
// that wants another bound sets its Bytes before anything else.
var DefaultBudget = new(Budget)

const defaultBudget = 1 << 30

// A pool is the memory for one use.
type pool struct {
	taken   int64
	waiting []*reservation  // in the order they came
	watched []chan struct{} // to be closed when some wait
}

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
	Waiting    int   // captures and decoders that wait for bytes
}

// Stats returns what the Budget is used for now.
func (b *Budget) Stats() BudgetStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := BudgetStats{Remembered: b.remembered * garbage, Histories: len(b.shares)}
	for i := range b.pools {
		s.Reserved += b.pools[i].taken
		s.Waiting += len(b.pools[i].waiting)
	}
	return s
}

// Reserve waits until n bytes can be had for a use, in the order in which they are asked for, until ctx ends; release gives them back.
// What could never be had is an ErrTooCostly.
func (b *Budget) Reserve(ctx context.Context, use Use, n int64) (release func(), err error) {
	if most := b.Most(use); n > most {
		return nil, fmt.Errorf("%w: %s takes %.1f MiB, of %.1f MiB in the budget", ErrTooCostly, use, float64(n)/(1<<20), float64(most)/(1<<20))
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r := &reservation{n, make(chan struct{})}
	b.mu.Lock()
	b.pools[use].waiting = append(b.pools[use].waiting, r)
	b.give(use)
	b.mu.Unlock()
	release = sync.OnceFunc(func() { b.giveBack(use, n) })
	select {
	case <-r.given:
		return release, nil
	case <-ctx.Done():
	}
	if !b.leave(use, r) {
		release() // it was given at the same time
	}
	return nil, context.Cause(ctx)
}

// Try is Reserve of what can be had at once; ok is false if it cannot.
func (b *Budget) Try(use Use, n int64) (release func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &b.pools[use]
	if len(p.waiting) > 0 || p.taken+n > b.Most(use) {
		return nil, false
	}
	p.taken += n
	return sync.OnceFunc(func() { b.giveBack(use, n) }), true
}

// Most returns how many bytes there are for a use.
func (b *Budget) Most(use Use) int64 {
	if use == ForDecoding {
		return b.bytes() / 4
	}
	return b.bytes() / 8
}

// Wanted returns a channel that is closed as soon as somebody waits for memory for a use: whoever holds some only because it may be of
// use later is to give it back. done says that the channel is not looked at any more.
func (b *Budget) Wanted(use Use) (wanted <-chan struct{}, done func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := make(chan struct{})
	b.pools[use].watched = append(b.pools[use].watched, c)
	b.give(use)
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		p := &b.pools[use]
		if i := slices.Index(p.watched, c); i >= 0 {
			p.watched = slices.Delete(p.watched, i, i+1)
		}
	}
}

func (b *Budget) bytes() int64 {
	if b.Bytes > 0 {
		return b.Bytes
	}
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return limit / 2
	}
	return defaultBudget
}

// give gives to those who wait, as far as it goes; b.mu is held.
func (b *Budget) give(use Use) {
	p := &b.pools[use]
	for len(p.waiting) > 0 && p.taken+p.waiting[0].bytes <= b.Most(use) {
		p.taken += p.waiting[0].bytes
		close(p.waiting[0].given)
		p.waiting = p.waiting[1:]
	}
	if len(p.waiting) > 0 {
		for _, c := range p.watched {
			close(c)
		}
		p.watched = nil
	}
}

func (b *Budget) giveBack(use Use, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pools[use].taken -= n
	b.give(use)
}

// leave takes r from those who wait, and reports whether it was among them.
func (b *Budget) leave(use Use, r *reservation) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &b.pools[use]
	i := slices.Index(p.waiting, r)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		b.give(use)
	}
	return i >= 0
}
