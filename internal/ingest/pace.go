package ingest

import (
	"sync"
	"time"
)

// Messages are what a pace counts in: an access unit, a packet of sound, a command or a request is one. A publisher of 60 pictures and
// 100 packets of sound a second needs 160.
const (
	Rate      = 2000   // messages a second, for as long as it likes
	Burst     = 10_000 // at once: a minute of those 160, caught up on after the connection had stalled
	Beginning = 200    // at once before it publishes: encoders send five to ten

	shortest = 10 * time.Millisecond // that is waited for: timers are not exact
)

// A pace is an allowance of messages that refills with time.
type pace struct {
	mu    sync.Mutex
	burst float64
	left  float64 // below zero: owed
	at    time.Time
}

func newPace(burst float64) *pace { return &pace{burst: burst, left: burst, at: time.Now()} }

// spend takes n messages, whether they are there or not.
func (p *pace) spend(n float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left -= n
}

// wait waits until nothing is owed, unless that is hardly anything, and returns how many messages there are. It returns at once when
// done is closed.
func (p *pace) wait(done <-chan struct{}) (left float64) {
	left, owed := p.state()
	if owed < shortest {
		return left
	}
	timer := time.NewTimer(owed)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	}
	return 0
}

func (p *pace) state() (left float64, owed time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refill()
	return p.left, time.Duration(max(0, -p.left) / Rate * float64(time.Second))
}

// take takes n messages if they are there.
func (p *pace) take(n float64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left < n {
		p.refill()
	}
	if p.left < n {
		return false
	}
	p.left -= n
	return true
}

// widen allows for a publisher's Burst.
func (p *pace) widen() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refill()
	p.left += Burst - p.burst
	p.burst = Burst
}

func (p *pace) refill() {
	now := time.Now()
	p.left = min(p.burst, p.left+now.Sub(p.at).Seconds()*Rate)
	p.at = now
}
