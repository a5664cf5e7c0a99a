// Package places shares the processor between streams: who decodes has a place, and the stream that has used the least time goes first.
package places

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/livestill/livestill/frame"
)

// HandOff is how long a place is taken alone. Who keeps it for longer is assumed to be in a long call, as into libav with a picture of
// 8K. It goes on, and another place is opened beside it, so that nobody waits for its end: five times what a picture of 1080p takes.
const HandOff = 50 * time.Millisecond

// How many times as much failing streams are charged: beside one other stream they get a tenth of the time, which still decodes a picture of
// 1080p every second.
const failingWeight = 9

// Places are what GOPs are decoded in, a few at a time. The stream that has used the least time goes first. Any number of goroutines may use
// them.
type Places struct {
	most   int
	beyond func() int

	mu      sync.Mutex
	taken   map[*place]bool
	waiting []*place                 // in the order they came
	used    map[string]time.Duration // by streams that are ahead of clock
	clock   time.Duration            // what the one with the least has used, of those that have a place or wait
}

// A place is one that somebody has, or waits for. It is a frame.Place.
type place struct {
	places *Places
	stream string
	since  time.Time     // when it got the place, or last yielded it
	paid   time.Time     // up to when its stream was charged for it
	given  chan struct{} // closed when it has it
}

// New returns so many places. beyond tells how many calls that take long may each have a place beside them, even if that is more than twice as
// many places: those of children, which the operating system can put behind other work.
func New(most int, beyond func() int) *Places {
	return &Places{most: most, beyond: beyond, taken: map[*place]bool{}, used: map[string]time.Duration{}}
}

// Reserve waits for a place until ctx ends. It is for work on a stream.
func (ps *Places) Reserve(ctx context.Context, stream string) (frame.Place, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	p := &place{places: ps, stream: stream}
	ps.mu.Lock()
	ps.used[stream] = max(ps.used[stream], ps.clock)
	ps.queue(p)
	ps.mu.Unlock()
	if err := p.wait(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// queue has p wait; ps.mu is held.
func (ps *Places) queue(p *place) {
	p.given = make(chan struct{})
	ps.waiting = append(ps.waiting, p)
	ps.give()
}

// wait waits until p is given. Without it, it is out of the queue.
func (p *place) wait(ctx context.Context) error {
	select {
	case <-p.given: // mostly at once
		return nil
	default:
	}
	overdue := time.NewTicker(HandOff)
	defer overdue.Stop()
	for {
		select {
		case <-p.given:
			return nil
		case <-overdue.C:
			p.places.mu.Lock()
			p.places.give()
			p.places.mu.Unlock()
		case <-ctx.Done():
			p.Release()
			return context.Cause(ctx)
		}
	}
}

// Release gives the place back, or leaves the queue for it.
func (p *place) Release() {
	ps := p.places
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.charge(p)
	delete(ps.taken, p)
	if i := slices.Index(ps.waiting, p); i >= 0 {
		ps.waiting = slices.Delete(ps.waiting, i, i+1)
	}
	ps.tick()
	ps.give()
}

// Yield lets in who has used less time.
func (p *place) Yield(ctx context.Context) error {
	ps := p.places
	ps.mu.Lock()
	ps.charge(p)
	p.since = p.paid
	less := func(o *place) bool { return ps.used[o.stream] < ps.used[p.stream] }
	if !slices.ContainsFunc(ps.waiting, less) {
		ps.mu.Unlock()
		return nil
	}
	delete(ps.taken, p)
	ps.queue(p)
	ps.tick()
	ps.mu.Unlock()
	return p.wait(ctx)
}

// charge counts as used by the stream of p how long it has had p, since this was counted last; ps.mu is held.
func (ps *Places) charge(p *place) {
	if ps.taken[p] {
		now := time.Now()
		took := now.Sub(p.paid)
		if p.stream == frame.Failing {
			took *= failingWeight
		}
		ps.used[p.stream] += took
		p.paid = now
	}
}

// give gives places to those who wait, as far as there are any; ps.mu is held.
func (ps *Places) give() {
	if len(ps.waiting) == 0 {
		return
	}
	for p := range ps.taken {
		ps.charge(p)
	}
	now := time.Now()
	for len(ps.waiting) > 0 && len(ps.taken) < ps.most+ps.beside(now) {
		next := 0
		for i, p := range ps.waiting {
			if ps.used[p.stream] < ps.used[ps.waiting[next].stream] {
				next = i
			}
		}
		p := ps.waiting[next]
		ps.waiting = slices.Delete(ps.waiting, next, next+1)
		ps.taken[p], p.since, p.paid = true, now, now
		close(p.given)
	}
}

// beside returns how many places are open beside those that have been taken for long.
func (ps *Places) beside(now time.Time) (n int) {
	for p := range ps.taken {
		if now.Sub(p.since) >= HandOff {
			n++
		}
	}
	return min(n, max(ps.most, ps.beyond()))
}

// tick moves the clock on. A stream that others have caught up with owes nothing, and is forgotten unless it is here.
func (ps *Places) tick() {
	here := make(map[string]bool)
	for p := range ps.taken {
		here[p.stream] = true
	}
	for _, p := range ps.waiting {
		here[p.stream] = true
	}
	least := time.Duration(-1)
	for s := range here {
		if u := ps.used[s]; least < 0 || u < least {
			least = u
		}
	}
	ps.clock = max(ps.clock, least)
	for s, u := range ps.used {
		if !here[s] && (len(here) == 0 || u <= ps.clock) {
			delete(ps.used, s)
		}
	}
}
