package frame

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/livestill/livestill/internal/minheap"
)

// ErrTooCostly refuses what would take more memory or processor time than it may.
var ErrTooCostly = errors.New("too costly")

// A Cost is the memory that it takes to decode a GOP, in bytes.
type Cost struct {
	Picture  int64 // one decoded picture, as a Picture
	Decoding int64 // what the decoder takes at most while it decodes
}

// A Budget bounds the memory that all who share it take together. One half of it is for what Histories remember. A quarter is for
// decoders, an eighth for the pictures that captures keep, and an eighth for neighbours of these that are to be merged. The zero Budget
// is ready for use, by any number of goroutines.
//
// When Histories remember more than their half, the largest is shrunk first, even if its stream stalls or has ended: it forgets its oldest
// GOP. If it has but one, that forgets the older half of its units but the key unit, as with History.MaxBytes, and if the key unit is what it has,
// even this, until the next key unit. A History that nobody refers to any more leaves its Budget when Go's garbage is collected.
//
// When a part that is for captures is used up, decoders that are kept for captures to come go first. Then captures wait for each other, in
// the order they came. But what needs more than a quarter of a part, as pictures of 4K do of the default, delays what needs less by no
// more than a second: after that it is passed by what fits, and decoding that has had so much for a second ends with ErrTooCostly. Nor do the
// captures of one stream take more of the part for pictures than they leave: if a hook delays them, there is as much for others. Hooks that hang in
// several streams at once may take all of it: bound them with their context.
// What is remembered never takes memory from captures, nor they from it.
type Budget struct {
	// Bytes is the bound; zero means half of Go's memory limit (GOMEMLIMIT)
	// if there is one, else 1 GiB, which suits a machine of 2 GiB. Set it
	// before the first use.
	Bytes int64

	mu    sync.Mutex
	pools [uses]pool

	remembered int64                // what Histories take, as live memory
	shares     minheap.Heap[*share] // of the Histories
	relieving  bool                 // a goroutine shrinks Histories
}

// A Use is what memory of a Budget is for.
type Use uint8

// Who has memory for one use may wait for a later one, but not the other way round: so no two wait for each other.
const (
	// Pictures that captures keep, and neighbours that come out of the
	// decoder before them.
	ForPictures   Use = iota
	ForNeighbours     // of these pictures, that are to be merged
	ForDecoding       // the buffers of a decoder
	uses
)

func (u Use) String() string { return [...]string{"pictures", "neighbours", "decoding"}[u] }

// DefaultBudget is the Budget of whoever names no other, so that the memory of a process is bounded whatever it is made of. A program
// that wants another bound sets its Bytes before anything else.
var DefaultBudget = new(Budget)

const defaultBudget = 1 << 30

// Those who ask for much delay others by no more than this: what a GOP of two seconds of 1080p takes to be decoded on a slow core.
const maxDelay = time.Second

// A pool is the memory for one use.
type pool struct {
	taken    int64
	by       map[any]int64  // of that, what was taken for somebody; nil before anything is
	waiting  []*reservation // in the order they came
	offers   []*offer       // that nobody has accepted, in the order they came
	promised int64          // bytes of accepted offers, which their owners are about to give back
}

// A reservation is one that waits.
type reservation struct {
	who   any // nil for nobody
	bytes int64
	since time.Time
	given chan struct{} // closed when it is
}

// An offer is memory whose owner gives it back as soon as somebody waits.
type offer struct {
	bytes    int64
	accepted bool
	wanted   chan struct{} // closed when it is accepted
}

// BudgetStats is what a Budget is used for.
type BudgetStats struct {
	// Remembered is how many bytes Histories take, as they count for the
	// Budget: up to a third more than the sum of their sizes.
	Remembered int64
	Histories  int   // that have remembered anything so far
	Reserved   int64 // bytes that captures have reserved
	Waiting    int   // captures and decoders that wait for bytes
}

// Stats returns what the Budget is used for now.
func (b *Budget) Stats() BudgetStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := BudgetStats{Remembered: b.remembered * garbage, Histories: b.shares.Len()}
	for i := range b.pools {
		s.Reserved += b.pools[i].taken
		s.Waiting += len(b.pools[i].waiting)
	}
	return s
}

// Reserve waits until n bytes can be had for a use, in the order in which they are asked for, until ctx ends; release gives them back.
// What could never be had is an ErrTooCostly; less than none is none.
func (b *Budget) Reserve(ctx context.Context, use Use, n int64) (release func(), err error) {
	return b.ReserveFor(ctx, nil, use, n)
}

