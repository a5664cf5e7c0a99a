package capture

import (
	"sync"

	"github.com/livestill/livestill/capture/internal/sched"
)

// A claim says whose publishers a Camera serves, or is about to. The zero claim is free.
type claim struct {
	mu         sync.Mutex
	hub        *Hub
	publishers int // of the Hub: one that has a stream, and those that wait for its end
}

// take claims the Camera, which s decodes for, for one more publisher of h. It is false if another Hub has it, or whoever has called its
// ServeStream: that stream is not for h to end.
func (c *claim) take(h *Hub, s *sched.Scheduler) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.publishers == 0 && s.Live() != nil || c.publishers > 0 && c.hub != h {
		return false
	}
	c.hub = h
	c.publishers++
	return true
}

// release gives back what take took.
func (c *claim) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.publishers--
}

// alone reports whether the Hub has one publisher only that wants the Camera.
func (c *claim) alone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.publishers == 1
}
