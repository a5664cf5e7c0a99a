package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/spoolfile"
	"github.com/livestill/livestill/internal/retry"
)

// deliveries are how a Spool's attempts to deliver went.
type deliveries struct {
	succeeded int
	failures  int       // in a row
	resume    time.Time // before which nothing is tried, after a failure
	err       error     // of the last attempt
}

// Run delivers until ctx is done, and returns context.Cause(ctx). While the folder cannot be opened, or is another process's, it tries
// that again; Progress tells.
func (s *Spool) Run(ctx context.Context) error {
	_, done, err := s.useAnew(ctx)
	for failures := 1; err != nil; failures++ {
		pause := s.pause(failures)
		s.mu.Lock()
		s.deliveries.err, s.deliveries.resume = err, time.Now().Add(pause)
		s.tell()
		s.mu.Unlock()
		if !retry.Wait(ctx, pause) {
			return context.Cause(ctx)
		}
		_, done, err = s.useAnew(ctx)
	}
	defer done()
	s.mu.Lock()
	s.deliveries.err, s.deliveries.resume = nil, time.Time{}
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

// work delivers one group after the other until ctx is done.
func (s *Spool) work(ctx context.Context) {
	for ctx.Err() == nil {
		s.mu.Lock()
		folder := s.folder
		group, due := s.claimDue()
		changed := s.nextChange()
		s.mu.Unlock()
		if group != nil {
			s.deliver(ctx, folder, group)
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

// claimDue claims the group that is due. Without one it returns when there will be one, zero if that is not known. s.mu is held.
func (s *Spool) claimDue() (group *spoolGroup, due time.Time) {
	q, now := &s.folder.queue, time.Now()
	first := q.due.First()
	switch {
	case s.deliveries.failures > 0 && q.claimed > 0: // one at a time; when it ends, that is told
		return nil, due
	case now.Before(s.deliveries.resume):
		return nil, s.deliveries.resume
	case first == nil:
		return nil, due
	case first.due.After(now):
		return nil, first.due
	}
	q.setClaimed(first, true)
	return first, due
}

// deliver removes what is outdated in a group that is claimed, makes one attempt to deliver what is not, and releases the group.
func (s *Spool) deliver(ctx context.Context, folder *spoolFolder, group *spoolGroup) {
	s.mu.Lock()
	outdated, latest := group.outdated(), group.latest()
	s.mu.Unlock()
	_, err := s.remove(folder, group, outdated)
	if err == nil && !latest.dead {
		err = s.attempt(ctx, folder, group, latest)
	}
	s.mu.Lock()
	if err != nil && ctx.Err() == nil {
		group.failures++
		group.due = time.Now().Add(s.pause(group.failures))
		s.deliveries.failures++
		s.deliveries.err, s.deliveries.resume = err, time.Now().Add(s.pause(s.deliveries.failures))
	}
	s.mu.Unlock()
	s.release(folder, group)
	if errors.Is(err, ErrVolume) {
		if _, done, err := s.use(ctx); err == nil { // the drive may be back, as another device
			done()
		}
	}
}

// attempt makes one attempt to deliver e, and lays it aside if it was the last. An error asks for another attempt.
func (s *Spool) attempt(ctx context.Context, folder *spoolFolder, group *spoolGroup, e *spoolEntry) error {
	r, err := folder.readFile(e)
	switch {
	case errors.Is(err, errGone):
		s.mu.Lock()
		defer s.mu.Unlock()
		folder.queue.forget(group, e)
		return nil
	case errors.Is(err, spoolfile.ErrDamaged):
		return s.layAside(ctx, folder, e, nil, err)
	case err != nil:
		return err
	}
	if err = s.send(ctx, r.Still); err == nil {
		if _, err = s.remove(folder, group, []*spoolEntry{e}); err == nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.deliveries = deliveries{succeeded: s.deliveries.succeeded + 1}
		}
		return err
	}
	if ctx.Err() != nil {
		return err
	}
	s.mu.Lock()
	outdated := group.latest() != e
	if !outdated {
		r.Attempts = s.countAttempt(group)
	}
	s.mu.Unlock()
	switch {
	case outdated: // a newer one has come meanwhile, so this one is not tried again
		return nil
	case errors.Is(err, capture.ErrRejected) || r.Attempts >= cmp.Or(s.Attempts, defaultTries):
		return s.layAside(ctx, folder, e, r, err)
	}
	return err
}

// send puts a still into the Store, within Timeout.
func (s *Spool) send(ctx context.Context, still *capture.Still) error {
	ctx, cancel := context.WithTimeoutCause(ctx, cmp.Or(s.Timeout, defaultDelivery), errTimeout)
	defer cancel()
	_, err := put(ctx, s.Store, still)
	return err
}

// countAttempt counts a failed attempt, and returns how many those were. An attempt that fails while nothing else gets through does not
// count: the Store is to blame. s.mu is held.
func (s *Spool) countAttempt(group *spoolGroup) int {
	if group.attempts == 0 || s.deliveries.succeeded > group.others {
		group.attempts++
	}
	group.others = s.deliveries.succeeded
	return group.attempts
}

// pause is how long to wait after so many failures in a row.
func (s *Spool) pause(failures int) time.Duration {
	first, longest := cmp.Or(s.First, defaultPause), cmp.Or(s.Longest, defaultLongest)
	return retry.Jitter(min(longest, first<<min(failures-1, 10)))
}

// layAside makes a dead letter of e, whose group is claimed, with what is wrong in its file; r is nil if that cannot be read.
func (s *Spool) layAside(ctx context.Context, folder *spoolFolder, e *spoolEntry, r *spoolfile.Record, why error) error {
	size, moved, err := e.size, false, error(nil)
	if r != nil {
		r.Error = why.Error()
		var rewritten int64
		if rewritten, err = folder.rewriteFile(ctx, e, r); err == nil {
			size, moved = rewritten, true
		}
	}
	if !moved { // the disk may be full: the file as it is
		moved, err = folder.moveFile(e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries.err = why
	if moved {
		folder.queue.setDead(e, size, why.Error())
	}
	if err != nil {
		return fmt.Errorf("store: lay aside what failed with %w: %w", why, err)
	}
	return nil
}
