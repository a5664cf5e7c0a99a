package capture

import (
	"context"
	"sync"
	"time"
)

// What was made for one capture is kept for others for as long as this, as far as there is room.
const (
	linger  = 250 * time.Millisecond
	maxKept = 4 // of pictures of 1080p, 12 MiB
)

// Flights make a thing once for all who want it at the same time, and shortly after. The zero value is ready.
type flights[K comparable, V any] struct {
	mu   sync.Mutex
	all  map[K]*flight[V]
	kept []K // of those that are made, oldest first
}

// A flight is the making of one thing.
type flight[V any] struct {
	cancel  context.CancelFunc
	waiting int           // how many want it
	done    chan struct{} // closed when it is made
	thing   V
	err     error
}

// do returns what fn makes, or has made, or is making, for a key. It runs until it ends or nobody waits for it any more; that some of
// those who wait give up is nothing to the others. An error goes to all who wait, and is not kept.
func (f *flights[K, V]) do(ctx context.Context, key K, fn func(context.Context) (V, error)) (V, error) {
	f.mu.Lock()
	l := f.all[key]
	if l == nil {
		if f.all == nil {
			f.all = make(map[K]*flight[V])
		}
		life, cancel := context.WithCancel(context.WithoutCancel(ctx))
		l = &flight[V]{cancel: cancel, done: make(chan struct{})}
		f.all[key] = l
		go func() {
			defer cancel()
			defer f.land(key, l)
			l.err = errExit // unless it returns
			l.err = contain(func() (err error) {
				l.thing, err = fn(life)
				return err
			})
		}()
	}
	l.waiting++
	f.mu.Unlock()
	select {
	case <-l.done:
		return l.thing, l.err
	case <-ctx.Done():
		f.leave(key, l)
		var none V
		return none, context.Cause(ctx)
	}
}

// land ends a flight: its thing is there for all.
func (f *flights[K, V]) land(key K, l *flight[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(l.done)
	if f.all[key] != l {
		return // nobody waits any more
	}
	if l.err != nil {
		delete(f.all, key)
		return
	}
	if f.kept = append(f.kept, key); len(f.kept) > maxKept {
		f.drop(f.kept[0])
	}
	time.AfterFunc(linger, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.all[key] == l {
			f.drop(key)
		}
	})
}

// drop forgets a thing that was kept.
func (f *flights[K, V]) drop(key K) {
	delete(f.all, key)
	for i, k := range f.kept {
		if k == key {
			f.kept = append(f.kept[:i], f.kept[i+1:]...)
			return
		}
	}
}

// leave ends the waiting of one; the last ends the flight.
func (f *flights[K, V]) leave(key K, l *flight[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l.waiting--
	select {
	case <-l.done:
		return
	default:
	}
	if l.waiting == 0 {
		l.cancel()
		if f.all[key] == l {
			delete(f.all, key)
		}
	}
}
