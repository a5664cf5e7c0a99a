package sched

import "github.com/livestill/livestill/frame"

// A Pin keeps a decoding for a capture that will want more of it, until it is released or the stream ends. One capture at a time may have a
// Pin.
type Pin struct {
	s        *Scheduler
	pinned   *decoding // nil for none; guarded by the mutex of the Scheduler, as what follows
	released bool
}

// NewPin returns a Pin of no decoding yet.
func (s *Scheduler) NewPin() *Pin { return &Pin{s: s} }

// Behind pins the decoding that can go on behind a unit of a GOP, if there is one.
func (p *Pin) Behind(g frame.GOP, unit int) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.on(p.s.find(g, []*Demand{{Unit: unit + 1}}))
}

// Release lets go of the decoding, for good.
func (p *Pin) Release() {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.on(nil)
	p.released = true
}

// on pins d instead of another; the mutex is held. A nil Pin pins nothing.
func (p *Pin) on(d *decoding) {
	if p == nil || p.released || p.pinned == d {
		return
	}
	if p.pinned != nil {
		p.pinned.pinned = false
		p.pinned.wake()
	}
	if p.pinned = d; d != nil {
		d.pinned = true
		d.wake()
	}
}
