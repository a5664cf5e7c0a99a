package store

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/livestill/livestill/capture"
)

// Failover puts each still into the first of its stores that takes it: the others stand in while that does not, or panics. What delays a Put
// delays Failover; Retry with Timeout bounds that:
//
//	once := &store.Retry{Store: s3, Attempts: 1, Timeout: 5 * time.Second}
//	stills := store.Failover{once, &store.Dir{Path: "stills"}}
//
// A store that took a still, and failed only to say so, has it beside the one that stood in. And a still that is put again, as Refine does,
// while its store is away, is in two versions then, of which List yields that in the first store. A Spool before the first store has
// neither trouble.
//
// It is no capture.Locator: which store takes a still is known only then.
type Failover []capture.Store

// Put puts s into the first store that takes it.
func (f Failover) Put(ctx context.Context, s *capture.Still) (location string, err error) {
	if len(f) == 0 {
		return "", errNoStores
	}
	var errs, rejections []error
	for i, store := range f {
		location, err := put(ctx, store, s)
		switch {
		case err == nil:
			return location, nil
		case errors.Is(err, capture.ErrRejected):
			rejections = append(rejections, err)
		default:
			errs = append(errs, fmt.Errorf("store %d of %d, a %T: %w", i+1, len(f), store, err))
		}
		if err := context.Cause(ctx); err != nil {
			errs = append(errs, err)
			break
		}
	}
	rejected := errors.Join(rejections...)
	switch {
	case len(errs) == 0:
		return "", rejected
	case rejected == nil:
		return "", errors.Join(errs...)
	default: // another may take it the next time: not to be known as a rejection
		return "", fmt.Errorf("%w\n%s", errors.Join(errs...), rejected.Error())
	}
}

// Stats returns what Puts into each store have come to, in the order of the list, as those of a Tee. They tell how often a store stood in.
func (f Failover) Stats() []capture.StoreStats { return statsOf(f) }

// Open opens a still in the first store that has it there.
func (f Failover) Open(ctx context.Context, location string) (*capture.Opened, error) {
	return openFirst(ctx, f, location)
}

// List yields what the stores have, each still once.
func (f Failover) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return listAll(ctx, f, which)
}

// Delete deletes from all stores, also when one fails.
func (f Failover) Delete(ctx context.Context, which capture.Selection) (files int, err error) {
	return deleteAll(ctx, f, which)
}

// OnDelete has selected called when one of the stores deletes s.
func (f Failover) OnDelete(s *capture.Still, selected func(ctx context.Context)) (stop func()) {
	return onDeleteAll(f, s, selected)
}
