package blobstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/capture/store/internal/keep"
)

const (
	betweenTidying = time.Hour       // after a cycle, until Puts begin another
	afterFailure   = time.Minute     // until Puts try again
	longestStep    = 5 * time.Minute // of a bucket that hangs; a page of deletions takes seconds
	late           = 24 * time.Hour  // for a cycle to take; then the operator is told
)

// tidyLock is the name in Store.names of whoever tidies. No still is called so.
const tidyLock = ""

// A tidying is how far it is. It goes in cycles. A cycle is a round through all stills, more rounds while too many are left, and then one through
// what was told of them. With each step it takes one page of the bucket's list.
type tidying struct {
	round *round // nil between cycles
	began int    // cycles
	ended int    // cycles
	next  time.Time

	// Of the current cycle:
	since    time.Time
	failed   error // the first
	failures int
	isLate   bool // it was told

	mu   sync.Mutex // of stop
	stop context.CancelFunc
}

// A round goes once through objects of a kind.
type round struct {
	keep.Round
	kind  kind
	token []byte // of the next page
}

// Tidy deletes what is over Keep, and goes on where Puts are, until Keep holds for all that was there when it was called. It deletes what can be
// deleted, and tells then what cannot. Whoever puts rarely, but has much to forget, may call it.
func (b *Store) Tidy(ctx context.Context) error {
	if err := b.checkKeep(); err != nil {
		return err
	}
	if err := b.names.Take(ctx, tidyLock); err != nil {
		return err
	}
	defer b.names.Free(tidyLock)
	for first := b.tidy.began; b.tidy.ended <= first; {
		if err := b.tidyStep(ctx, ""); err != nil {
			return err
		}
	}
	return b.tidy.err()
}

// Close ends the tidying that Puts have begun, and waits for its end. It does not close the Bucket; before that is closed, a Store with Keep is.
func (b *Store) Close() error {
	b.tidy.mu.Lock()
	if b.tidy.stop != nil {
		b.tidy.stop()
	}
	b.tidy.mu.Unlock()
	if err := b.names.Take(context.Background(), tidyLock); err != nil {
		return err
	}
	b.names.Free(tidyLock)
	return nil
}

// checkKeep tells if stills cannot be known from other objects.
func (b *Store) checkKeep() error {
	if b.Keep == (store.Keep{}) {
		return nil
	}
	if _, _, err := b.Template.Select(capture.Selection{Before: time.Unix(0, 0)}); err != nil {
		return fmt.Errorf("blobstore: Keep needs a Template with {date}: %w", err)
	}
	return nil
}

// tidyBeside takes a step, if it is time and nobody does, and does not wait for it. What was put just now stays.
func (b *Store) tidyBeside(ctx context.Context, put string) {
	if b.Keep == (store.Keep{}) || b.names.Try(tidyLock) != nil {
		return
	}
	if time.Now().Before(b.tidy.next) {
		b.names.Free(tidyLock)
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), longestStep)
	b.tidy.mu.Lock()
	b.tidy.stop = stop
	b.tidy.mu.Unlock()
	go func() { // Close waits for it, and so does Tidy
		defer b.names.Free(tidyLock)
		defer stop()
		t, log := &b.tidy, cmp.Or(b.Logger, slog.Default())
		before := t.failures
		if err := b.tidyStep(ctx, put); err != nil {
			if !errors.Is(err, context.Canceled) {
				log.Warn("tidying failed", "error", err)
			}
			t.next = time.Now().Add(afterFailure)
			return
		}
		if before == 0 && t.failed != nil {
			log.Warn("tidying goes on, but not all can be deleted", "error", t.failed)
		}
		if t.round != nil && !t.isLate && time.Since(t.since) > late {
			t.isLate = true
			log.Warn("tidying is late, since little is put; Tidy does it at once", "since", t.since)
		}
	}()
}

