package capture

import (
	"image"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// Live is what is known of a stream that is live. What cannot be known yet is zero.
type Live struct {
	Name   string
	Remote net.Addr  // as in frame.Stream
	Since  time.Time // when it was accepted
	Codec  frame.Codec
	Size   image.Point // of its pictures as they are coded

	// These are of what the History remembers.
	FrameRate   float64       // pictures a second
	BitRate     float64       // bits a second
	KeyInterval time.Duration // between key pictures, on average

	Units      int   // access units that have come
	Lost       int   // of these, see frame.AccessUnit
	Remembered int64 // bytes of memory of the History
	Captures   int   // under way, waiting ones included
}

// Live returns what is known of the live streams, by name.
func (h *Hub) Live() []Live {
	h.mu.Lock()
	var all []Live
	live := make(map[*publisher]*Camera)
	for _, n := range h.named {
		if n.live != nil {
			live[n.live] = n.camera
		}
	}
	h.mu.Unlock()
	for p, c := range live {
		all = append(all, c.live(p))
	}
	slices.SortFunc(all, func(a, b Live) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// live returns what is known of the stream of a publisher.
func (c *Camera) live(p *publisher) Live {
	l := Live{
		Name: p.stream.Name, Remote: p.stream.Remote, Since: p.since,
		Units: int(c.stats.units.Load()), Lost: int(c.stats.lost.Load()),
		Remembered: int64(c.History.Size()), Captures: int(c.stats.captures.Load()),
	}
	l.measure(c.History.GOPs(), p.since)
	return l
}

// measure measures what is remembered of the stream since it began.
func (l *Live) measure(gops []frame.GOP, since time.Time) {
	gops = slices.DeleteFunc(gops, func(g frame.GOP) bool { return g[0].Shown().Before(since) })
	if len(gops) == 0 {
		return
	}
	first, newest := &gops[0][0], gops[len(gops)-1]
	size := bitstream.SizeOf(newest[0])
	l.Codec, l.Size = newest[0].Codec, image.Pt(size.Width, size.Height)
	units, bytes := 0, 0
	for _, g := range gops {
		units += len(g)
		bytes += g.Size()
	}
	last := newest[len(newest)-1]
	if span := (last.DTS - first.DTS).Seconds(); span > 0 {
		l.FrameRate = float64(units-1) / span
		l.BitRate = 8 * float64(bytes-len(last.Data)) / span
	}
	if n := len(gops) - 1; n > 0 {
		l.KeyInterval = (newest[0].DTS - first.DTS) / time.Duration(n)
	}
}
