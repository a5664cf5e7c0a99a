package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/counts"
	"github.com/livestill/livestill/internal/retry"
)

// Retry tries again what fails in its Store, while the caller of the capture waits; see Spool for outages that take longer. What is
// rejected, and what the context ends, is not tried again.
type Retry struct {
	Store    capture.Store
	Attempts int // at most; zero means 4

	// First is the pause before the second attempt; zero means 200 ms. Each
	// next pause is twice as long, but none is longer than 30 s. Of each up
	// to half is left to chance.
	First time.Duration

	// Timeout bounds each attempt; zero means that only the context does.
	Timeout time.Duration

	counts counts.Counts
}

// A caller waits: four attempts have 1.4 s of pauses. Chosen, not measured.
const (
	defaultAttempts = 4
	defaultFirst    = 200 * time.Millisecond
	longestPause    = 30 * time.Second
)

var errTimeout = errors.New("store: no answer in time")

// Put puts s into the Store.
func (r *Retry) Put(ctx context.Context, s *capture.Still) (location string, err error) {
	defer r.counts.Put(s)(&err)
	err = r.try(ctx, func(ctx context.Context) (err error) {
		location, err = r.Store.Put(ctx, s)
		return err
	})
	return location, err
}

// Stats returns what Puts have come to up to now, each with all its attempts. It may be called at any time.
func (r *Retry) Stats() capture.StoreStats { return r.counts.Stats() }

// Locate returns where the Store puts s.
func (r *Retry) Locate(s *capture.Still) (string, error) { return Locate(r.Store, s) }

// Open opens a still of the Store. Timeout bounds each attempt, and not the reading. What is not there is not tried again.
func (r *Retry) Open(ctx context.Context, location string) (opened *capture.Opened, err error) {
	var none error
	err = r.try(ctx, func(attempt context.Context) (err error) {
		reading, end := context.WithCancelCause(ctx)
		stop := context.AfterFunc(attempt, func() { end(context.Cause(attempt)) })
		if opened, err = Open(reading, r.Store, location); err != nil {
			end(nil)
			if errors.Is(err, fs.ErrNotExist) {
				none, err = err, nil
			}
			return err
		}
		opened.ReadSeekCloser = endsReading{opened.ReadSeekCloser, end}
		if !stop() {
			return errors.Join(context.Cause(attempt), opened.Close())
		}
		return nil
	})
	if err = cmp.Or(err, none); err != nil {
		return nil, err
	}
	return opened, nil
}

// endsReading ends the context of reading when it is closed.
type endsReading struct {
	io.ReadSeekCloser
	end context.CancelCauseFunc
}

func (e endsReading) Close() error {
	defer e.end(nil)
	return e.ReadSeekCloser.Close()
}

// List yields what the Store has. It is tried once.
func (r *Retry) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return List(ctx, r.Store, which)
}

// Delete deletes from the Store.
func (r *Retry) Delete(ctx context.Context, which capture.Selection) (files int, err error) {
	err = r.try(ctx, func(ctx context.Context) error {
		n, err := Delete(ctx, r.Store, which)
		files += n
		return err
	})
	return files, err
}

// OnDelete has selected called when the Store deletes s, once more for each attempt.
func (r *Retry) OnDelete(s *capture.Still, selected func(ctx context.Context)) (stop func()) {
	return OnDelete(r.Store, s, selected)
}

func (r *Retry) try(ctx context.Context, attempt func(context.Context) error) error {
	if r.Store == nil {
		return errNoStore
	}
	attempts, pause := r.Attempts, r.First
	if attempts == 0 {
		attempts = defaultAttempts
	}
	if pause == 0 {
		pause = defaultFirst
	}
	for n := 1; ; n++ {
		err := r.once(ctx, attempt)
		if err == nil || errors.Is(err, capture.ErrRejected) || errors.Is(err, capture.ErrSelectsAll) || errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		if n >= attempts {
			return fmt.Errorf("store: %d attempts: %w", n, err)
		}
		if !retry.Wait(ctx, retry.Jitter(pause)) {
			return fmt.Errorf("store: %w, after %d attempts: %w", context.Cause(ctx), n, err)
		}
		pause = min(2*pause, longestPause)
	}
}

// once makes one attempt, and names the reason if it took too long.
func (r *Retry) once(ctx context.Context, attempt func(context.Context) error) error {
	if r.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.Timeout, errTimeout)
		defer cancel()
	}
	err := attempt(ctx)
	if err != nil && ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}
