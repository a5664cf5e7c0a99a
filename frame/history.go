package frame

import (
	"cmp"
	"iter"
	"slices"
	"sync"
	"time"
)

const (
	defaultAge   = 10 * time.Second // chosen, not measured
	defaultBytes = 160 << 20        // ten seconds at 50 Mbit/s and a GOP of two seconds more are 75 MB of data, and count twice
)

// A History remembers the recent past of one stream in compressed form. The zero value is ready; set the bounds before the first
// Add. One goroutine adds, any number read at the same time: readers never make the writer wait for more than a few copies.
//
// It forgets a whole GOP at a time, so that what it remembers always decodes, but where a single GOP is too much: see MaxBytes.
type History struct {
	// MaxAge is how far back every picture is remembered, by this machine's
	// clock; zero means ten seconds. The GOP that this instant lies in is
	// kept whole. So is the newest until a Cut: its last picture is still
	// on show. It is forgotten, too, when the Cut is as long ago.
	MaxAge time.Duration

	// MaxBytes bounds the memory that it takes, with the units themselves
	// and the garbage that Go leaves; zero means 160 MiB. A unit takes
	// twice the capacity of its Data, rounded up as Go's allocator does,
	// and twice some 100 bytes more. So a program grows by no more than 1.3
	// times MaxBytes, whatever the units are, unless GOGC is above its
	// default. Data that is a piece of something larger keeps all of that
	// in memory, and must not be.
	//
	// When the newest GOP alone exceeds it, the units between its key unit
	// and the newest ones, which are a quarter of what there is room for,
	// are forgotten; and so again and again until the next GOP. Two units
	// without Data then follow the key unit, the first and the last of the
	// forgotten ones, to tell the time that is missing: see GOP.Forgotten.
	// Nobody can begin to decode the units behind them, but a decoder that
	// has followed the stream up to there goes on with them. The key unit
	// may exceed the bound by itself.
	MaxBytes int

	// Budget bounds what it and all others that have the same Budget
	// remember together; nil means DefaultBudget.
	Budget *Budget

	mu      sync.Mutex
	gops    []remembered  // in decoding order
	first   uint32        // ordinal of the first
	array   int           // capacity of the whole array; gops begins somewhere in it
	weight  int           // of all of them, as live memory
	closed  bool          // the last of gops takes no more units
	cut     time.Time     // when that came to be, on the scale of the units
	changed chan struct{} // closed by the next Add; nil while nobody waits

	aging *time.Timer   // has age called; nil while nothing grows too old
	ahead time.Duration // of this machine's clock was the newest key unit when it came

	share *share // nil before the first GOP
	told  int    // what the Budget takes weight for: no less
}

// A remembered is a GOP of a History. Its units are written once and never moved.
type remembered struct {
	GOP
	joined bool // nothing was cut between it and the one before
	weight int
}

// Add remembers u, the next unit in decoding order. Units before the first key unit are dropped: nothing could decode them.
// It takes constant time, and allocates only when a GOP grows beyond the length of the one before, or is too much.
func (h *History) Add(u AccessUnit) {
	if room := cap(u.Data) - len(u.Data); room > len(u.Data)/16+64 {
		u.Data = slices.Clone(u.Data) // it would be kept
	}
	u.Data = slices.Clip(u.Data) // readers share it
	h.mu.Lock()
	over := h.add(&u)
	h.mu.Unlock()
	if over {
		h.share.budget.relieve()
	}
}

// add is Add; h.mu is held. It reports whether the Budget is exceeded.
func (h *History) add(u *AccessUnit) (over bool) {
	switch {
	case u.Key:
		h.begin(u)
	case len(h.gops) == 0 || h.closed:
		return false
	default:
		h.extend(u)
	}
	h.forgetBefore(u.Shown().Add(-h.maxAge()))
	if h.changed != nil {
		close(h.changed)
		h.changed = nil
	}
	return h.tell()
}

// begin begins a GOP with room for as many units as the one before has, as far as that is little.
func (h *History) begin(u *AccessUnit) {
	bound := h.bound()
	length, joined := 1, false
	if last := len(h.gops) - 1; last >= 0 {
		joined = !h.closed
		length = min(len(h.gops[last].GOP), 1+bound/16/unitSize)
	}
	weight := gopWeight + weightOf(length) + allocated(cap(u.Data))
	for len(h.gops) > 0 && h.weight+weight > bound {
		h.drop()
	}
	if len(h.gops) == cap(h.gops) {
		h.resize()
	}
	h.gops = append(h.gops, remembered{append(make(GOP, 0, length), *u), joined, weight})
	h.weight += weight
	h.closed = false
	h.ahead = time.Until(u.Shown())
	h.startAging()
}

// extend adds a unit to the newest GOP.
func (h *History) extend(u *AccessUnit) {
	if u.backlog >= standsFor {
		u.backlog = 0 // it was forgotten in another History
	}
	g := &h.gops[len(h.gops)-1]
	weight := allocated(cap(u.Data))
	full, length := len(g.GOP) == cap(g.GOP), 0
	if full {
		length = 2 * cap(g.GOP)
		if cap(g.GOP) > 256 {
			length = cap(g.GOP) + cap(g.GOP)/4
		}
		weight += weightOf(length) // until they are copied, the old units are there as well
	}
	if bound := h.bound(); h.weight+weight > bound {
		for len(h.gops) > 1 && h.weight+weight > bound {
			h.drop()
		}
		if h.weight+weight > bound {
			h.overflow(u)
			return
		}
		g = &h.gops[len(h.gops)-1]
	}
	if full {
		weight -= weightOf(cap(g.GOP))
		g.GOP = append(make(GOP, 0, length), g.GOP...)
	}
	g.GOP = append(g.GOP, *u)
	g.weight += weight
	h.weight += weight
}

