package sched

import (
	"cmp"
	"slices"
	"sync"
)

// A recent keeps what was found lately, so that the next capture, or the next step of the same one, does not find it again. The zero value is
// ready.
type recent[K comparable, V any] struct {
	most int // that are kept; zero means eight: the five GOPs that a verdict takes, and those of a capture that looks further

	mu    sync.Mutex
	found map[K]V
	keys  []K // of what was found, the oldest first
}

// of returns what find finds for a key, which says whether to keep it. No lock is held meanwhile: it is someone else's code.
func (r *recent[K, V]) of(key K, find func() (value V, keep bool)) V {
	if value, ok := r.get(key); ok {
		return value
	}
	value, keep := find()
	if keep {
		r.keep(key, value)
	}
	return value
}

func (r *recent[K, V]) get(key K) (value V, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	value, ok = r.found[key]
	return value, ok
}

// keep keeps a value in place of the oldest one.
func (r *recent[K, V]) keep(key K, value V) {
	const usual = 8
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.found[key]; ok {
		return // another has found it meanwhile
	}
	if r.found == nil {
		r.found = make(map[K]V)
	}
	if most := cmp.Or(r.most, usual); len(r.keys) == most {
		delete(r.found, r.keys[0])
		r.keys = slices.Delete(r.keys, 0, 1)
	}
	r.found[key] = value
	r.keys = append(r.keys, key)
}
