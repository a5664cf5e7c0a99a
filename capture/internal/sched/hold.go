package sched

import "github.com/livestill/livestill/frame"

// A Hold keeps a decoding for a capture that will want more of it, until it is released or the stream ends. One capture at a time may have a
// Hold.
type Hold struct {
	s        *Scheduler
	held     *decoding // nil for none; guarded by the mutex of the Scheduler, as what follows
	released bool
}

// NewHold returns a Hold of no decoding yet.
func (s *Scheduler) NewHold() *Hold { return &Hold{s: s} }

// Behind holds the decoding that can go on behind a unit of a GOP, if there is one.
func (h *Hold) Behind(g frame.GOP, unit int) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	h.on(h.s.find(g, []*Demand{{Unit: unit + 1}}))
}

// Release lets go of the decoding, for good.
func (h *Hold) Release() {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	h.on(nil)
	h.released = true
}

// on holds d instead of another; the mutex is held. A nil Hold holds nothing.
func (h *Hold) on(d *decoding) {
	if h == nil || h.released || h.held == d {
		return
	}
	if h.held != nil {
		h.held.held = false
		h.held.wake()
	}
	if h.held = d; d != nil {
		d.held = true
		d.wake()
	}
}
