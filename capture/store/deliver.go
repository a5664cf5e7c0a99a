package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/internal/retry"
)

// A tally is how deliveries went.
type tally struct {
	delivered int
	failures  int       // in a row
	gate      time.Time // before which nothing is tried, after a failure
	err       error     // of the last attempt
}

// Run delivers until ctx is done, and returns context.Cause(ctx). While the folder cannot be opened, or is another process's, it tries
// that again; Progress tells.
func (s *Spool) Run(ctx context.Context) error {
	_, done, err := s.read(ctx)
	for failures := 1; err != nil; failures++ {
		pause := s.pause(failures)
		s.mu.Lock()
		s.tally.err, s.tally.gate = err, time.Now().Add(pause)
		s.tell()
		s.mu.Unlock()
		if !retry.Wait(ctx, pause) {
			return context.Cause(ctx)
		}
		_, done, err = s.read(ctx)
	}
	defer done()
	s.mu.Lock()
	s.tally.err, s.tally.gate = nil, time.Time{}
	s.tell()
	s.mu.Unlock()
	concurrent := s.Concurrent
	if concurrent <= 0 {
		concurrent = defaultConcurrent
	}
	var workers sync.WaitGroup
	for range concurrent {
		workers.Go(func() { s.work(ctx) })
	}
	workers.Wait()
	return context.Cause(ctx)
}

func (s *Spool) work(ctx context.Context) {
	for ctx.Err() == nil {
		s.mu.Lock()
		box := s.box
		slot, due := s.next()
		changed := s.change()
		s.mu.Unlock()
		if slot != nil {
			s.deliver(ctx, box, slot)
			continue
		}
		var timeout <-chan time.Time
		if !due.IsZero() {
			timeout = time.After(time.Until(due))
		}
		select {
		case <-changed:
		case <-timeout:
		case <-ctx.Done():
		}
	}
}

// next claims the slot that is to be worked on now; without one it tells when there will be, zero if that is not known. s.mu is held.
func (s *Spool) next() (slot *slot, due time.Time) {
	now := time.Now()
	if s.tally.failures > 0 && s.box.busy > 0 {
		return nil, due // one at a time, and its end will be told
	}
	if now.Before(s.tally.gate) {
		return nil, s.tally.gate
	}
	return s.box.next(now)
}

// deliver removes what is out of date in a slot, which is ours alone, and makes one attempt to deliver what is not.
func (s *Spool) deliver(ctx context.Context, box *letterbox, slot *slot) {
	s.mu.Lock()
	outdated, latest := slot.outdated(), slot.latest()
	s.mu.Unlock()
	_, err := s.remove(box, slot, outdated)
	if err == nil && !latest.dead {
		err = s.send(ctx, box, slot, latest)
	}
	s.mu.Lock()
	if err != nil && ctx.Err() == nil {
		slot.failures++
		slot.due = time.Now().Add(s.pause(slot.failures))
		s.tally.failures++
		s.tally.err, s.tally.gate = err, time.Now().Add(s.pause(s.tally.failures))
	}
	box.release(slot)
	s.tell()
	s.mu.Unlock()
	if errors.Is(err, ErrVolume) {
		if _, done, err := s.use(ctx); err == nil { // the drive may be back, as another device
			done()
		}
	}
}

// send makes one attempt to deliver e, and lays it aside if it was the last. An error asks for another attempt.
func (s *Spool) send(ctx context.Context, box *letterbox, slot *slot, e *entry) error {
	l, err := box.read(e)
	switch {
	case errors.Is(err, errGone):
		s.mu.Lock()
		defer s.mu.Unlock()
		box.drop(slot, e)
		return nil
	case errors.Is(err, errLetter):
		return s.bury(ctx, box, e, nil, 0, err)
	case err != nil:
		return err
	}
	err = s.attempt(ctx, l)
	if err == nil {
		if _, err = s.remove(box, slot, []*entry{e}); err == nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.tally = tally{delivered: s.tally.delivered + 1}
		}
		return err
	}
	if ctx.Err() != nil {
		return err
	}
	s.mu.Lock()
	if slot.latest() != e { // a newer one has come: this one has had its last attempt
		s.mu.Unlock()
		return nil
	}
	attempts := s.count(slot)
	s.mu.Unlock()
	if errors.Is(err, capture.ErrRejected) || attempts >= s.attempts() {
		return s.bury(ctx, box, e, l, attempts, err)
	}
	return err
}

func (s *Spool) attempt(ctx context.Context, l *letter) error {
	timeout := s.Timeout
	if timeout == 0 {
		timeout = defaultDelivery
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	_, err := s.Store.Put(ctx, l.Still)
	return err
}

func (s *Spool) attempts() int {
	if s.Attempts == 0 {
		return defaultTries
	}
	return s.Attempts
}

// count counts a failed attempt, and returns how many those were. What fails while nothing else gets through does not count: the
// Store is to blame. s.mu is held.
func (s *Spool) count(slot *slot) int {
	if slot.attempts == 0 || s.tally.delivered > slot.others {
		slot.attempts++
	}
	slot.others = s.tally.delivered
	return slot.attempts
}

// pause is how long to wait after so many failures in a row.
func (s *Spool) pause(failures int) time.Duration {
	first, longest := s.First, s.Longest
	if first == 0 {
		first = defaultPause
	}
	if longest == 0 {
		longest = defaultLongest
	}
	return retry.Jitter(min(longest, first<<min(failures-1, 10)))
}

// bury lays e aside, in a slot that is ours alone, with what is wrong; l is nil if it cannot be read.
func (s *Spool) bury(ctx context.Context, box *letterbox, e *entry, l *letter, attempts int, why error) error {
	size, moved, err := e.size, false, errLetter
	if l != nil {
		l.Error, l.Attempts = why.Error(), attempts
		size, err = box.rewrite(ctx, e, l)
		moved = err == nil
	}
	if !moved { // the disk may be full: as it is
		size = e.size
		moved, err = box.move(e, true)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tally.err = why
	if moved {
		box.bytes -= e.cost()
		e.size = size
		box.bytes += e.cost()
		box.bury(e, why.Error())
	}
	if err != nil {
		return fmt.Errorf("store: lay aside what failed with %w: %w", why, err)
	}
	return nil
}
