package sched

import (
	"context"
	"fmt"
	"time"

	"github.com/livestill/livestill/frame"
)

// The processor time that one capture may take to decode a GOP if MaxDecoding is not set: what ten seconds of 2160p60 take on a slow core.
const defaultDecoding = 30 * time.Second

// Resources are what a decoding needs to work. They are acquired in the order that they stand in here: a decoding that pauses keeps its memory, and
// so nobody who waits for memory may have what comes after it.
type resources struct {
	bytes int64 // of memory that the Decoder takes, as far as is known

	memory  func()      // gives the memory back; nil without any
	since   time.Time   // when it got that
	offer   func()      // ends the offer of the memory to others; nil without one
	working bool        // it is the one of its Scheduler that works
	place   frame.Place // nil without one
	charged time.Time   // when it got the place, or last paid for it

	refused error // why they cannot be had; nil unless that is so
}

// acquire gets what is lacking, and lets in those who have used less time.
func (d *decoding) acquire(ctx context.Context) (err error) {
	d.endOffer()
	switch {
	case d.memory == nil:
		err = d.begin(ctx)
	case time.Since(d.since) >= time.Second && d.s.Budget.Overdue(frame.ForDecoding, d.bytes):
		err = fmt.Errorf("%w: others wait for its %d MiB of memory", frame.ErrTooCostly, d.bytes>>20)
	case !d.working:
		err = d.work(ctx)
	}
	if err != nil {
		return err
	}
	if d.place == nil {
		d.place, err = d.s.follower.Reserve(ctx, d.s.account())
	} else if err = d.place.Yield(ctx); err != nil {
		d.place = nil
	}
	d.charged = time.Now()
	return err
}

// begin gets memory, and then works. One decoding of a stream at a time does so, so that others find memory, too.
func (d *decoding) begin(ctx context.Context) (err error) {
	if err := d.s.beginning.Acquire(ctx); err != nil {
		return err
	}
	defer d.s.beginning.Release()
	if d.memory, err = d.s.Budget.Reserve(ctx, frame.ForDecoding, d.bytes); err != nil {
		return err
	}
	d.since = time.Now()
	return d.work(ctx)
}

// work waits until it is the decoding of its stream that works.
func (d *decoding) work(ctx context.Context) error {
	err := d.s.working.Acquire(ctx)
	d.working = err == nil
	return err
}

// pause lets others work, even if the place panics. The memory remains.
func (d *decoding) pause() {
	d.s.mu.Lock()
	d.charge()
	d.s.mu.Unlock()
	if d.working {
		d.working = false
		defer d.s.working.Release()
	}
	if place := d.place; place != nil {
		d.place = nil
		place.Release()
	}
}

// giveBackMemory gives the memory back.
func (d *decoding) giveBackMemory() {
	if d.memory != nil {
		d.memory()
		d.memory = nil
	}
	d.endOffer()
}

// offerMemory offers the memory to others: what it returns is closed when they want it. It is nil if there is none.
func (d *decoding) offerMemory() (wanted <-chan struct{}) {
	d.endOffer()
	if d.memory != nil {
		wanted, d.offer = d.s.Budget.Offer(frame.ForDecoding, d.bytes)
	}
	return wanted
}

// endOffer says that the memory is not offered any more, or that it has been given back.
func (d *decoding) endOffer() {
	if d.offer != nil {
		d.offer()
		d.offer = nil
	}
}

// charge writes down the time since it was last called, and ends the Demands that have had their share; the mutex is held.
func (d *decoding) charge() {
	if d.place == nil {
		return
	}
	now := time.Now()
	took := now.Sub(d.charged)
	d.charged = now
	d.spent += took
	d.s.processor.Add(int64(took))
	left := d.demands[:0]
	for _, demand := range d.demands {
		if d.spent-demand.spent > d.s.MaxDecoding {
			demand.meet(result{err: fmt.Errorf("%w: decoding has taken more than %v", frame.ErrTooCostly, d.s.MaxDecoding)})
			continue
		}
		left = append(left, demand)
	}
	clear(d.demands[len(left):])
	d.demands = left
}
