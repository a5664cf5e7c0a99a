package sched

import (
	"time"

	"github.com/livestill/livestill/capture/internal/shared"
	"github.com/livestill/livestill/frame"
)

// A decoder that puts pictures into the order they are shown in may need units after the one that is wanted, which are still to come. Without
// them it comes to its end, and the next capture has to begin at the key unit. If there was one just before, or the stream is kept warm, a
// decoding waits for each of them, for this long at most: 15 units at 30 a second, and decoders buffer 16 at the very most (H.264 A.3.1).
const reorderTimeout = 500 * time.Millisecond

// A state is what a decoding does between two units.
//
//	sending ---- nothing is to be sent ------------------> awaiting, following, idle
//	awaiting --- a unit comes ---------------------------> sending
//	         --- those who waited have given up ---------> sending, following, idle
//	         --- it has waited for long -----------------> ending, or sending or following if it is irreplaceable
//	following -- a unit is to be sent -------------------> sending
//	          -- a picture is wanted that is buffered -----> awaiting
//	          -- nobody keeps it warm, or pins it -------> idle
//	          -- others want its memory, or its child ---> ending
//	idle ------- a capture joins ------------------------> sending, awaiting
//	     ------- a capture pins it, or it is kept warm --> following
//	     ------- it has waited for long, or others
//	             want its memory, or its child ----------> ending
//
// From any of them it goes to ending when the Decoder is to flush the last pictures that are wanted, when nothing is left of the GOP, when
// the History has forgotten what was to be sent next, and when nobody needs the decoding and no stream is live. It is not left: captures cannot
// join any more.
type state int

const (
	sending   state = iota // a unit goes to the Decoder
	awaiting               // waits for units that the Decoder needs to put a picture into order
	following              // waits for the stream to go on, kept warm, or for the capture that pins it
	idle                   // waits for other captures
	ending
)

// A machine is the state of a decoding, and what ends that state.
type machine struct {
	state    state
	expires  <-chan time.Time // when it has been awaiting or idle for long
	expired  bool             // expires has come, or others want the memory
	recalled bool             // others want what the Decoder has for it
}

// transition moves the decoding on to the state that it is to be in now.
func (d *decoding) transition() state {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if d.state == ending {
		return ending
	}
	d.charge()
	next := d.decide()
	if next == sending && d.last() < 0 { // as always if the stream is faster than the Decoder
		select {
		case <-d.s.recalls:
			d.recalled = true
		default:
		}
	}
	next = d.timeUp(next)
	if next != d.state {
		d.enter(next)
	}
	return next
}

// timeUp returns the state that a decoding is to be in instead of next, if it has expired or was recalled; the mutex is held.
func (d *decoding) timeUp(next state) state {
	unawaited, expired := d.last() < 0, d.expired && next == d.state
	switch {
	case expired && next == awaiting && d.irreplaceable():
		d.endDemands()
		next = d.decide()
	case expired || d.recalled && unawaited:
		next = ending
	}
	d.expired, d.recalled = false, false
	if next == ending && d.warm && !unawaited && !d.forgotten {
		d.s.flushed = true
	}
	return next
}

// enter enters a state; the mutex is held.
func (d *decoding) enter(next state) {
	d.state, d.expires = next, nil
	switch next {
	case awaiting:
		d.expires = time.After(d.awaitTimeout())
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
	var wanted, recalls <-chan struct{}
	if d.state != awaiting {
		wanted, recalls = d.offerMemory(), d.s.recalls
	}
	if d.state == idle {
		changed = nil
	}
	select {
	case <-changed:
	case <-d.poke:
	case <-d.expires:
		d.expired = true
	case <-wanted:
		d.expired = true
	case <-recalls:
		d.recalled = true
	}
}

// decide returns the state that the decoding is to be in; the mutex is held.
func (d *decoding) decide() state {
	over := false // no more units come; it is looked for only where it matters
	if d.unsent() == nil || d.warm {
		over = d.grow()
	}
	if d.forgotten {
		return ending
	}
	next := d.unsent()
	at := situation{over: over, unsent: next != nil && next.Data != nil}
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
	case at.unsent && (d.s.stepwise || d.sent.Len() <= last):
		return sending
	case d.s.stepwise && !at.over && d.mayAwait(d.demands.of[last][0].pts):
		return awaiting
	default:
		return ending
	}
}

// forLater decides for a decoding that nobody waits for.
func (d *decoding) forLater(at situation) state {
	followed := d.warm && at.over && !d.pinned
	exhausted := at.over && !at.unsent && d.out >= 0 && d.shown >= d.top
	switch {
	case followed || exhausted:
		return ending
	case d.warm && at.unsent && d.lag() >= d.s.Warm:
		return sending
	case d.warm || d.pinned:
		return following
	case d.s.live != nil:
		return idle
	default: // see wake
		return ending
	}
}

// unsent returns the unit that goes to the Decoder next; nil if it has not been seen yet.
func (d *decoding) unsent() *frame.AccessUnit {
	if i := indexOf(d.gop, d.sent.Len()); i >= 0 {
		return &d.gop[i]
	}
	return nil
}

// last returns the highest number of a unit whose picture is wanted; -1 if nobody waits for any.
func (d *decoding) last() int {
	if d.demands.required == 0 {
		return -1
	}
	return d.demands.highest
}

// mayAwait reports whether to wait for what the Decoder may need to put a picture that is shown at pts into order.
func (d *decoding) mayAwait(pts time.Duration) bool {
	return (d.warm || d.s.again) && d.s.live != nil && (pts-d.newestDTS < reorderTimeout || d.irreplaceable())
}

// lag returns how far the decoding is behind the stream; there is a unit that is not sent.
func (d *decoding) lag() time.Duration { return d.newestDTS - d.unsent().DTS }

// grow looks what has come of the GOP, and reports whether it is over.
func (d *decoding) grow() (over bool) {
	gops, i := d.s.History.Around(d.gop, 1)
	if i < 0 {
		return true
	}
	d.see(gops[i])
	d.sent.Forget(min(d.sent.Len(), d.gop.Forgotten()))
	d.forgotten = d.unsent() == nil && isForgotten(gops[i], d.sent.Len())
	return i < len(gops)-1
}
