// Package queue keeps what has arrived until it is taken, with neither side waiting for the other.
package queue

import (
	"fmt"
	"sync"
	"time"

	"github.com/livestill/livestill/frame"
)

// Beyond these a Handler is too slow.
const (
	maxUnits = 256      // eight seconds at 30 fps
	maxBytes = 16 << 20 // two of the largest units
)

// firstWaits is how long the first unit waits, since it may be retracted. Slices of a picture come in one burst, and nobody sees a hundredth of
// a second.
const firstWaits = 10 * time.Millisecond

// A Queue has the access units of one stream, oldest first.
type Queue struct {
	ready chan struct{} // has room for one

	mu       sync.Mutex
	begun    bool // there was a unit
	first    frame.AccessUnit
	waits    bool               // first waits for its other pieces, and is not among units yet
	units    []frame.AccessUnit // oldest first
	bytes    int
	skipping bool // until a key unit that there is room for
	dropped  int  // units so far
}

// New returns an empty Queue.
func New() *Queue { return &Queue{ready: make(chan struct{}, 1)} }

// Ready returns a channel that receives when units may have come since the last Pop.
func (q *Queue) Ready() <-chan struct{} { return q.ready }

// Push appends u. When the queue is full, u takes the place of the newest unit and tells that something is lost; what follows is of
// no use up to the next key unit, which needs nothing that came before. The first unit is ready after a moment, or when the next has come.
func (q *Queue) Push(u frame.AccessUnit) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.begun {
		q.begun, q.waits, q.first = true, true, u
		time.AfterFunc(firstWaits, func() { q.Flush() })
		return
	}
	q.flush()
	q.push(u)
}

// Retract takes the first unit back while it waits: it turned out to be a part of one that is still to come.
func (q *Queue) Retract() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waits {
		q.begun, q.waits, q.first = false, false, frame.AccessUnit{}
	}
}

// Flush has the first unit wait no longer. It returns false if it did not.
func (q *Queue) Flush() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.flush()
}

func (q *Queue) flush() bool {
	if !q.waits {
		return false
	}
	q.push(q.first)
	q.waits, q.first = false, frame.AccessUnit{}
	return true
}

func (q *Queue) push(u frame.AccessUnit) {
	last := len(q.units) - 1
	full := last >= 0 && (len(q.units) == maxUnits || q.bytes+len(u.Data) > maxBytes)
	switch {
	case q.skipping && (full || !u.Key):
		q.dropped++
		return
	case full:
		q.dropped++
		u.Lost, q.skipping = true, true
		q.bytes += len(u.Data) - len(q.units[last].Data)
		q.units[last] = u
	default:
		q.skipping = false
		q.bytes += len(u.Data)
		q.units = append(q.units, u)
	}
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// Pop takes the oldest unit, if there is one.
func (q *Queue) Pop() (u frame.AccessUnit, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.units) == 0 {
		return u, false
	}
	u, q.units[0] = q.units[0], u
	q.units = q.units[1:]
	q.bytes -= len(u.Data)
	return u, true
}

// Bytes returns how many bytes the units have that wait.
func (q *Queue) Bytes() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes + len(q.first.Data)
}

// Dropped returns how many units there was no room for.
func (q *Queue) Dropped() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// TooSlow says that units were dropped since the Handler did not take them in time; nil if none were.
func (q *Queue) TooSlow() error {
	if n := q.Dropped(); n > 0 {
		return fmt.Errorf("the Handler was too slow for %d units", n)
	}
	return nil
}
