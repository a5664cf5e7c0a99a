package ingest

import (
	"sync"
	"time"
)

// Messages are what a bucket counts in: an access unit, a packet of sound, a command or a request is one. A publisher of 60 pictures and
// 100 packets of sound a second needs 160.
const (
	Rate      = 2000   // messages a second, for as long as it likes
	Burst     = 10_000 // at once: a minute of those 160, caught up on after the connection had stalled
	Beginning = 200    // at once before it publishes: encoders send five to ten

	shortestWait = 10 * time.Millisecond // timers are not exact
)

// A bucket is a token bucket: an allowance of messages that refills with time.
type bucket struct {
	mu    sync.Mutex
	burst float64
	left  float64 // below zero: owed
	at    time.Time
}

func newBucket(burst float64) *bucket { return &bucket{burst: burst, left: burst, at: time.Now()} }

// spend takes n messages, whether they are there or not.
func (b *bucket) spend(n float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left -= n
}

// wait waits until nothing is owed, unless that is hardly anything, and returns how many messages there are. It returns at once when
// done is closed.
func (b *bucket) wait(done <-chan struct{}) (left float64) {
	left, owed := b.state()
	if owed < shortestWait {
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

func (b *bucket) state() (left float64, owed time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill()
	return b.left, time.Duration(max(0, -b.left) / Rate * float64(time.Second))
}

// take takes n messages if they are there.
func (b *bucket) take(n float64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < n {
		b.refill()
	}
	if b.left < n {
		return false
	}
	b.left -= n
	return true
}

// widen allows for a publisher's Burst.
func (b *bucket) widen() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill()
	b.left += Burst - b.burst
	b.burst = Burst
}

func (b *bucket) refill() {
	now := time.Now()
	b.left = min(b.burst, b.left+now.Sub(b.at).Seconds()*Rate)
	b.at = now
}
