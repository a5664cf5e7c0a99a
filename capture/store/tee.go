package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/livestill/livestill/capture"
)

// Tee puts each still into all of its stores, at once. It is taken when all have it; until then, by whichever fails, it may be in some
// of them, and Put again makes it complete. Its location is that in the first store.
type Tee []capture.Store

var (
	errNoStores = errors.New("store: none in the list")
	errNoStore  = errors.New("store: no Store to put into")
)

// Put puts s into each store, and waits for all of them.
func (t Tee) Put(ctx context.Context, s *capture.Still) (location string, err error) {
	if len(t) == 0 {
		return "", errNoStores
	}
	locations, errs := make([]string, len(t)), make([]error, len(t))
	var all sync.WaitGroup
	for i, store := range t {
		all.Go(func() {
			if locations[i], errs[i] = put(ctx, store, s); errs[i] != nil {
				errs[i] = fmt.Errorf("store %d of %d, a %T: %w", i+1, len(t), store, errs[i])
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	return locations[0], nil
}

// Stats returns what Puts into each store have come to, in the order of the list: zero for a store that does not count them. A Tee or Failover in
// the list has those of its own stores in its place. It may be called at any time.
func (t Tee) Stats() []capture.StoreStats { return statsOf(t) }

// Locate returns where the first store puts s.
func (t Tee) Locate(s *capture.Still) (string, error) {
	if len(t) == 0 {
		return "", errNoStores
	}
	return Locate(t[0], s)
}

// Open opens a still in the first store that has it there.
func (t Tee) Open(ctx context.Context, location string) (*capture.Opened, error) {
	return openFirst(ctx, t, location)
}

// List yields what the stores have, each still once.
func (t Tee) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return listAll(ctx, t, which)
}

// Delete deletes from all stores, also when one fails.
func (t Tee) Delete(ctx context.Context, which capture.Selection) (files int, err error) {
	return deleteAll(ctx, t, which)
}

// OnDelete has selected called when one of the stores deletes s.
func (t Tee) OnDelete(s *capture.Still, selected func(ctx context.Context)) (stop func()) {
	return onDeleteAll(t, s, selected)
}
