package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/truth"
)

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

// Open opens a still of s, if it is a capture.Opener; else it returns an errors.ErrUnsupported.
func Open(ctx context.Context, s capture.Store, location string) (*capture.Opened, error) {
	if o, ok := s.(capture.Opener); ok {
		return o.Open(ctx, location)
	}
	return nil, fmt.Errorf("store: %T cannot open: %w", s, errors.ErrUnsupported)
}

// OnDelete has selected called when s deletes a still, if it is a capture.DeleteWatcher; else it does nothing.
func OnDelete(s capture.Store, still *capture.Still, selected func(ctx context.Context)) (stop func()) {
	if w, ok := s.(capture.DeleteWatcher); ok {
		return w.OnDelete(still, selected)
	}
	return func() {}
}

// onDeleteAll is OnDelete for each store.
func onDeleteAll(stores []capture.Store, still *capture.Still, selected func(ctx context.Context)) (stop func()) {
	stops := make([]func(), len(stores))
	for i, store := range stores {
		stops[i] = OnDelete(store, still, selected)
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// openFirst opens a still in the first store that has it. That it is not there is known only if all say so.
func openFirst(ctx context.Context, stores []capture.Store, location string) (*capture.Opened, error) {
	var errs []error
	for i, store := range stores {
		opened, err := Open(ctx, store, location)
		if err == nil {
			return opened, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("store %d of %d, a %T: %w", i+1, len(stores), store, err))
		}
	}
	if len(errs) == 0 {
		return nil, truth.NotThere(location)
	}
	return nil, errors.Join(errs...)
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
