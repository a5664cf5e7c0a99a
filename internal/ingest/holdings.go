package ingest

import (
	"net"
	"sync"

	"github.com/livestill/livestill/frame"
)

const (
	freeHolding = 64 << 10 // bytes that any connection may hold: most access units of a camera
	holdingStep = 16 << 10 // bytes; less of a change is not worth a lock
	leastMax    = 16 << 20 // bytes: two of the largest messages
)

// Holdings bounds the bytes that the connections of a listener hold together, of messages and units that are under way: those of which
// not all has come, and those that wait for the Handler. The first 64 KiB of a connection do not count. When there are more than Max, the
// site that holds the most loses the connection that holds the most. All methods may be called at any time.
type Holdings struct {
	Max int64 // zero means a sixteenth of frame.DefaultBudget, but 16 MiB at least; it is beside that Budget

	mu    sync.Mutex
	all   map[*Holding]struct{} // that hold anything
	total int64
}

// A Holding is what one connection holds. Set is for one goroutine, Leave may be called at any time, and again.
type Holding struct {
	holdings *Holdings
	site     Site
	evict    func(reason error)
	before   int // in steps; of the goroutine of Set

	bytes int64 // guarded by holdings.mu, as what follows
	left  bool
}

// Open returns the Holding of a new connection. Evict is called with the reason, an ErrLimit; it must close the connection and not wait.
func (h *Holdings) Open(peer net.Addr, evict func(reason error)) *Holding {
	return &Holding{holdings: h, site: SiteOf(peer), evict: evict}
}

// Set says how many bytes are held now.
func (h *Holding) Set(bytes int) {
	steps := (max(0, bytes-freeHolding) + holdingStep - 1) / holdingStep
	if steps == h.before {
		return
	}
	h.before = steps
	if out, reason := h.holdings.set(h, int64(steps)*holdingStep); out != nil {
		out.evict(reason)
	}
}

// Leave says that nothing is held any more, and nothing will be.
func (h *Holding) Leave() {
	h.holdings.mu.Lock()
	defer h.holdings.mu.Unlock()
	h.leave()
}

func (h *Holding) leave() {
	h.holdings.total -= h.bytes
	h.bytes, h.left = 0, true
	delete(h.holdings.all, h)
}

// set notes what one holds, and returns who has to go for that.
func (h *Holdings) set(one *Holding, bytes int64) (out *Holding, reason error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one.left {
		return nil, nil
	}
	h.total += bytes - one.bytes
	one.bytes = bytes
	if h.all == nil {
		h.all = make(map[*Holding]struct{})
	}
	if h.all[one] = struct{}{}; bytes == 0 {
		delete(h.all, one)
	}
	most := h.max()
	if h.total <= most {
		return nil, nil
	}
	out = h.largest()
	reason = LimitError("messages and units under way exceed %d bytes, of which this connection had %d", most, out.bytes)
	out.leave()
	return out, reason
}

func (h *Holdings) max() int64 {
	if h.Max > 0 {
		return h.Max
	}
	const eighth = frame.ForPictures
	return max(leastMax, frame.DefaultBudget.Most(eighth)/2)
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
