package capture

import (
	"context"

	"github.com/livestill/livestill/frame"
)

// keepWarm makes lines keep up with the stream until ctx ends.
func (c *Camera) keepWarm(ctx context.Context) {
	var tried frame.GOP
	for ctx.Err() == nil {
		changed := c.History.Changed()
		for g := range c.History.Backward() {
			if span := g[len(g)-1].Shown().Sub(g[0].Shown()); span >= c.Warm && (tried == nil || !same(tried, g)) {
				tried = g
				c.lines.mu.Lock()
				l := c.lines.find(g, []*want{{index: len(g) - 1}})
				if l == nil {
					l = c.begin(ctx, g)
				}
				l.warm = true
				l.wake()
				c.lines.mu.Unlock()
			}
			break // the newest is all that counts
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	c.lines.mu.Lock()
	defer c.lines.mu.Unlock()
	for _, l := range c.lines.open {
		l.warm = false
		l.wake()
	}
}
