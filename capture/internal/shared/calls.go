package shared

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// How many results are kept at most if nothing else is said. Those of pictures of 1080p take 12 MiB.
const mostKept = 4

// Calls make a call once for all who want its result at the same time, or shortly after, by a key. The zero value is ready.
type Calls[K comparable, V any] struct {
	Most int // how many results are kept at most; zero means 4

	mu   sync.Mutex
	all  map[K]*call[V] // under way, and kept
	kept []K            // keys of those that have returned, oldest first
}

// A call is under way until done is closed.
type call[V any] struct {
	cancel  context.CancelFunc
	waiting int           // how many want it
	done    chan struct{} // closed when it has returned
	result  V
	err     error
	forget  *time.Timer // of the result; nil before it is kept
}

// Common returns the context of what is begun for one caller, and is for others, too. It has no values of anybody's, and does not end. The
// caller's context is an argument so that contextcheck, a linter, sees where it goes; nothing is taken of it.
func Common(context.Context) context.Context { return context.Background() }

// Do returns what do returns, or has returned, or is about to return, for a key. do runs on a goroutine of g. Its context is a Common one that
// ends when nobody waits for the result any more: that some of those who wait give up is nothing to the others. An error goes to all who wait,
// and is not kept. Do itself returns when ctx ends, whatever do does.
func (c *Calls[K, V]) Do(ctx context.Context, g *Group, key K, do func(context.Context) (V, error)) (V, error) {
	call := c.join(ctx, g, key, do)
	select {
	case <-call.done:
		return call.result, call.err
	case <-ctx.Done():
		c.leave(key, call)
		var none V
		return none, context.Cause(ctx)
	}
}

// join returns the call for a key, which it begins if there is none.
func (c *Calls[K, V]) join(ctx context.Context, g *Group, key K, do func(context.Context) (V, error)) *call[V] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.all[key]; known != nil {
		known.waiting++
		return known
	}
	ctx, cancel := context.WithCancel(Common(ctx))
	begun := &call[V]{cancel: cancel, waiting: 1, done: make(chan struct{}), err: ErrExit} // unless it returns
	if c.all == nil {
		c.all = make(map[K]*call[V])
	}
	c.all[key] = begun
	g.Go(func() {
		defer c.finish(key, begun)
		defer cancel()
		begun.err = Contain(func() (err error) {
			begun.result, err = do(ctx)
			return err
		})
	})
	return begun
}

// finish ends a call: its result is there for all who wait, and is kept for a while.
func (c *Calls[K, V]) finish(key K, call *call[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(call.done)
	if c.all[key] != call {
		return // nobody waits any more
	}
	if call.err != nil {
		delete(c.all, key)
		return
	}
	if c.kept = append(c.kept, key); len(c.kept) > cmp.Or(c.Most, mostKept) {
		c.drop(c.kept[0])
	}
	call.forget = time.AfterFunc(Retention, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.all[key] == call {
			c.drop(key)
		}
	})
}

// drop forgets a result; c.mu is held.
func (c *Calls[K, V]) drop(key K) {
	if call := c.all[key]; call != nil && call.forget != nil {
		call.forget.Stop() // it has the result until then
	}
	delete(c.all, key)
	if i := slices.Index(c.kept, key); i >= 0 {
		c.kept = slices.Delete(c.kept, i, i+1)
	}
}

// leave ends the waiting of one; the last ends the call.
func (c *Calls[K, V]) leave(key K, call *call[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	call.waiting--
	select {
	case <-call.done:
		return
	default:
	}
	if call.waiting == 0 {
		call.cancel()
		if c.all[key] == call {
			delete(c.all, key)
		}
	}
}
