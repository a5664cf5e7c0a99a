package store

import (
	"context"
	"sync"
)

// A nameLocks is a lock for each name there can be. The zero value has them all free.
type nameLocks struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // each is closed when its name is free again
}

// take waits until name is free, and takes it.
func (n *nameLocks) take(ctx context.Context, name string) error {
	for {
		free := n.try(name)
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

// try takes name if it is free. If not, it returns what is closed when it is.
func (n *nameLocks) try(name string) (free <-chan struct{}) {
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

// free gives name back.
func (n *nameLocks) free(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.taken[name])
	delete(n.taken, name)
}
