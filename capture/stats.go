package capture

import (
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/frame"
)

// Stats say what a stream has cost, and costs.
type Stats struct {
	Captures  int // under way
	Delivered int // that ended well, since the Camera was made
	Failed    int // and that have not
	Decoded   int // access units decoded for captures, or to keep warm

	// Processor is for how long places of the Decoder were held: to decode,
	// enhance and encode.
	Processor time.Duration

	Remembered int64 // bytes of memory of the History
}

// counters are what Stats are made of, beside what the Scheduler counts.
type counters struct {
	captures, delivered, failed atomic.Int64
	units, lost                 atomic.Int64 // that have come of the stream that is live, or was last
}

// Stats returns what the stream has cost up to now.
func (c *Camera) Stats() Stats {
	s := &c.stats
	units, processor := c.scheduler().Stats()
	return Stats{
		Captures: int(s.captures.Load()), Delivered: int(s.delivered.Load()), Failed: int(s.failed.Load()), Decoded: units,
		Processor: processor, Remembered: int64(c.History.Size()),
	}
}

// Stats returns the Stats of the live streams, by their names.
func (h *Hub) Stats() map[string]Stats {
	all := make(map[string]Stats)
	for _, name := range h.Streams() {
		if c := h.Camera(name); c != nil {
			all[name] = c.Stats()
		}
	}
	return all
}

// took counts a unit that has come.
func (s *counters) took(u *frame.AccessUnit) {
	s.units.Add(1)
	if u.Lost {
		s.lost.Add(1)
	}
}
