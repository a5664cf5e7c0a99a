package keep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/livestill/livestill/capture/store/internal/locks"
)

const (
	betweenCycles = time.Hour       // until Puts begin another
	afterFailure  = time.Minute     // until Puts try again
	longestStep   = 5 * time.Minute // beside a Put, of a store that hangs; a step takes seconds
	longestCycle  = 24 * time.Hour  // for a cycle to take; then the operator is told
)

// only is the one name of a Tidier's lock.
const only = ""

// A Tidier tidies a store that is far away: in steps beside its Puts, or at once. Its zero value is ready. It goes in cycles, each of which is a
// few rounds. The store's step knows where it is in them; one that fails ends the cycle.
type Tidier struct {
	lock locks.Names // of what follows, for whoever takes a step
	next time.Time   // before which Puts take none

	began, ended int // cycles
	since        time.Time
	failed       error // the first of the cycle
	failures     int
	toldFailed   bool // the log was told
	toldLate     bool

	mu   sync.Mutex // of stop
	stop context.CancelFunc
}

// Begin begins a cycle. The step calls it.
func (t *Tidier) Begin() {
	t.began++
	t.since, t.failed, t.failures, t.toldFailed, t.toldLate = time.Now(), nil, 0, false, false
}

// End ends a cycle. The step calls it.
func (t *Tidier) End() { t.ended, t.next = t.began, time.Now().Add(betweenCycles) }

// Note notes an error that does not end the cycle, if it is one. The step calls it.
func (t *Tidier) Note(err error) {
	if err == nil {
		return
	}
	if t.failures++; t.failed == nil {
		t.failed = err
	}
}

// Tidy takes steps until a cycle has ended that began after it was called, and returns its errors.
func (t *Tidier) Tidy(ctx context.Context, step func(context.Context) error) error {
	if err := t.lock.Take(ctx, only); err != nil {
		return err
	}
	defer t.lock.Free(only)
	for first := t.began; t.ended <= first; {
		err := context.Cause(ctx)
		if err == nil {
			err = step(ctx)
		}
		if err != nil {
			return err
		}
	}
	if t.failed != nil {
		return fmt.Errorf("%d failures, the first: %w", t.failures, t.failed)
	}
	return nil
}

// Beside takes a step on a goroutine of its own, if it is time and nobody takes one. Wait waits for it. The log hears what fails.
func (t *Tidier) Beside(ctx context.Context, log *slog.Logger, step func(context.Context) error) {
	if t.lock.Try(only) != nil {
		return
	}
	if time.Now().Before(t.next) {
		t.lock.Free(only)
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), longestStep)
	t.mu.Lock()
	t.stop = stop
	t.mu.Unlock()
	go func() {
		defer t.lock.Free(only)
		defer stop()
		t.tell(log, step(ctx))
	}()
}

// tell tells the log how a step ended, if it has to know.
func (t *Tidier) tell(log *slog.Logger, err error) {
	switch {
	case err != nil:
		t.next = time.Now().Add(afterFailure)
		if !errors.Is(err, context.Canceled) {
			log.Warn("tidying failed", "error", err)
		}
	case t.failed != nil && !t.toldFailed:
		t.toldFailed = true
		log.Warn("tidying goes on, but not all can be deleted", "error", t.failed)
	case t.ended < t.began && !t.toldLate && time.Since(t.since) > longestCycle:
		t.toldLate = true
		log.Warn("tidying is late, since little is put; Tidy does it at once", "since", t.since)
	}
}

// Wait waits until nobody takes a step.
func (t *Tidier) Wait(ctx context.Context) error {
	if err := t.lock.Take(ctx, only); err != nil {
		return err
	}
	t.lock.Free(only)
	return nil
}

// Close ends a step that was begun beside a Put, and waits for its end.
func (t *Tidier) Close() error {
	t.mu.Lock()
	if t.stop != nil {
		t.stop()
	}
	t.mu.Unlock()
	return t.Wait(context.Background())
}
