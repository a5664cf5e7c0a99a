package sched

import (
	"time"

	"github.com/livestill/livestill/capture/internal/shared"
)

// A decoder that puts pictures into the order they are shown in may need units after the one that is wanted, which are still to come. Without
// them it comes to its end, and the next capture has to begin at the key unit. If there was one just before, or the stream is kept warm, a
// decoding waits for them, for this long at most: 15 units at 30 a second, and decoders hold back 16 at the very most (H.264 A.3.1).
const reorderTimeout = 500 * time.Millisecond

// A state is what a decoding does between two units.
//
//	sending ---- nothing is to be sent ---------------> awaiting, following, idle
//	awaiting --- a unit comes ------------------------> sending
//	         --- it has waited for long --------------> ending
//	following -- a unit is to be sent ----------------> sending
//	          -- nobody keeps it warm, or holds it ---> idle
//	          -- others want its memory --------------> ending
//	idle ------- a capture joins ---------------------> sending, awaiting
//	     ------- it has waited for long, or others
//	             want its memory ---------------------> ending
//
// From any of them it goes to ending when the Decoder is to flush the last pictures that are wanted, when nothing is left of the GOP, and
// when nobody needs the decoding and no stream is live. It is not left: captures cannot join any more.
type state int

const (
	sending   state = iota // a unit goes to the Decoder
	awaiting               // waits for units that the Decoder needs to put a picture into order
	following              // waits for the stream to go on, kept warm, or for the capture that holds it
	idle                   // waits for other captures
	ending
)

// A machine is a state with what makes it end.
type machine struct {
	state   state
	expires <-chan time.Time // when it has been awaiting or idle for long
	late    bool             // it was, or others want its memory
}

// transition moves the decoding on to the state that it is to be in now.
func (d *decoding) transition() state {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	d.charge()
	next := d.decide()
	if d.late && next == d.state {
		next = ending
	}
	d.late = false
	if next != d.state {
		d.enter(next)
	}
	return next
}

// enter enters a state; the mutex is held.
func (d *decoding) enter(next state) {
	d.state, d.expires = next, nil
	switch next {
	case awaiting:
		d.expires = time.After(reorderTimeout)
	case idle:
		d.expires = time.After(shared.Retention)
	case ending:
		d.open = false
	default:
	}
}

// wait waits for what may end the state: changed is closed when a unit comes.
func (d *decoding) wait(changed <-chan struct{}) {
	d.pause()
	var wanted <-chan struct{}
	if d.state != awaiting {
		wanted = d.offerMemory()
	}
	if d.state == idle {
		changed = nil
	}
	select {
	case <-changed:
	case <-d.poke:
	case <-d.expires:
		d.late = true
	case <-wanted:
		d.late = true
	}
}

// decide returns the state that the decoding is to be in; the mutex is held.
func (d *decoding) decide() state {
	over := false // no more units come; it is looked for only where it matters
	if len(d.sent) == len(d.gop) || d.warm {
		over = d.grow()
	}
	next := len(d.sent)
	at := situation{over: over, unsent: next < len(d.gop) && d.gop[next].Data != nil}
	if last := d.last(); last >= 0 {
		return d.forCaptures(last, at)
	}
	return d.forLater(at)
}

// A situation is what there is of a GOP.
type situation struct {
	over   bool // no more units come
	unsent bool // there is a unit that did not go to the Decoder
}

// forCaptures decides for a decoding whose pictures captures wait for, up to that of a unit.
func (d *decoding) forCaptures(last int, at situation) state {
	switch {
	case at.unsent && (d.s.stepwise || len(d.sent) <= last):
		return sending
	case d.s.stepwise && !at.over && d.mayAwait(last):
		return awaiting
	default:
		return ending
	}
}

// forLater decides for a decoding that nobody waits for.
func (d *decoding) forLater(at situation) state {
	followed := d.warm && at.over && !d.held
	exhausted := at.over && !at.unsent && d.out >= 0 && d.gop[d.out].PTS >= d.top
	switch {
	case followed || exhausted:
		return ending
	case d.warm && at.unsent && d.lag() >= d.s.Warm:
		return sending
	case d.warm || d.held:
		return following
	case d.s.live != nil:
		return idle
	default: // see wake
		return ending
	}
}

// last returns the highest index of a unit whose picture is wanted; -1 if nobody waits for any.
func (d *decoding) last() int {
	last, waiting := -1, false
	for _, demand := range d.demands {
		last = max(last, demand.Unit)
		waiting = waiting || !demand.Optional
	}
	if !waiting {
		return -1
	}
	return last
}

// mayAwait reports whether to wait for what the Decoder may need to put the picture of a unit into order.
func (d *decoding) mayAwait(unit int) bool {
	return (d.warm || d.s.again) && d.s.live != nil && d.gop[unit].PTS-d.gop[len(d.gop)-1].DTS < reorderTimeout
}

// lag returns how far the decoding is behind the stream; there is a unit that is not sent.
func (d *decoding) lag() time.Duration { return d.gop[len(d.gop)-1].DTS - d.gop[len(d.sent)].DTS }

// grow looks what has come of the GOP, and reports whether it is over.
func (d *decoding) grow() (over bool) {
	gops, i := d.s.History.Around(d.gop, 1)
	if i < 0 {
		return true
	}
	if len(gops[i]) > len(d.gop) {
		d.gop = gops[i]
	}
	return i < len(gops)-1
}
