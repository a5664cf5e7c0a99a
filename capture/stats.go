package capture

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/frame"
)

// Stats say what a stream has cost, and costs. As JSON its names are those of the tags, Processor is in seconds.
type Stats struct {
	Captures int `json:"captures"` // under way

	// Delivered ended well, since the Camera was made.
	Delivered int `json:"delivered"`

	Failed int `json:"failed"` // and that have not

	// Decoded are access units decoded for captures, or to keep warm.
	Decoded int `json:"decoded"`

	// Processor is for how long places of the Decoder were taken: to
	// decode, enhance and encode.
	Processor time.Duration `json:"processor_seconds"`

	Remembered int64 `json:"remembered"` // bytes of memory of the History
}

type (
	bareStats Stats // without methods
	statsJSON struct {
		*bareStats
		Processor seconds `json:"processor_seconds"`
	}
)

// MarshalJSON writes Processor in seconds.
func (s Stats) MarshalJSON() ([]byte, error) {
	return json.Marshal(statsJSON{(*bareStats)(&s), seconds(s.Processor)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Stats) UnmarshalJSON(b []byte) error {
	j := statsJSON{(*bareStats)(s), seconds(s.Processor)}
	err := json.Unmarshal(b, &j)
	s.Processor = time.Duration(j.Processor)
	return err
}

// counters are what Stats are made of, beside what the Scheduler counts.
type counters struct {
	captures, delivered, failed atomic.Int64
	units, lost                 atomic.Int64 // that have come of the stream that is live, or was last
	begun                       atomic.Bool  // a key unit has come of it
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
	if u.Key && !s.begun.Load() {
		s.begun.Store(true)
	}
}
