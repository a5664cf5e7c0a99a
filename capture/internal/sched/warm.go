package sched

import (
	"context"

	"github.com/livestill/livestill/frame"
)

// KeepWarm has decodings keep up with the stream until ctx ends. It does nothing for a Decoder that wants the whole GOP first.
func (s *Scheduler) KeepWarm(ctx context.Context) {
	if !s.stepwise {
		return
	}
	var tried frame.GOP
	for ctx.Err() == nil {
		changed := s.History.Changed()
		for g := range s.History.Backward() {
			if span := g[len(g)-1].Shown().Sub(g[0].Shown()); span >= s.Warm && (tried == nil || !Same(tried, g) || s.takeFlushed()) {
				tried = g
				s.warm(ctx, g)
			}
			break // the newest is all that counts
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.decodings {
		d.warm = false
		d.wake()
	}
}

// takeFlushed reports whether a warm decoding has ended for captures since it was last called.
func (s *Scheduler) takeFlushed() (flushed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	flushed, s.flushed = s.flushed, false
	return flushed
}

// warm has a decoding of g keep up with the stream, unless that is too late: no decoding that begins now comes to the newest unit.
func (s *Scheduler) warm(ctx context.Context, g frame.GOP) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.find(g, []*Demand{{Unit: len(g) - 1}})
	switch {
	case d == nil && g.Forgotten() > 0:
		return
	case d == nil:
		d = s.begin(ctx, g)
	}
	d.warm = true
	d.wake()
}