// ReserveFor is Reserve for somebody, whom any comparable value names. Who has bytes for a use already waits as long as all of his would be
// more than what is left then.
func (b *Budget) ReserveFor(ctx context.Context, who any, use Use, n int64) (release func(), err error) {
	if most := b.Most(use); n > most {
		return nil, fmt.Errorf("%w: %.1f MiB for %s, of %.1f MiB in the budget", ErrTooCostly, float64(n)/(1<<20), use, float64(most)/(1<<20))
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	n = max(n, 0)
	_ = map[any]bool{who: true} // panics here, if at all
	r := &reservation{who, n, time.Now(), make(chan struct{})}
	b.mu.Lock()
	b.pools[use].waiting = append(b.pools[use].waiting, r)
	b.give(use)
	b.mu.Unlock()
	release = sync.OnceFunc(func() { b.giveBack(who, use, n) })
	select {
	case <-r.given: // mostly at once
		return release, nil
	default:
	}
	overdue := time.AfterFunc(maxDelay, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.give(use)
	})
	defer overdue.Stop()
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
	first := slices.ContainsFunc(p.waiting, func(r *reservation) bool { return !p.tooMuch(r, b.Most(use)) })
	if n = max(n, 0); first || n > b.Most(use)-p.taken {
		return nil, false
	}
	p.take(nil, n)
	return sync.OnceFunc(func() { b.giveBack(nil, use, n) }), true
}

// Most returns how many bytes there are for a use.
func (b *Budget) Most(use Use) int64 {
	if use == ForDecoding {
		return b.bytes() / 4
	}
	return b.bytes() / 8
}

// Offer offers n bytes that were reserved for a use only because they may be of use later. The channel wanted is closed as soon as somebody waits
// for them: then their owner is to give them back. Of several offers the oldest is accepted first, and no more than it takes. done says that
// the bytes are given back, or are not offered any more.
func (b *Budget) Offer(use Use, n int64) (wanted <-chan struct{}, done func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &b.pools[use]
	o := &offer{bytes: max(n, 0), wanted: make(chan struct{})}
	p.offers = append(p.offers, o)
	b.give(use)
	return o.wanted, sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if o.accepted {
			p.promised -= o.bytes
			b.give(use)
		} else {
			p.offers = slices.DeleteFunc(p.offers, func(other *offer) bool { return other == o })
		}
	})
}

// Overdue reports whether whoever has had n bytes for a use for long is to give them back, even if they are still of use: that is more than
// a quarter of what there is, and somebody who asks for no more than that has waited for a second.
func (b *Budget) Overdue(use Use, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.large(use, n) && slices.ContainsFunc(b.pools[use].waiting, func(r *reservation) bool {
		return !b.large(use, r.bytes) && time.Since(r.since) >= maxDelay
	})
}

// large reports whether n bytes are so many that others are not to wait for long for one who asks for them or has them.
func (b *Budget) large(use Use, n int64) bool { return n > b.Most(use)/4 }

func (b *Budget) bytes() int64 {
	if b.Bytes > 0 {
		return b.Bytes
	}
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return limit / 2
	}
	return defaultBudget
}

// give gives to those who wait, as far as it goes, in the order they came; but who has waited for much for long is passed. b.mu is held.
func (b *Budget) give(use Use) {
	p, most := &b.pools[use], b.Most(use)
	blocked := false // by one that came before
	p.waiting = slices.DeleteFunc(p.waiting, func(r *reservation) bool {
		if p.tooMuch(r, most) {
			return false // it waits for its own
		}
		if blocked || p.taken+r.bytes > most {
			blocked = blocked || !b.large(use, r.bytes) || time.Since(r.since) < maxDelay
			return false
		}
		p.take(r.who, r.bytes)
		close(r.given)
		return true
	})
	first := slices.IndexFunc(p.waiting, func(r *reservation) bool { return !p.tooMuch(r, most) })
	if first < 0 {
		return
	}
	for short := p.taken + p.waiting[first].bytes - most - p.promised; short > 0 && len(p.offers) > 0; p.offers = p.offers[1:] {
		o := p.offers[0]
		o.accepted = true
		close(o.wanted)
		p.promised += o.bytes
		short -= o.bytes
	}
}

func (b *Budget) giveBack(who any, use Use, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pools[use].take(who, -n)
	b.give(use)
}

// take takes n bytes, or gives them back.
func (p *pool) take(who any, n int64) {
	p.taken += n
	if who == nil {
		return
	}
	if p.by == nil {
		p.by = make(map[any]int64)
	}
	if p.by[who] += n; p.by[who] == 0 {
		delete(p.by, who)
	}
}

// tooMuch reports whether whoever r is for would have more than is left.
func (p *pool) tooMuch(r *reservation, most int64) bool {
	has, left := p.by[r.who], most-p.taken+p.promised
	for _, o := range p.offers {
		left += o.bytes
	}
	return has > 0 && has+r.bytes > left-r.bytes
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