// forgetBefore forgets what was not on show at an instant or after it. It goes by our own clock: a source's jumps when it becomes known.
func (h *History) forgetBefore(oldest time.Time) {
	for len(h.gops) > 1 && !h.gops[1].GOP[0].Shown().After(oldest) {
		h.drop()
	}
}

func (h *History) maxAge() time.Duration { return cmp.Or(h.MaxAge, defaultAge) }

// drop forgets the oldest GOP.
func (h *History) drop() {
	h.weight -= h.gops[0].weight
	h.gops[0] = remembered{}
	h.gops = h.gops[1:]
	h.first++
	if h.array > 3*len(h.gops)+spare {
		h.resize()
	}
}

// bound returns how much it may weigh.
func (h *History) bound() int {
	if h.MaxBytes == 0 {
		return defaultBytes / garbage
	}
	return h.MaxBytes / garbage
}

// tell tells the Budget what the History weighs, and a sixteenth more, so that it need not be told of each unit; and it is told of less only
// if that is much less. h.mu is held. It reports whether the Budget is exceeded.
func (h *History) tell() (over bool) {
	if h.weight <= h.told && h.weight >= h.told/4*3-1<<10 {
		return false
	}
	if h.share == nil {
		h.share = h.Budget.join(h)
	}
	h.told = h.weight + h.weight/16 + 1<<10
	return h.share.set(h.told)
}

// How many GOPs there is always room for.
const spare = 8

// resize makes room for as many GOPs as there are, and some more.
func (h *History) resize() {
	h.array = 2*len(h.gops) + spare
	h.gops = append(make([]remembered, 0, h.array), h.gops...)
}

// shrink forgets what the Budget needs for others: the oldest GOPs, at least a sixteenth of all; if there is but one, the older half of its
// units behind the key unit; if that is what it has, everything, until the next key unit.
func (h *History) shrink() {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch newest := len(h.gops) - 1; {
	case newest > 0:
		for enough := h.weight - h.weight/16; len(h.gops) > 1 && h.weight > enough; {
			h.drop()
		}
	case newest == 0 && !h.halve():
		h.drop()
	}
	h.told = h.weight
	h.share.set(h.told)
}

// Cut ends the newest GOP: until the next key unit, what is added is dropped. It stands between two publishers whose units must
// not decode into each other.
func (h *History) Cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed, h.cut = true, h.now()
	}
	h.startAging()
}

// GOPs returns what is remembered, oldest first. The GOPs share memory with the History and are immutable: units that are added
// later do not appear in them.
func (h *History) GOPs() []GOP {
	h.mu.Lock()
	defer h.mu.Unlock()
	gops := make([]GOP, len(h.gops))
	for i, g := range h.gops {
		gops[i] = g.seen()
	}
	return gops
}

// seen returns the GOP as it is now.
func (g *remembered) seen() GOP { return g.GOP[:len(g.GOP):len(g.GOP)] }

// Backward yields the GOPs that are remembered, the newest first, each as it is by then. Unlike GOPs it takes no memory and little time if
// the newest few are enough.
func (h *History) Backward() iter.Seq[GOP] {
	return func(yield func(GOP) bool) {
		var some [16]GOP // so that the lock is not taken for each
		h.mu.Lock()
		end := h.first + uint32(len(h.gops))
		h.mu.Unlock()
		for {
			n := h.before(end, some[:])
			for _, g := range some[:n] {
				if !yield(g) {
					return
				}
			}
			if n < len(some) {
				return
			}
			end -= uint32(n)
		}
	}
}

// before copies the GOPs before an ordinal to some, the newest first, as many as there are room for, and returns how many.
func (h *History) before(end uint32, some []GOP) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	left := int(int32(end - h.first)) // below zero if more has been forgotten
	for n < min(left, len(some)) {
		some[n] = h.gops[left-1-n].seen()
		n++
	}
	return n
}

// Around returns g, one of GOPs, as it is now, with the GOPs that came before and after it, no more than reach of each, whether there was
// a Cut between or not: g is gops[i]. If it is forgotten, i is -1.
func (h *History) Around(g GOP, reach int) (gops []GOP, i int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.index(g)
	if at < 0 {
		return nil, -1
	}
	from, to := max(0, at-reach), min(len(h.gops), at+1+reach)
	gops = make([]GOP, 0, to-from)
	for i := range h.gops[from:to] {
		gops = append(gops, h.gops[from+i].seen())
	}
	return gops, at - from
}

// Before returns the GOP that came right before g, one of GOPs; nil if it is forgotten, or there was a Cut between. The first pictures of
// g may refer to it, as those of open GOPs do that are shown before the key unit.
func (h *History) Before(g GOP) GOP {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := h.index(g); i > 0 && h.gops[i].joined {
		return h.gops[i-1].seen()
	}
	return nil
}

// index returns the index of g, which may have grown by now; -1 if it is forgotten.
func (h *History) index(g GOP) int {
	key := &g[0]
	is := func(r remembered) bool {
		k := &r.GOP[0]
		return k.PTS == key.PTS && k.Time.Equal(key.Time) && len(k.Data) == len(key.Data) && (len(k.Data) == 0 || &k.Data[0] == &key.Data[0])
	}
	// Publishers' key units are mostly shown in the order that they come in.
	i, _ := slices.BinarySearchFunc(h.gops, key.Shown(), func(r remembered, t time.Time) int { return r.GOP[0].Shown().Compare(t) })
	if i < len(h.gops) && is(h.gops[i]) {
		return i
	}
	return slices.IndexFunc(h.gops, is)
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

// Size returns the bytes of memory that it takes, in the sense of MaxBytes.
func (h *History) Size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.weight * garbage
}
