package rtsp

import (
	"sync"
	"time"
)

const window = 10 * time.Second // that a meter averages over

// A meter measures what a peer sends: bytes, or packets.
type meter struct {
	rate int // the most in a second

	mu    sync.Mutex
	count int       // since begin
	begin time.Time // of the window
}

// take takes note of n more; it returns false if they are too many.
func (m *meter) take(n int, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.begin) >= window {
		m.begin, m.count = now, 0
	}
	m.count += n
	return m.count <= m.rate*int(window/time.Second)
}
