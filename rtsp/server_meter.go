package rtsp

import (
	"sync"
	"time"
)

const window = 10 * time.Second // that a meter averages over

// A meter measures the bytes of a publisher.
type meter struct {
	rate int // the most in a second

	mu    sync.Mutex
	bytes int       // since begin
	begin time.Time // of the window
}

// take takes note of n bytes; it returns false if they are too many.
func (m *meter) take(n int, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.begin) >= window {
		m.begin, m.bytes = now, 0
	}
	m.bytes += n
	return m.bytes <= m.rate*int(window/time.Second)
}
