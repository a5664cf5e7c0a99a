package sched

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/livestill/livestill/capture/internal/shared"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/tail"
)

// A decoding is one GOP on its way through the Decoder. Its goroutine runs run.
type decoding struct {
	s      *Scheduler
	cancel context.CancelFunc // ends the context of the Decoder
	poke   chan struct{}      // has room for one; receives when something below has changed
	done   chan struct{}      // closed when it has ended

	// Of its goroutine alone:
	resources
	machine

	// Guarded by the mutex of the Scheduler; its goroutine alone writes sent, top, out, newest and spent:
	gop       frame.GOP           // as much of it as anybody has seen, but none in which what is to be sent next is forgotten
	newestDTS time.Duration       // of the units that anybody has seen
	sent      tail.List[sentUnit] // that went to the Decoder, by their numbers
	top       time.Duration       // the highest PTS of these
	out       int                 // the number of the unit of the newest picture that came out; -1 before the first
	shown     time.Duration       // and its PTS
	newest    newest
	forgotten bool               // what is to be sent next is forgotten
	demands   demands            // that are not met yet
	open      bool               // captures may join it
	warm      bool               // it keeps up with the stream
	pinned    bool               // a capture will want more of it later
	fruitful  bool               // it has made an undamaged picture
	spent     time.Duration      // for which it has had a place
	oldest    time.Duration      // what it had spent when the first of demands came, or less
	giveUp    context.CancelFunc // ends what it waits for when nobody needs it; nil before the first time
}

// A sentUnit is what is known of a unit that went to the Decoder.
type sentUnit struct {
	pts    time.Duration
	wanted bool // its picture may be
}

// before reports whether the picture of a unit of g, which is the same GOP, is still to come.
func (d *decoding) before(g frame.GOP, unit int) bool {
	number := numberOf(g, unit)
	if next := d.sent.Len(); number >= next {
		return !isForgotten(d.gop, next) && !isForgotten(g, max(next, endOf(d.gop)))
	}
	u := d.sent.At(number)
	return u != nil && u.wanted && (d.out < 0 || u.pts > d.shown || u.pts == d.shown && number > d.out)
}

// see takes note that g, which is the same GOP, has been seen. The decoding goes on with it, unless what is to be sent next is forgotten there.
func (d *decoding) see(g frame.GOP) {
	d.newestDTS = max(d.newestDTS, g[len(g)-1].DTS)
	if endOf(g) >= endOf(d.gop) && !isForgotten(g, d.sent.Len()) {
		d.gop = g
	}
}

// needed reports whether anybody wants more; the mutex is held.
func (d *decoding) needed() bool {
	return d.warm || d.pinned || d.demands.required > 0
}

// wake has the goroutine look what has changed; the mutex is held. If nobody needs the decoding any more, it waits for nothing on the Decoder's
// side; and if no stream is live, it ends, since nobody would wait for its goroutine.
func (d *decoding) wake() {
	if !d.needed() {
		if d.giveUp != nil {
			d.giveUp()
		}
		if d.s.live == nil {
			d.open = false
			d.cancel()
		}
	}
	select {
	case d.poke <- struct{}{}:
	default:
	}
}

// whileNeeded has cancel called as soon as nobody needs the decoding.
func (d *decoding) whileNeeded(cancel context.CancelFunc) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	d.giveUp = cancel
	if !d.needed() {
		cancel()
	}
}

