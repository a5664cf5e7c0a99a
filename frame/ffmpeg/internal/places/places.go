// Package places shares the processor between streams: who decodes has a place, and the stream that has used the least time goes first.
package places

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/livestill/livestill/frame"
)

// HandOff is how long a place is held alone. A holder that keeps it for longer is taken to be in a long call, as into libav with a picture of
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
	held    map[*holder]bool
	waiting []*holder                // in the order they came
	used    map[string]time.Duration // by streams that are ahead of clock
	clock   time.Duration            // what the one with the least has used, of those that hold a place or wait
}

// A holder has a place or waits for one. It is a frame.Place.
type holder struct {
	places *Places
	stream string
	since  time.Time     // when it got the place, or last yielded it
	paid   time.Time     // up to when its stream was charged for it
	given  chan struct{} // closed when it has it
}

// New returns so many places. beyond tells how many calls that take long may each have a place beside them, even if that is more than twice as
// many places: those of children, which the operating system can put behind other work.
func New(most int, beyond func() int) *Places {
	return &Places{most: most, beyond: beyond, held: map[*holder]bool{}, used: map[string]time.Duration{}}
}

// Reserve waits for a place until ctx ends. It is for work on a stream.
func (ps *Places) Reserve(ctx context.Context, stream string) (frame.Place, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	h := &holder{places: ps, stream: stream}
	ps.mu.Lock()
	ps.used[stream] = max(ps.used[stream], ps.clock)
	ps.queue(h)
	ps.mu.Unlock()
	if err := h.wait(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

// queue has h wait; ps.mu is held.
func (ps *Places) queue(h *holder) {
	h.given = make(chan struct{})
	ps.waiting = append(ps.waiting, h)
	ps.give()
}

// wait waits until h has the place. Without it, it is out of the queue.
func (h *holder) wait(ctx context.Context) error {
	select {
	case <-h.given: // mostly at once
		return nil
	default:
	}
	overdue := time.NewTicker(HandOff)
	defer overdue.Stop()
	for {
		select {
		case <-h.given:
			return nil
		case <-overdue.C:
			h.places.mu.Lock()
			h.places.give()
			h.places.mu.Unlock()
		case <-ctx.Done():
			h.Release()
			return context.Cause(ctx)
		}
	}
}

// Release gives the place back, or leaves the queue for it.
func (h *holder) Release() {
	ps := h.places
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.charge(h)
	delete(ps.held, h)
	if i := slices.Index(ps.waiting, h); i >= 0 {
		ps.waiting = slices.Delete(ps.waiting, i, i+1)
	}
	ps.tick()
	ps.give()
}

// Yield lets in who has used less time.
func (h *holder) Yield(ctx context.Context) error {
	ps := h.places
	ps.mu.Lock()
	ps.charge(h)
	h.since = h.paid
	less := func(o *holder) bool { return ps.used[o.stream] < ps.used[h.stream] }
	if !slices.ContainsFunc(ps.waiting, less) {
		ps.mu.Unlock()
		return nil
	}
	delete(ps.held, h)
	ps.queue(h)
	ps.tick()
	ps.mu.Unlock()
	return h.wait(ctx)
}

// charge adds to what a stream has used what it has held h for; ps.mu is held.
func (ps *Places) charge(h *holder) {
	if ps.held[h] {
		now := time.Now()
		took := now.Sub(h.paid)
		if h.stream == frame.Failing {
			took *= failingWeight
		}
		ps.used[h.stream] += took
		h.paid = now
	}
}

// give gives places to those who wait, as far as there are any; ps.mu is held.
func (ps *Places) give() {
	if len(ps.waiting) == 0 {
		return
	}
	for h := range ps.held {
		ps.charge(h)
	}
	now := time.Now()
	for len(ps.waiting) > 0 && len(ps.held) < ps.most+ps.beside(now) {
		next := 0
		for i, h := range ps.waiting {
			if ps.used[h.stream] < ps.used[ps.waiting[next].stream] {
				next = i
			}
		}
		h := ps.waiting[next]
		ps.waiting = slices.Delete(ps.waiting, next, next+1)
		ps.held[h], h.since, h.paid = true, now, now
		close(h.given)
	}
}

// beside returns how many places are open beside those that have been held for long.
func (ps *Places) beside(now time.Time) (n int) {
	for h := range ps.held {
		if now.Sub(h.since) >= HandOff {
			n++
		}
	}
	return min(n, max(ps.most, ps.beyond()))
}

// tick moves the clock on. A stream that others have caught up with owes nothing, and is forgotten unless it is here.
func (ps *Places) tick() {
	here := make(map[string]bool)
	for h := range ps.held {
		here[h.stream] = true
	}
	for _, h := range ps.waiting {
		here[h.stream] = true
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
