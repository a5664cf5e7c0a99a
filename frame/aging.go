package frame

import (
	"time"
	"weak"
)

// startAging sees to it that what the clock alone makes too old is forgotten, of a stream that stalls or has ended; h.mu is held. It takes a
// timer, which does not keep the History alive. The clock goes on from when the newest key unit came: what it told is treated as now.
func (h *History) startAging() {
	if h.aging != nil {
		return
	}
	until, ok := h.oldAt()
	if !ok {
		return
	}
	me := weak.Make(h)
	h.aging = time.AfterFunc(until.Sub(h.now()), func() {
		if h := me.Value(); h != nil {
			h.age()
		}
	})
}

// now returns what time it is on the scale of the units.
func (h *History) now() time.Time { return time.Now().Add(h.ahead) }

// oldAt returns when the oldest GOP is too old; ok is false if it will not be, as it is the newest, and not cut.
func (h *History) oldAt() (at time.Time, ok bool) {
	switch {
	case len(h.gops) > 1:
		return h.gops[1].GOP[0].Shown().Add(h.maxAge()), true
	case len(h.gops) == 1 && h.closed:
		return h.cut.Add(h.maxAge()), true
	}
	return at, false
}

// age forgets what is too old by now.
func (h *History) age() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.aging = nil
	oldest := h.now().Add(-h.maxAge())
	h.forgetBefore(oldest)
	if len(h.gops) == 1 && h.closed && !h.cut.After(oldest) {
		h.drop()
	}
	h.tell()
	h.startAging()
}
