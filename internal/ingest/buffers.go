package ingest

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/frame"
)

const (
	freeBytes = 64 << 10 // bytes that any connection may have buffered: most access units of a camera
	bytesStep = 16 << 10 // bytes; less of a change is not worth a lock
	leastMax  = 16 << 20 // bytes: two of the largest messages

	longestEviction = 100 * time.Millisecond // for who is evicted to give its memory back; a busy machine may take longer
)

// Buffers bounds the bytes that the connections of a listener have buffered together, of messages and units that are under way: those of which
// not all has come, and those that wait for the Handler. The first 64 KiB of a connection do not count. When there are more than Max, the
// connection that has the most is evicted, of the site that has the most. Until that has given its memory back, others that have anything
// buffered wait before they read more. All methods may be called at any time.
type Buffers struct {
	Max int64 // zero means a sixteenth of frame.DefaultBudget, but 16 MiB at least; it is beside that Budget

	mu    sync.Mutex
	all   map[*Buffered]struct{} // that have anything buffered, except for those that are evicted
	total int64                  // of all
	going int                    // connections that are evicted, and have not left yet
	gone  chan struct{}          // closed when these have left; nil if there are none
}

// A Buffered is what one connection has buffered. Set is for one goroutine, Leave may be called at any time, and again.
type Buffered struct {
	buffers *Buffers
	site    Site
	evict   func(reason error)
	steps   atomic.Int64 // what Set was told last

	bytes int64 // guarded by buffers.mu, as what follows
	going bool  // it is evicted
	left  bool
}

// Open returns the Buffered of a new connection. Evict is called with the reason, an ErrLimit; it must close the connection and not wait.
func (b *Buffers) Open(peer net.Addr, evict func(reason error)) *Buffered {
	return &Buffered{buffers: b, site: SiteOf(peer), evict: evict}
}

// Set says how many bytes are buffered now.
func (b *Buffered) Set(bytes int) {
	steps := int64(max(0, bytes-freeBytes)+bytesStep-1) / bytesStep
	if b.steps.Swap(steps) == steps {
		return
	}
	if out, reason := b.buffers.set(b, steps*bytesStep); out != nil {
		out.evict(reason)
	}
}

// Wait waits, if anything is buffered, until those that are evicted have left, until done is closed, or for a moment.
func (b *Buffered) Wait(done <-chan struct{}) {
	if b.steps.Load() == 0 {
		return
	}
	b.buffers.mu.Lock()
	gone := b.buffers.gone
	b.buffers.mu.Unlock()
	if gone == nil {
		return
	}
	timer := time.NewTimer(longestEviction)
	defer timer.Stop()
	select {
	case <-gone:
	case <-timer.C:
	case <-done:
	}
}

// Leave says that nothing is buffered any more, and nothing will be.
func (b *Buffered) Leave() {
	all := b.buffers
	all.mu.Lock()
	defer all.mu.Unlock()
	if b.left {
		return
	}
	b.left = true
	all.drop(b)
	if !b.going {
		return
	}
	if all.going--; all.going == 0 {
		close(all.gone)
		all.gone = nil
	}
}

// drop counts one no more.
func (b *Buffers) drop(one *Buffered) {
	b.total -= one.bytes
	one.bytes = 0
	delete(b.all, one)
}

// set notes what one has buffered, and returns who is evicted for that.
func (b *Buffers) set(one *Buffered, bytes int64) (out *Buffered, reason error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if one.left || one.going {
		return nil, nil
	}
	b.drop(one)
	if b.all == nil {
		b.all = make(map[*Buffered]struct{})
	}
	if bytes > 0 {
		one.bytes = bytes
		b.total += bytes
		b.all[one] = struct{}{}
	}
	most := b.max()
	if b.total <= most {
		return nil, nil
	}
	out = b.largest()
	reason = LimitError("messages and units under way exceed %d bytes, of which this connection had %d", most, out.bytes)
	b.drop(out)
	out.going = true
	if b.going++; b.gone == nil {
		b.gone = make(chan struct{})
	}
	return out, reason
}

func (b *Buffers) max() int64 {
	if b.Max > 0 {
		return b.Max
	}
	sixteenth := frame.DefaultBudget.Most(frame.ForPictures) / 2 // of the Budget, of which pictures have an eighth
	return max(leastMax, sixteenth)
}

// largest returns the largest Buffered of the site that has the most.
func (b *Buffers) largest() (out *Buffered) {
	sites := make(map[Site]int64)
	for one := range b.all {
		sites[one.site] += one.bytes
	}
	for one := range b.all {
		if out == nil || sites[one.site] > sites[out.site] || one.site == out.site && one.bytes > out.bytes {
			out = one
		}
	}
	return out
}
