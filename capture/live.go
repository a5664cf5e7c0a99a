package capture

import (
	"encoding/json"
	"image"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// Live is what is known of a stream that is live. What cannot be known yet is zero. As JSON its names are those of the tags, its durations
// seconds, its Size width and height.
type Live struct {
	Name   string      `json:"name"`
	Remote net.Addr    `json:"remote"` // as in frame.Stream
	Since  time.Time   `json:"since"`  // when it was accepted
	Codec  frame.Codec `json:"codec"`
	Size   image.Point `json:"-"` // of its pictures as they are coded

	// These are of what the History remembers.
	// FrameRate is in pictures a second.
	FrameRate float64 `json:"frame_rate"`

	BitRate float64 `json:"bit_rate"` // bits a second

	// KeyInterval is from one key picture to the next, on average.
	KeyInterval time.Duration `json:"key_interval_seconds"`

	Units      int   `json:"units"`      // access units that have come
	Lost       int   `json:"lost"`       // of these, see frame.AccessUnit
	Remembered int64 `json:"remembered"` // bytes of memory of the History
	Captures   int   `json:"captures"`   // under way, waiting ones included

	// Lacks tells why nothing can be captured of it yet: no unit has come,
	// or no key unit, since parameter sets are missing, say. Empty if all
	// is well.
	Lacks string `json:"lacks,omitempty"`
}

type (
	bareLive Live // without methods
	liveJSON struct {
		*bareLive
		Remote      address `json:"remote"`
		Width       int     `json:"width"`
		Height      int     `json:"height"`
		KeyInterval seconds `json:"key_interval_seconds"`
	}
)

// MarshalJSON writes Remote as its text.
func (l Live) MarshalJSON() ([]byte, error) {
	j := liveJSON{(*bareLive)(&l), "", l.Size.X, l.Size.Y, seconds(l.KeyInterval)}
	if l.Remote != nil {
		j.Remote = address(l.Remote.String())
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes. Of Remote its text is all that there is.
func (l *Live) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	*l = Live{}
	j := liveJSON{bareLive: (*bareLive)(l)}
	err := json.Unmarshal(b, &j)
	l.Size, l.KeyInterval = image.Pt(j.Width, j.Height), time.Duration(j.KeyInterval)
	if j.Remote != "" {
		l.Remote = j.Remote
	}
	return err
}

// An address is the text of one, of no network that is known.
type address string

func (address) Network() string  { return "" }
func (a address) String() string { return string(a) }

// Live returns what is known of the live streams, by name.
func (h *Hub) Live() []Live {
	h.mu.Lock()
	all := []Live{}
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
	if c.serving.Load() != nil {
		l.Lacks = c.lacks()
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
	if g := gops[0]; g.Forgotten() > 0 { // which is true of no other
		// From the last of these on nothing is missing.
		gops[0] = g[2:]
	}
	from, units, bytes := gops[0][0].DTS, 0, 0
	for _, g := range gops {
		units += len(g)
		bytes += g.Size()
	}
	last := newest[len(newest)-1]
	if span := (last.DTS - from).Seconds(); span > 0 {
		l.FrameRate = float64(units-1) / span
		l.BitRate = 8 * float64(bytes-len(last.Data)) / span
	}
	if n := len(gops) - 1; n > 0 {
		l.KeyInterval = (newest[0].DTS - first.DTS) / time.Duration(n)
	}
}
