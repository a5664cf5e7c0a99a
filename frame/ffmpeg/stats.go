package ffmpeg

import (
	"sync/atomic"
	"time"
)

// Stats is what a Decoder or an Isolated has done since it was made, and what it holds now.
type Stats struct {
	GOPs     int64 // begun
	Units    int64 // taken
	Pictures int64 // that were wanted, and yielded

	// Decoding is the time in FFmpeg's decoders, or in calls of children,
	// by the wall clock; of GOPs that are decoded at a time, each counts.
	Decoding time.Duration

	// Held is the bytes of decoded pictures that FFmpeg and the Decoder
	// hold now; those of AV1 are not known.
	Held int64
	Most int64 // and at most
}

// Stats may be called at any time.
func (d *Decoder) Stats() Stats {
	c := &d.stats
	return Stats{
		GOPs: c.gops.Load(), Units: c.units.Load(), Pictures: c.pictures.Load(), Decoding: time.Duration(c.decoding.Load()),
		Held: c.held.Load(), Most: c.most.Load(),
	}
}

// counts are Stats as they are counted.
type counts struct {
	gops, units, pictures, decoding, held, most atomic.Int64
}

func (c *counts) work(d time.Duration) { c.decoding.Add(int64(d)) }

func (c *counts) hold(more int64) {
	held := c.held.Add(more)
	for most := c.most.Load(); held > most && !c.most.CompareAndSwap(most, held); most = c.most.Load() {
	}
}
