// Package keep finds what is over the bounds of a store, in bounded memory.
package keep

import (
	"slices"
	"time"
)

const (
	maxBins  = 4096 // 160 KiB
	binShare = 64   // a bin has at most this part of what is older than it
)

// A Histogram counts files by when they were stored, in bounded memory: exactly for the oldest, and the coarser the more are older. So what
// is over a bound is found to within a part of it, however many files there are, and exactly if it is little.
type Histogram struct {
	Files int
	Bytes int64
	bins  []bin // sorted by compress
}

// A bin has files that were stored one after the other, from the instant oldest on.
type bin struct {
	oldest time.Time
	files  int
	bytes  int64
}

func (b *bin) add(c bin) { b.files, b.bytes = b.files+c.files, b.bytes+c.bytes }

// Add adds a file.
func (h *Histogram) Add(stored time.Time, bytes int64) {
	h.Files, h.Bytes = h.Files+1, h.Bytes+bytes
	h.bins = append(h.bins, bin{stored, 1, bytes})
	if len(h.bins) < maxBins {
		return
	}
	for share := binShare; len(h.bins) > maxBins/2; share /= 2 { // 1 has two bins at most for each doubling of files, or bytes
		h.compress(share)
	}
}

// compress sorts the bins, and puts neighbours into one that have no more than a share of what is older.
func (h *Histogram) compress(share int) {
	slices.SortFunc(h.bins, func(a, b bin) int { return a.oldest.Compare(b.oldest) })
	var older bin
	kept := h.bins[:0]
	for _, b := range h.bins {
		if len(kept) > 0 {
			last := &kept[len(kept)-1]
			files, bytes := last.files+b.files, last.bytes+b.bytes
			if last.oldest.Equal(b.oldest) || files <= older.files/share && bytes <= older.bytes/int64(share) {
				last.add(b)
				continue
			}
			older.add(*last)
		}
		kept = append(kept, b)
	}
	h.bins = kept
}

// Oldest is when the oldest file was stored; zero if there is none.
func (h *Histogram) Oldest() time.Time {
	h.compress(binShare)
	if len(h.bins) == 0 {
		return time.Time{}
	}
	return h.bins[0].oldest
}

// over returns what is surely over the bounds, the newest file excepted; at least one file, if there is any.
func (h *Histogram) over(b Bounds) (c Surplus) {
	h.compress(binShare)
	if b.Count > 0 {
		c.files = h.Files - b.Count
	}
	if b.Bytes > 0 {
		c.bytes = h.Bytes - b.Bytes
	}
	c.most = h.Files - 1
	for _, b := range h.bins {
		c.at = b.oldest
		if all := c.files > 0 && b.files <= c.files || c.bytes > 0 && b.bytes <= c.bytes; !all || b.files > c.most {
			break
		}
		c.files, c.bytes, c.most = c.files-b.files, c.bytes-b.bytes, c.most-b.files
		c.Any = true
	}
	c.Any = c.Any || c.more()
	return c
}

// A Surplus is the oldest files: all that were stored before an instant, and of those stored at it as many as there are files, or bytes, to go.
type Surplus struct {
	at    time.Time
	files int   // to go
	bytes int64 // to go
	most  int   // files stored at it that may go
	Any   bool  // there is something to go
}

func (c *Surplus) more() bool { return c.most > 0 && (c.files > 0 || c.bytes > 0) }

// Takes reports whether a file is to go.
func (c *Surplus) Takes(stored time.Time, bytes int64) bool {
	switch order := stored.Compare(c.at); {
	case !c.Any || order > 0 || order == 0 && !c.more():
		return false
	case order == 0:
		c.files, c.bytes, c.most = c.files-1, c.bytes-bytes, c.most-1
	}
	return true
}
