package blobstore

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"gocloud.dev/gcerrors"

	"github.com/livestill/livestill/capture"
)

const (
	deletions = 16        // at a time
	passes    = 3         // of a Delete, if what was listed is gone when it is to be deleted, as when another is faster
	stale     = time.Hour // after which what a Put was told is that of none that is under way
)

// Delete deletes what a list has, and what Put was told of it. It sweeps, too: what a Put or a Delete left of that which was cut off is there
// for an hour at most.
func (b *Store) Delete(ctx context.Context, which capture.Selection) (files int, err error) {
	if which.All() {
		return 0, capture.ErrSelectsAll
	}
	if err := b.watched.Tell(ctx, b.Template, which); err != nil {
		return 0, err
	}
	// Google says of what may not be deleted that it is not there: the next list shows whether that is so.
	var gone error
	for range passes {
		var deleted int
		deleted, gone, err = b.pass(ctx, which)
		files += deleted
		if err != nil || gone == nil {
			return files, err
		}
	}
	return files, fmt.Errorf("blobstore: delete: listed, but not there to be deleted: %w", gone)
}

// OnDelete has selected called when Delete deletes s.
func (b *Store) OnDelete(s *capture.Still, selected func(ctx context.Context)) (stop func()) {
	return b.watched.Add(b.Template, s, selected)
}

// pass deletes what a list has, and says how many stills that were, and of one that was gone by then what the bucket said.
func (b *Store) pass(ctx context.Context, which capture.Selection) (files int, gone, err error) {
	var deleted keys
	var failed error
	err = b.pages(ctx, stills, which, func(page []object) bool {
		var missed error
		missed, failed = erase(ctx, page, b.deleteStill, func(o object) { files++; deleted.add(o.key) })
		gone = cmp.Or(gone, missed)
		return failed == nil
	})
	err = cmp.Or(err, failed)
	missed, errTold := b.forget(ctx, which, func(o object) bool { return deleted.has(o.key) || time.Since(o.put) > stale })
	return files, cmp.Or(gone, missed), cmp.Or(err, errTold)
}

// forget deletes what Put was told of the stills that are selected, if those are gone.
func (b *Store) forget(ctx context.Context, which capture.Selection, isGone func(o object) bool) (gone, err error) {
	var failed error
	err = b.pages(ctx, truths, which, func(page []object) bool {
		var missed error
		missed, failed = b.forgetPage(ctx, page, isGone)
		gone = cmp.Or(gone, missed)
		return failed == nil
	})
	return gone, cmp.Or(err, failed)
}

// forgetPage is forget for a page.
func (b *Store) forgetPage(ctx context.Context, page []object, isGone func(o object) bool) (gone, failed error) {
	var orphans []object
	for _, o := range page {
		if isGone(o) {
			orphans = append(orphans, o)
		}
	}
	return erase(ctx, orphans, b.deleteOrphan, func(object) {})
}

func (b *Store) deleteStill(ctx context.Context, o object) error { return b.Bucket.Delete(ctx, o.name) }

// deleteOrphan deletes what was told of a still, unless that is there, or again.
func (b *Store) deleteOrphan(ctx context.Context, o object) error {
	if err := b.names.Take(ctx, o.key); err != nil {
		return err
	}
	defer b.names.Free(o.key)
	if there, err := b.Bucket.Exists(ctx, o.key); err != nil || there {
		return err
	}
	return b.bucket(truths).Delete(ctx, o.name)
}

// A keys is a set of keys, which takes some 40 bytes for each. One in 10^12 or less may be in it by mistake.
type keys struct {
	seed   maphash.Seed
	hashes map[uint64]struct{}
}

func (k *keys) add(key string) {
	if k.hashes == nil {
		k.seed, k.hashes = maphash.MakeSeed(), make(map[uint64]struct{})
	}
	k.hashes[maphash.String(k.seed, key)] = struct{}{}
}

func (k *keys) has(key string) bool {
	if k.hashes == nil {
		return false
	}
	_, ok := k.hashes[maphash.String(k.seed, key)]
	return ok
}

// erase has remove delete objects, calls done with each that it has deleted, and returns of one that was not there what the bucket said. It ends
// with the first that cannot be deleted.
func erase(
	ctx context.Context, page []object, remove func(ctx context.Context, o object) error, done func(object),
) (gone, failed error) {
	var mu sync.Mutex // of gone and failed, and while done is called
	running, stop := context.WithCancel(ctx)
	defer stop()
	together(page, func(o object) bool {
		err := remove(running, o)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			done(o)
		case gcerrors.Code(err) == gcerrors.NotFound:
			gone = err
		case failed == nil:
			failed = wrap(ctx, "delete", o.name, err)
			stop()
		}
		return failed == nil
	})
	return gone, cmp.Or(failed, context.Cause(ctx))
}

// together calls do with each object, several at a time, until it has once returned false, and waits for all: fileblob's list fails if a file goes
// meanwhile.
func together(page []object, do func(object) bool) {
	var (
		wait    sync.WaitGroup
		permits = make(chan struct{}, deletions)
		stopped atomic.Bool
	)
	for _, o := range page {
		permits <- struct{}{}
		if stopped.Load() {
			break
		}
		wait.Go(func() {
			defer func() { <-permits }()
			if !do(o) {
				stopped.Store(true)
			}
		})
	}
	wait.Wait()
}
