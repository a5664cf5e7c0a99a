package capture

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"
)

// Refine captures as r asks, and delivers twice: at once the still that the Enhancer makes of the picture alone, and then, when
// its neighbours are there as far as Request.Lookahead reaches, the one that it makes of all of them. Both show the same picture and have
// the same ID, so that a Store replaces the first by the second; Still.Refined tells them apart. The second begins when the loop goes
// on; a break leaves it at the first. A loop that takes longer than a quarter of a second makes the second take longer, too: neighbours
// that were decoded on the way are not kept for it.
//
// The Policy is asked once, the Moderator about each, and the Notifier is told of each. Whatever fails is yielded as an *Error and
// ends it; the first still remains stored if that is the second. If the Enhancer is no Merger, or Lookahead is negative, one still
// is all.
//
// If the first still is no longer in a Store that is an Opener, somebody has deleted it, and so the second is not stored: ErrDeleted. Whoever
// deletes while the second is being put may find it there after that: to delete for good, do so once more when Refine has ended.
func (c *Camera) Refine(ctx context.Context, r Request) iter.Seq2[*Still, error] {
	return func(yield func(*Still, error) bool) {
		w := c.begun(r, nil)
		defer w.close(ctx)
		err := w.untilDecoded(ctx)
		decoded := len(w.still.Steps)
		if err == nil {
			err = w.finish(ctx, alone)
		}
		second := *w.still // before the first is the caller's
		resume := w.lend()
		defer resume()
		first, err := w.end(ctx, err)
		if !yield(first, err) || err != nil || w.reach == alone {
			return
		}
		resume()
		second.Steps, second.Ranked = slices.Clone(second.Steps[:decoded]), slices.Clone(second.Ranked)
		second.Data, second.Picture, second.Location, second.Refined = nil, nil, "", true
		w.still, w.refines = &second, first.Location
		yield(w.end(ctx, w.finish(ctx, w.reach)))
	}
}

// store stores the still, unless it refines one that was deleted meanwhile.
func (w *capture) store(ctx context.Context) (err error) {
	if w.still.Refined && w.deleted(ctx) {
		return ErrDeleted
	}
	w.still.Location, err = w.camera.Store.Put(ctx, w.still)
	return err
}

// deleted reports whether the still that is refined is known to be gone.
func (w *capture) deleted(ctx context.Context) bool {
	o, ok := w.camera.Store.(Opener)
	if !ok {
		return false
	}
	if l, ok := o.(Locator); ok {
		if _, err := l.Locate(w.still); err != nil {
			return false // it may have moved meanwhile
		}
	}
	opened, err := o.Open(ctx, w.refines)
	if err == nil {
		_ = opened.Close() // nothing was read
	}
	return errors.Is(err, fs.ErrNotExist)
}
