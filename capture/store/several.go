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
			if locations[i], errs[i] = store.Put(ctx, s); errs[i] != nil {
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

// Locate returns where the first store puts s.
func (t Tee) Locate(s *capture.Still) (string, error) {
	if len(t) == 0 {
		return "", errNoStores
	}
	return Locate(t[0], s)
}

// List yields what the stores have, each still once.
func (t Tee) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return listAll(ctx, t, which)
}

// Delete deletes from all stores, also when one fails.
func (t Tee) Delete(ctx context.Context, which capture.Selection) (files int, err error) {
	return deleteAll(ctx, t, which)
}

// Failover puts each still into the first of its stores that takes it: the others stand in while that does not. What holds a Put
// up holds Failover up; Retry with Timeout bounds that:
//
//	store.Failover{&store.Retry{Store: bucket, Attempts: 1, Timeout: 5 * time.Second}, &store.Dir{Path: "stills"}}
//
// A store that took a still, and failed only to say so, has it beside the one that stood in. And a still that is put again, as Refine does,
// while its store is away, is in two versions then, of which List yields that in the first store. A Spool before the first store has
// neither trouble.
type Failover []capture.Store

// Put puts s into the first store that takes it.
func (f Failover) Put(ctx context.Context, s *capture.Still) (location string, err error) {
	if len(f) == 0 {
		return "", errNoStores
	}
	var errs, rejections []error
	for i, store := range f {
		location, err := store.Put(ctx, s)
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

// List yields what the stores have, each still once.
func (f Failover) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return listAll(ctx, f, which)
}

// Delete deletes from all stores, also when one fails.
func (f Failover) Delete(ctx context.Context, which capture.Selection) (files int, err error) {
	return deleteAll(ctx, f, which)
}

// listAll yields each still once. It remembers what those before the last store have.
func listAll(ctx context.Context, stores []capture.Store, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return func(yield func(capture.Stored, error) bool) {
		seen := make(map[capture.Stored]int) // by which of the stores
		for i, store := range stores {
			for s, err := range List(ctx, store, which) {
				key := s
				key.Location, key.Size = "", 0
				by, ok := seen[key]
				if err == nil && ok && by < i {
					continue
				}
				if !yield(s, err) || err != nil {
					return
				}
				if i < len(stores)-1 {
					seen[key] = i
				}
			}
		}
	}
}

func deleteAll(ctx context.Context, stores []capture.Store, which capture.Selection) (files int, err error) {
	var errs []error
	for _, store := range stores {
		n, err := Delete(ctx, store, which)
		files += n
		errs = append(errs, err)
	}
	return files, errors.Join(errs...)
}

// List lists what s has, if it is a capture.Lister; else it yields an errors.ErrUnsupported.
func List(ctx context.Context, s capture.Store, which capture.Selection) iter.Seq2[capture.Stored, error] {
	if l, ok := s.(capture.Lister); ok {
		return l.List(ctx, which)
	}
	return func(yield func(capture.Stored, error) bool) {
		yield(capture.Stored{}, fmt.Errorf("store: %T cannot list: %w", s, errors.ErrUnsupported))
	}
}

// Delete deletes from s, if it is a capture.Deleter; else it returns an errors.ErrUnsupported.
func Delete(ctx context.Context, s capture.Store, which capture.Selection) (files int, err error) {
	if d, ok := s.(capture.Deleter); ok {
		return d.Delete(ctx, which)
	}
	return 0, fmt.Errorf("store: %T cannot delete: %w", s, errors.ErrUnsupported)
}

// Locate tells where s puts a still, if it is a capture.Locator; else it returns an errors.ErrUnsupported.
func Locate(s capture.Store, still *capture.Still) (location string, err error) {
	if l, ok := s.(capture.Locator); ok {
		return l.Locate(still)
	}
	return "", fmt.Errorf("store: %T does not know where it will put a still: %w", s, errors.ErrUnsupported)
}
