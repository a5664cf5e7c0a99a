// Package shared runs work that several captures want, once for all of them.
//
// Such work outlives whoever began it as long as others wait for it, and its context ends when nobody waits any more. It runs on goroutines of
// a Group, which somebody waits for. It is mostly someone else's code: what that does wrong is contained.
package shared

import (
	"context"
	"sync"
	"time"
)

// Retention is how long what was made for one capture is kept for others: taps that are meant for the same picture come within it.
const Retention = 250 * time.Millisecond

// A Group runs goroutines, and waits for them. The zero Group is ready.
type Group struct {
	mu      sync.Mutex
	running *sync.WaitGroup // of those since the last Wait; nil without any
}

// Go runs do on a goroutine of its own.
func (g *Group) Go(do func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running == nil {
		g.running = new(sync.WaitGroup)
	}
	g.running.Go(do)
}

// Wait waits for all goroutines that have begun before it is called.
func (g *Group) Wait() {
	g.mu.Lock()
	running := g.running
	g.running = nil
	g.mu.Unlock()
	if running != nil {
		running.Wait()
	}
}

// A Semaphore has room for as many as may do something at a time.
type Semaphore chan struct{}

// Acquire waits for room until ctx ends.
func (s Semaphore) Acquire(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Release makes room for another.
func (s Semaphore) Release() { <-s }
