package ffmpeg

import (
	"sync/atomic"
	"time"
)

// Stats is what a Decoder or an Isolated has done since it was made, and what it has in memory now.
type Stats struct {
	GOPs     int64 // begun
	Units    int64 // taken
	Pictures int64 // that were wanted, and yielded

	// Decoding is the time in FFmpeg's decoders, or in calls of children,
	// by the wall clock; of GOPs that are decoded at a time, each counts.
	Decoding time.Duration

	// InUse is the bytes of memory that decoded pictures of FFmpeg and the
	// Decoder take now; those of AV1 are not known.
	InUse int64
	Most  int64 // and at most
}

// Stats may be called at any time.
func (d *Decoder) Stats() Stats {
	c := &d.stats
	return Stats{
		GOPs: c.gops.Load(), Units: c.units.Load(), Pictures: c.pictures.Load(), Decoding: time.Duration(c.decoding.Load()),
		InUse: c.inUse.Load(), Most: c.most.Load(),
	}
}

// counts are Stats as they are counted.
type counts struct {
	gops, units, pictures, decoding, inUse, most atomic.Int64
}

func (c *counts) work(d time.Duration) { c.decoding.Add(int64(d)) }

func (c *counts) use(more int64) {
	inUse := c.inUse.Add(more)
	for most := c.most.Load(); inUse > most && !c.most.CompareAndSwap(most, inUse); most = c.most.Load() {
	}
}
