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
// the same ID, so that a Store replaces the first by the second; Still.Refined tells them apart. Each has all files that are asked for. The
// second begins when the loop goes on; a break leaves it at the first. A loop that takes longer than a quarter of a second makes the second take
// longer, too: neighbours that were decoded on the way are not kept for it.
//
// The Policy is asked once, the Moderator about each, and the Notifier is told of each. Whatever fails is yielded as an *Error and
// ends it; the first still remains stored if that is the second. If the Enhancer is no Merger, or Lookahead is negative, one still
// is all.
//
// Whoever deletes the first deletes both: the second is not stored then, and ErrDeleted says so. A Store that is a DeleteWatcher tells of it, so
// that a Delete that begins while the second is being put waits for that, ten seconds at most, and deletes it; what is put later, Refine deletes.
// It counts that the Delete has begun, even if it fails. If the Store does not tell, or another program deletes, it counts whether the first is
// there, as far as the Store is an Opener, when the second is about to be put.
func (c *Camera) Refine(ctx context.Context, r Request) iter.Seq2[*Still, error] {
	return func(yield func(*Still, error) bool) {
		w := c.begun(r, nil)
		defer w.close(ctx)
		err := w.untilDecoded(ctx)
		decoded := len(w.still.Steps)
		if err == nil {
			w.deletion = new(deletion)
			defer func() { _ = contain(func() error { w.deletion.forget(); return nil }) }()
			err = w.finish(ctx, alone)
		}
		second, refines := *w.still, Still{} // before the first is the caller's
		if stored := made(w.all); len(stored) > 0 {
			refines = *stored[0].still
		}
		resume := w.lend()
		defer resume()
		first, err := w.end(ctx, err)
		if !yield(first, err) || err != nil || w.reach == alone {
			return
		}
		resume()
		second.Steps, second.Ranked = slices.Clone(second.Steps[:decoded]), slices.Clone(second.Ranked)
		second.Data, second.Variants, second.Location, second.Refined = nil, nil, "", true
		w.still, w.refines = &second, &refines
		yield(w.end(ctx, w.finish(ctx, w.reach)))
	}
}

// store stores the still, unless it refines one that was deleted meanwhile.
func (w *capture) store(ctx context.Context) error {
	switch {
	case w.deletion == nil:
		return w.putFiles(ctx)
	case !w.still.Refined:
		w.deletion.watch(w.camera.Store, w.still)
		return w.putFiles(w.deletion.own(ctx))
	case w.gone(ctx):
		return ErrDeleted
	}
	return w.deletion.unless(ctx, w.putFiles)
}

// gone reports whether the still that is refined is known to be there no longer.
func (w *capture) gone(ctx context.Context) bool {
	o, ok := w.camera.Store.(Opener)
	if !ok {
		return false
	}
	if l, ok := o.(Locator); ok {
		if _, err := l.Locate(w.refines); err != nil {
			return false // it may have moved meanwhile
		}
	}
	opened, err := o.Open(ctx, w.refines.Location)
	if err == nil {
		_ = opened.Close() // nothing was read
	}
	return errors.Is(err, fs.ErrNotExist)
}
