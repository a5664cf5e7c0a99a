package child

import "time"

// Slow is how long a request may take before the child does not keep others waiting: five times what the largest picture takes.
const Slow = time.Second

// begin notes that the child gets a request, which may take so long.
func (c *Child) begin(timeout time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = time.Now()
	_ = c.socket.SetDeadline(c.asked.Add(timeout))
}

// end notes that the child has done what it was asked for, or failed.
func (c *Child) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = time.Time{}
}

// takes returns how long the child has been at a request; zero if it is at none.
func (c *Child) takes() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.takesSoFar()
}

func (c *Child) takesSoFar() time.Duration {
	if c.asked.IsZero() {
		return 0
	}
	return time.Since(c.asked)
}

// expire lets the time of a slow request be over.
func (c *Child) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.takesSoFar() > Slow {
		_ = c.socket.SetDeadline(time.Now())
	}
}

// lowerPriority has the child go on when no other process wants to. It stays so, since only the superuser may raise it again. The lock is held
// meanwhile, so that the request does not end before.
func (c *Child) lowerPriority() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.takesSoFar() >= Slow {
		c.lower()
		c.slowed = true
	}
}

// Slowed reports whether a request was slow, so that the child has a low priority for ever.
func (c *Child) Slowed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slowed
}

// GiveUp ends the request that a child has been at for the longest, if that is slow.
func (p *Pool) GiveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	var last *Child
	for c := range p.children {
		if last == nil || c.takes() > last.takes() {
			last = c
		}
	}
	if last != nil {
		last.expire()
	}
}

// Late returns how many children have been at a request for so long, or longer.
func (p *Pool) Late(long time.Duration) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.children {
		if c.takes() >= long {
			n++
		}
	}
	return n
}
