package frame

import (
	"slices"
	"sync"
	"time"
)

const (
	defaultAge   = 10 * time.Second
	defaultBytes = 64 << 20 // ten seconds at 50 Mbit/s
)

// A History remembers the recent past of one stream in compressed form. The zero value is ready; set the bounds before the first
// Add. One goroutine adds, any number read at the same time: readers never make the writer wait for more than a few copies.
//
// It forgets a whole GOP at a time, so that what it remembers always decodes.
type History struct {
	// MaxAge is how far back every picture is remembered; zero means ten seconds. The GOP that this instant lies in is kept whole.
	MaxAge time.Duration

	// MaxBytes bounds the compressed data; zero means 64 MiB. When the newest GOP alone exceeds it, the data of all its units
	// but the key unit is forgotten until the next GOP: a picture grows old, but there always is one. Two units without Data
	// then follow the key unit, the first and the last of the forgotten ones, to tell the time that is missing.
	// A single key unit may exceed the bound.
	MaxBytes int

	mu       sync.Mutex
	gops     []GOP  // in decoding order; a GOP's units are written once and never moved
	joined   []bool // of each of gops: nothing was cut between it and the one before
	bytes    int
	closed   bool          // the last of gops takes no more units
	degraded bool          // the last of gops exceeded MaxBytes
	changed  chan struct{} // closed by the next Add; nil while nobody waits
}

// Add remembers u, the next unit in decoding order. Units before the first key unit are dropped: nothing could decode them.
// It takes constant time and allocates only when a GOP grows beyond the length of the one before.
func (h *History) Add(u AccessUnit) {
	u.Data = slices.Clip(u.Data) // readers share it
	h.mu.Lock()
	defer h.mu.Unlock()
	last := len(h.gops) - 1
	switch {
	case u.Key:
		length := 1
		if last >= 0 && !h.degraded {
			length = len(h.gops[last])
		}
		h.gops = append(h.gops, append(make(GOP, 0, length), u))
		h.joined = append(h.joined, last >= 0 && !h.closed)
		h.closed, h.degraded = false, false
	case last < 0 || h.closed:
		return
	case h.degraded:
		g := h.gops[last]
		u.Data = nil
		h.gops[last] = GOP{g[0], g[1], u} // anew, since readers may hold the old one
	default:
		h.gops[last] = append(h.gops[last], u)
	}
	h.bytes += len(u.Data)
	h.forget()
	if h.changed != nil {
		close(h.changed)
		h.changed = nil
	}
}

// forget upholds the bounds. Amortised over the units that were added, it takes constant time.
func (h *History) forget() {
	maxAge, maxBytes := h.MaxAge, h.MaxBytes
	if maxAge == 0 {
		maxAge = defaultAge
	}
	if maxBytes == 0 {
		maxBytes = defaultBytes
	}
	newest := h.gops[len(h.gops)-1]
	oldest := newest[len(newest)-1].Shown().Add(-maxAge) // by our own clock: a source's jumps when it becomes known
	for len(h.gops) > 1 && (h.bytes > maxBytes || !h.gops[1][0].Shown().After(oldest)) {
		h.bytes -= h.gops[0].Size()
		h.gops[0] = nil
		h.gops, h.joined = h.gops[1:], h.joined[1:]
	}
	if h.bytes > maxBytes && len(newest) > 1 {
		first, last := newest[1], newest[len(newest)-1]
		for _, u := range newest[1:] {
			if u.Time.Before(first.Time) {
				first = u // B-frames are shown before what was decoded before them
			}
		}
		first.Data, last.Data = nil, nil
		h.gops[0] = GOP{newest[0], first, last}
		h.bytes = len(newest[0].Data)
		h.degraded = true
	}
}

// Cut ends the newest GOP: until the next key unit, what is added is dropped. It stands between two publishers whose units must
// not decode into each other.
func (h *History) Cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
}

// GOPs returns what is remembered, oldest first. The GOPs share memory with the History and are immutable: units that are added
// later do not appear in them.
func (h *History) GOPs() []GOP {
	h.mu.Lock()
	defer h.mu.Unlock()
	gops := make([]GOP, len(h.gops))
	for i, g := range h.gops {
		gops[i] = g[:len(g):len(g)]
	}
	return gops
}

// Before returns the GOP that came right before g, one of GOPs; nil if it is forgotten, or there was a Cut between. The first pictures of
// g may refer to it, as those of open GOPs do that are shown before the key unit.
func (h *History) Before(g GOP) GOP {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := 1; i < len(h.gops); i++ {
		if key := &h.gops[i][0]; h.joined[i] && key.PTS == g[0].PTS && key.Time.Equal(g[0].Time) { // it may have grown elsewhere by now
			before := h.gops[i-1]
			return before[:len(before):len(before)]
		}
	}
	return nil
}

// Changed returns a channel that is closed when the next unit is remembered. To wait for a unit, call it before looking at GOPs.
func (h *History) Changed() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	return h.changed
}

// Size returns the bytes of compressed data that are remembered.
func (h *History) Size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.bytes
}
