// Package locks has locks that have names.
package locks

import (
	"context"
	"sync"
)

// A Names is a lock for each name there can be. The zero value has them all free.
type Names struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // each is closed when its name is free again
}

// Take waits until name is free, and takes it.
func (n *Names) Take(ctx context.Context, name string) error {
	for {
		free := n.Try(name)
		if free == nil {
			return nil
		}
		select {
		case <-free:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Try takes name if it is free. If not, it returns what is closed when it is.
func (n *Names) Try(name string) (free <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if free, ok := n.taken[name]; ok {
		return free
	}
	if n.taken == nil {
		n.taken = make(map[string]chan struct{})
	}
	n.taken[name] = make(chan struct{})
	return nil
}

// Free gives name back.
func (n *Names) Free(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.taken[name])
	delete(n.taken, name)
}
