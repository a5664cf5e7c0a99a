package ingest

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/frame"
)

const (
	freeHolding = 64 << 10 // bytes that any connection may hold: most access units of a camera
	holdingStep = 16 << 10 // bytes; less of a change is not worth a lock
	leastMax    = 16 << 20 // bytes: two of the largest messages

	longestGoing = 100 * time.Millisecond // for who has to go to give its memory back; a busy machine may take longer
)

// Holdings bounds the bytes that the connections of a listener hold together, of messages and units that are under way: those of which
// not all has come, and those that wait for the Handler. The first 64 KiB of a connection do not count. When there are more than Max, the
// site that holds the most loses the connection that holds the most. Until that has given its memory back, others that hold anything wait
// before they read more. All methods may be called at any time.
type Holdings struct {
	Max int64 // zero means a sixteenth of frame.DefaultBudget, but 16 MiB at least; it is beside that Budget

	mu    sync.Mutex
	all   map[*Holding]struct{} // that hold anything, but for those that have to go
	total int64                 // of all
	going int                   // connections that have to go, and have not left yet
	gone  chan struct{}         // closed when these have left; nil if there are none
}

// A Holding is what one connection holds. Set is for one goroutine, Leave may be called at any time, and again.
type Holding struct {
	holdings *Holdings
	site     Site
	evict    func(reason error)
	steps    atomic.Int64 // what Set was told last

	bytes int64 // guarded by holdings.mu, as what follows
	going bool  // it has to go
	left  bool
}

// Open returns the Holding of a new connection. Evict is called with the reason, an ErrLimit; it must close the connection and not wait.
func (h *Holdings) Open(peer net.Addr, evict func(reason error)) *Holding {
	return &Holding{holdings: h, site: SiteOf(peer), evict: evict}
}

// Set says how many bytes are held now.
func (h *Holding) Set(bytes int) {
	steps := int64(max(0, bytes-freeHolding)+holdingStep-1) / holdingStep
	if h.steps.Swap(steps) == steps {
		return
	}
	if out, reason := h.holdings.set(h, steps*holdingStep); out != nil {
		out.evict(reason)
	}
}

// Wait waits, if anything is held, until those that have to go have left, until done is closed, or for a moment.
func (h *Holding) Wait(done <-chan struct{}) {
	if h.steps.Load() == 0 {
		return
	}
	h.holdings.mu.Lock()
	gone := h.holdings.gone
	h.holdings.mu.Unlock()
	if gone == nil {
		return
	}
	timer := time.NewTimer(longestGoing)
	defer timer.Stop()
	select {
	case <-gone:
	case <-timer.C:
	case <-done:
	}
}

// Leave says that nothing is held any more, and nothing will be.
func (h *Holding) Leave() {
	all := h.holdings
	all.mu.Lock()
	defer all.mu.Unlock()
	if h.left {
		return
	}
	h.left = true
	all.drop(h)
	if !h.going {
		return
	}
	if all.going--; all.going == 0 {
		close(all.gone)
		all.gone = nil
	}
}

// drop counts what one holds no more.
func (h *Holdings) drop(one *Holding) {
	h.total -= one.bytes
	one.bytes = 0
	delete(h.all, one)
}

// set notes what one holds, and returns who has to go for that.
func (h *Holdings) set(one *Holding, bytes int64) (out *Holding, reason error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one.left || one.going {
		return nil, nil
	}
	h.drop(one)
	if h.all == nil {
		h.all = make(map[*Holding]struct{})
	}
	if bytes > 0 {
		one.bytes = bytes
		h.total += bytes
		h.all[one] = struct{}{}
	}
	most := h.max()
	if h.total <= most {
		return nil, nil
	}
	out = h.largest()
	reason = LimitError("messages and units under way exceed %d bytes, of which this connection had %d", most, out.bytes)
	h.drop(out)
	out.going = true
	if h.going++; h.gone == nil {
		h.gone = make(chan struct{})
	}
	return out, reason
}

func (h *Holdings) max() int64 {
	if h.Max > 0 {
		return h.Max
	}
	sixteenth := frame.DefaultBudget.Most(frame.ForPictures) / 2 // of the Budget, of which pictures have an eighth
	return max(leastMax, sixteenth)
}

// largest returns the largest Holding of the site that holds the most.
func (h *Holdings) largest() (out *Holding) {
	sites := make(map[Site]int64)
	for one := range h.all {
		sites[one.site] += one.bytes
	}
	for one := range h.all {
		if out == nil || sites[one.site] > sites[out.site] || one.site == out.site && one.bytes > out.bytes {
			out = one
		}
	}
	return out
}