// tidyStep works on one page, for whoever has tidyLock. A page that cannot be had ends the cycle.
func (b *Store) tidyStep(ctx context.Context, put string) error {
	t := &b.tidy
	if t.round == nil {
		t.began++
		t.since, t.failed, t.failures, t.isLate = time.Now(), nil, 0, false
		t.round = &round{kind: stills, token: blob.FirstPageToken}
	}
	r := t.round
	page, next, err := b.page(ctx, r.kind, capture.Selection{}, r.token)
	if err != nil {
		t.round = nil
		return err
	}
	r.token = next
	if r.kind == truths {
		b.tidyTruths(ctx, page)
	} else {
		b.tidyStills(ctx, page, put)
	}
	if len(next) > 0 {
		return nil
	}
	if r.kind == truths {
		t.round, t.ended, t.next = nil, t.began, time.Now().Add(betweenTidying)
		return nil
	}
	if over := r.Next(keep.Bounds{Count: b.Keep.Count, Bytes: b.Keep.Bytes}); over.Any {
		t.round = &round{Round: keep.Round{Surplus: over}, kind: stills, token: blob.FirstPageToken}
	} else {
		r.kind, r.token = truths, blob.FirstPageToken
	}
	return nil
}

// tidyStills deletes what is too old of a page, and what was found to be over the bounds.
func (b *Store) tidyStills(ctx context.Context, page []object, put string) {
	r := b.tidy.round
	var old []object
	for _, o := range page {
		if o.key != put && (b.Keep.Age > 0 && time.Since(o.put) > b.Keep.Age || r.Surplus.Takes(o.put, o.Size)) {
			old = append(old, o)
		} else {
			r.Kept.Add(o.put, o.Size)
		}
	}
	var mu sync.Mutex // of what follows
	together(old, func(o object) bool {
		removed, err := b.removeOld(ctx, o)
		mu.Lock()
		defer mu.Unlock()
		b.tidy.note(err)
		if removed {
			r.Removed++
		} else {
			r.Kept.Add(o.put, o.Size)
		}
		return true
	})
}

// removeOld deletes a still and what was told of it, unless it is being put again, or was since it was listed; times of HTTP are whole seconds.
func (b *Store) removeOld(ctx context.Context, o object) (removed bool, err error) {
	if b.names.Try(o.key) != nil {
		return false, nil
	}
	defer b.names.Free(o.key)
	a, err := b.Bucket.Attributes(ctx, o.name)
	if err == nil && !a.ModTime.Truncate(time.Second).Equal(o.put.Truncate(time.Second)) {
		return false, nil
	}
	if err == nil {
		err = b.Bucket.Delete(ctx, o.name)
	}
	if gcerrors.Code(err) == gcerrors.NotFound { // it has gone; or, as Google has it, it must not be deleted
		if there, errThere := b.Bucket.Exists(ctx, o.name); errThere == nil && !there {
			return true, nil
		}
	}
	if err == nil && a.Metadata[sumName] != "" {
		removed = true
		if err = b.bucket(truths).Delete(ctx, truthName(o.key, a.Metadata[sumName])); gcerrors.Code(err) == gcerrors.NotFound {
			err = nil
		}
	}
	if err != nil {
		return removed, wrap(ctx, "tidy", o.name, err)
	}
	return true, nil
}

// tidyTruths deletes what was told of stills that are no more: all that is older than what is left of those.
func (b *Store) tidyTruths(ctx context.Context, page []object) {
	oldest := b.tidy.round.Kept.Oldest()
	if oldest.IsZero() {
		oldest = time.Now()
	}
	_, failed := b.forgetPage(ctx, page, func(o object) bool { return o.put.Before(oldest.Add(-stale)) })
	b.tidy.note(failed)
}

// note notes an error of a cycle, if it is one.
func (t *tidying) note(err error) {
	if err == nil {
		return
	}
	if t.failures++; t.failed == nil {
		t.failed = err
	}
}

// err is the error of a cycle.
func (t *tidying) err() error {
	if t.failed == nil {
		return nil
	}
	return fmt.Errorf("blobstore: tidy: %d failures, the first: %w", t.failures, t.failed)
}
