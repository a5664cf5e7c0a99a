// Package watched knows who is to hear of it before stills are deleted.
package watched

import (
	"context"
	"sync"

	"github.com/livestill/livestill/capture"
)

// Stills are the stills of a store that are watched. The zero value has none. All methods may be called at any time.
type Stills struct {
	mu      sync.Mutex
	watched map[*still]struct{}
}

type still struct {
	key      string
	selected func(ctx context.Context)
}

// Names makes names of stills, and finds those that are selected: a store.Template.
type Names interface {
	Key(s *capture.Still) (key string, err error)
	Select(which capture.Selection) (prefix string, read func(key string) (s capture.Stored, ok bool), err error)
}

// Add has selected called before s is deleted, until stop is called.
func (w *Stills) Add(names Names, s *capture.Still, selected func(ctx context.Context)) (stop func()) {
	key, err := names.Key(s)
	if err != nil {
		return func() {} // it is not to be put
	}
	watched := &still{key, selected}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watched == nil {
		w.watched = make(map[*still]struct{})
	}
	w.watched[watched] = struct{}{}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.watched, watched)
	}
}

// Tell tells those whose stills are about to be deleted, one after the other.
func (w *Stills) Tell(ctx context.Context, names Names, which capture.Selection) error {
	_, read, err := names.Select(which)
	if err != nil {
		return err
	}
	for _, s := range w.those(read) {
		s.selected(ctx)
	}
	return nil
}

func (w *Stills) those(read func(key string) (s capture.Stored, ok bool)) (selected []*still) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.watched {
		if _, ok := read(s.key); ok {
			selected = append(selected, s)
		}
	}
	return selected
}
