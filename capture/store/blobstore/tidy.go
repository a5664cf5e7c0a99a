package blobstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/capture/store/internal/keep"
)

// A round goes once through objects of a kind: stills, until none is over the bounds, and then, in the last round of a cycle, what was told of them.
type round struct {
	keep.Round
	kind  kind
	token []byte // of the next page
}

// Tidy deletes what is over Keep, and goes on where Puts are, until all is within Keep that was there when it was called. It deletes what can be
// deleted, and tells then what cannot. Whoever puts rarely, but has much to forget, may call it.
func (b *Store) Tidy(ctx context.Context) error {
	if err := b.checkKeep(); err != nil {
		return err
	}
	if err := b.tidier.Tidy(ctx, func(ctx context.Context) error { return b.tidyStep(ctx, "") }); err != nil {
		return fmt.Errorf("blobstore: tidy: %w", err)
	}
	return nil
}

// Close ends the tidying that Puts have begun, and waits for its end. It does not close the Bucket; before that is closed, a Store with Keep is.
func (b *Store) Close() error { return b.tidier.Close() }

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

// tidyStep works on a page of the list of the bucket. What was put just now, if anything, stays.
func (b *Store) tidyStep(ctx context.Context, put string) error {
	if b.round == nil {
		b.tidier.Begin()
		b.round = &round{kind: stills, token: blob.FirstPageToken}
	}
	r := b.round
	page, next, err := b.page(ctx, r.kind, capture.Selection{}, r.token)
	if err != nil {
		b.round = nil
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
		b.round = nil
		b.tidier.End()
		return nil
	}
	if over := r.Next(keep.Bounds{Count: b.Keep.Count, Bytes: b.Keep.Bytes}); over.Any {
		b.round = &round{Round: keep.Round{Surplus: over}, kind: stills, token: blob.FirstPageToken}
	} else {
		r.kind, r.token = truths, blob.FirstPageToken
	}
	return nil
}

// tidyStills deletes what is too old of a page, and what was found to be over the bounds.
func (b *Store) tidyStills(ctx context.Context, page []object, put string) {
	r := b.round
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
		b.tidier.Note(err)
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
	oldest := b.round.Kept.Oldest()
	if oldest.IsZero() {
		oldest = time.Now()
	}
	_, failed := b.forgetPage(ctx, page, func(o object) bool { return o.put.Before(oldest.Add(-stale)) })
	b.tidier.Note(failed)
}
