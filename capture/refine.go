package capture

import (
	"context"
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
func (c *Camera) Refine(ctx context.Context, r Request) iter.Seq2[*Still, error] {
	return func(yield func(*Still, error) bool) {
		w := c.begun(r)
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
		w.still = &second
		yield(w.end(ctx, w.finish(ctx, w.reach)))
	}
}
