package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/livestill/livestill/capture"
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
	box, done, err := s.use()
	for failures := 1; err != nil; failures++ {
		pause := s.pause(failures)
		s.mu.Lock()
		s.tally.err, s.tally.gate = err, time.Now().Add(pause)
		s.tell()
		s.mu.Unlock()
		if !wait(ctx, pause) {
			return context.Cause(ctx)
		}
		box, done, err = s.use()
	}
	defer done()
	concurrent := s.Concurrent
	if concurrent == 0 {
		concurrent = defaultConcurrent
	}
	var workers sync.WaitGroup
	for range concurrent {
		workers.Go(func() { s.work(ctx, box) })
	}
	workers.Wait()
	return context.Cause(ctx)
}

func (s *Spool) work(ctx context.Context, box *letterbox) {
	for ctx.Err() == nil {
		s.mu.Lock()
		e, due := s.next(box)
		changed := s.change()
		s.mu.Unlock()
		if e != nil {
			s.deliver(ctx, box, e)
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

// next claims the entry that is to be delivered now; without one it tells when there will be, zero if that is not known. s.mu is held.
func (s *Spool) next(box *letterbox) (e *entry, due time.Time) {
	now := time.Now()
	if s.tally.failures > 0 && box.busy > 0 {
		return nil, due // one at a time, and its end will be told
	}
	if now.Before(s.tally.gate) {
		return nil, s.tally.gate
	}
	return box.next(now)
}

// deliver makes one attempt to deliver e, which is ours alone.
func (s *Spool) deliver(ctx context.Context, box *letterbox, e *entry) {
	l, err := box.read(e)
	switch {
	case errors.Is(err, errGone):
		s.mu.Lock()
		defer s.mu.Unlock()
		box.drop(e)
		s.tell()
		return
	case errors.Is(err, errLetter):
		s.bury(ctx, box, e, nil, err)
		return
	case err == nil:
		err = s.attempt(ctx, l)
	}
	if err == nil {
		if err = box.remove(e); err == nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.tally = tally{delivered: s.tally.delivered + 1}
			box.drop(e)
			s.tell()
			return
		}
	}
	s.mu.Lock()
	outdated := box.outdated(e)
	s.mu.Unlock()
	switch {
	case outdated:
		_ = s.discard(box, e) // as in Put
	case ctx.Err() == nil && (errors.Is(err, capture.ErrRejected) || s.fail(e, err)):
		s.bury(ctx, box, e, l, err)
	default:
		s.mu.Lock()
		defer s.mu.Unlock()
		box.release(e)
		s.tell()
	}
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

// fail writes a failure down, and reports whether e is a dead letter now. What fails while nothing else gets through does not count
// against it: the Store is to blame.
func (s *Spool) fail(e *entry, err error) (dead bool) {
	attempts := s.Attempts
	if attempts == 0 {
		attempts = defaultTries
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.attempts == 0 || s.tally.delivered > e.others {
		e.attempts++
	}
	e.others = s.tally.delivered
	e.failures++
	now := time.Now()
	e.due = now.Add(s.pause(e.failures))
	s.tally.failures++
	s.tally.err, s.tally.gate = err, now.Add(s.pause(s.tally.failures))
	return e.attempts >= attempts
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
	return jitter(min(longest, first<<min(failures-1, 10)))
}

// bury lays e aside, which is ours alone, with what is wrong; l is nil if it cannot be read.
func (s *Spool) bury(ctx context.Context, box *letterbox, e *entry, l *letter, why error) {
	err := errLetter
	if l != nil {
		l.Error, l.Attempts = why.Error(), e.attempts
		err = box.rewrite(ctx, e, l)
	}
	if err != nil { // the disk may be full: as it is
		err = box.move(e, deadFolder)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.tally.err = fmt.Errorf("store: lay %s aside: %w", e.key, err)
		e.due = time.Now().Add(defaultLongest)
	} else {
		box.bury(e, why.Error())
		s.tally.err = why
	}
	box.release(e)
	s.tell()
}