// run decodes g until nobody wants more.
func (d *decoding) run(ctx context.Context, g frame.GOP) {
	err := shared.ErrExit // unless Follow returns
	defer d.cancel()
	defer func() { d.end(ctx, err) }()
	defer func() {
		failed := shared.Contain(func() error {
			d.pause()
			return nil
		})
		if failed != nil {
			err = failed
		}
	}()
	err = shared.Contain(func() error {
		d.bytes = d.s.Cost(g).Decoding
		for l, err := range d.s.follower.Follow(ctx, d.units(ctx)) {
			if err == nil {
				err = d.deliver(l)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// end ends the decoding, and the Demands that are not met.
func (d *decoding) end(ctx context.Context, err error) {
	d.giveBackMemory()
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	d.open = false
	d.s.decodings = slices.DeleteFunc(d.s.decodings, func(other *decoding) bool { return other == d })
	switch {
	case d.refused != nil:
		err = d.refused
	case err == nil:
		err = errNone
	default:
		err = corrupt(err)
	}
	d.judge(ctx)
	if ctx.Err() == nil {
		d.s.fruitless.note(d, err)
	}
	for demand := range d.demands.all {
		d.demands.remove(demand)
		if d.forgotten && demand.number >= d.sent.Len() {
			demand.meet(result{err: ErrForgotten})
			continue
		}
		demand.meet(result{err: err})
	}
}

// deliver gives a picture to the captures that want it.
func (d *decoding) deliver(l frame.Latent) (err error) {
	if l.Unit < 0 || l.Unit >= d.sent.Len() {
		return fmt.Errorf("the Decoder made a picture of unit %d, of %d", l.Unit, d.sent.Len())
	}
	waiting := d.record(l)
	l = d.s.upright(l)
	defer func() { // those that Goexit has left
		for _, demand := range waiting {
			demand.meet(result{err: shared.ErrExit})
		}
	}()
	var first, second result
	for len(waiting) > 0 {
		demand, wanted := waiting[0], waiting[0].wants(l)
		made, latent := &first, l.Develop
		if demand.Second && l.Second != nil {
			made, latent = &second, l.Second
		}
		if wanted && made.Picture == nil && made.err == nil {
			*made = resultOf(l, latent)
			d.keep(l.Unit, made.Picture)
		}
		waiting = waiting[1:]
		if wanted {
			demand.meet(*made)
		} else {
			demand.meet(result{})
		}
	}
	return nil
}

// resultOf has latent make the picture of l, if it has an undamaged one.
func resultOf(l frame.Latent, latent func() (*frame.Picture, error)) result {
	switch {
	case l.Hidden:
		return result{err: errHidden}
	case l.Corrupt:
		return result{err: errDamaged}
	default:
		return develop(latent)
	}
}

// record notes that a picture is out, and returns the Demands for it.
func (d *decoding) record(l frame.Latent) (waiting []*Demand) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	d.out = l.Unit
	if u := d.sent.At(l.Unit); u != nil {
		d.shown = u.pts
	}
	if !l.Corrupt && !l.Hidden {
		d.fruitful, d.s.failing = true, false
	}
	return d.demands.take(l.Unit)
}

// units yields what is to be decoded, as it is wanted. The Decoder asks for a unit when it has delivered all that it could make of those
// before.
func (d *decoding) units(ctx context.Context) iter.Seq2[frame.AccessUnit, bool] {
	return func(yield func(u frame.AccessUnit, wanted bool) bool) {
		defer d.flush()
		for {
			changed := d.s.History.Changed()
			switch d.transition() {
			case sending:
				if !d.send(ctx, yield) {
					return
				}
			case ending:
				return
			default:
				d.wait(changed)
			}
		}
	}
}

// flush has the Decoder end what is left as soon as nobody wants it.
func (d *decoding) flush() {
	d.s.mu.Lock()
	d.open = false
	d.s.mu.Unlock()
	d.whileNeeded(d.cancel)
}

// send gives units to the Decoder as long as they are to be sent. It is false if there is no more to come.
func (d *decoding) send(ctx context.Context, yield func(u frame.AccessUnit, wanted bool) bool) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.whileNeeded(cancel)
	for ctx.Err() == nil {
		if err := d.acquire(ctx); err != nil {
			return d.goOn(ctx, err)
		}
		u, wanted, ok := d.take()
		if ok && !yield(u, wanted) {
			return false
		}
		if !ok || d.transition() != sending {
			return true
		}
	}
	return d.goOn(ctx, context.Cause(ctx))
}

// goOn reports whether a decoding goes on that could not acquire what it needs: if that is since nobody needed it for a moment.
func (d *decoding) goOn(ctx context.Context, err error) bool {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	gaveUp := ctx.Err() != nil
	if gaveUp && d.needed() {
		return true
	}
	if !gaveUp {
		d.refused = err
	}
	d.open = false
	return false
}

// take takes the next unit, if it is still to be sent. Its picture may be wanted if it is the newest so far, or it is wanted already.
func (d *decoding) take() (u frame.AccessUnit, wanted, ok bool) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	d.charge()
	if d.decide() != sending {
		return u, false, false
	}
	next := d.sent.Len()
	u = d.gop[indexOf(d.gop, next)]
	wanted = len(d.demands.of[next]) > 0
	if d.s.stepwise && (next == 0 || u.PTS >= d.top) {
		d.top, wanted = u.PTS, true
	}
	d.sent.Add(sentUnit{u.PTS, wanted})
	d.s.units.Add(1)
	return u, wanted, true
}
