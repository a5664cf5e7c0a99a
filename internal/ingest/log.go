package ingest

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"
)

// How many lines of one kind a Log writes in a period. A site that brings more has said what is wrong with it. The bound over all sites
// keeps those who have many addresses from filling disks: lines of 300 bytes are 3 KB a second.
const (
	logPeriod  = 10 * time.Second
	logPerSite = 10
	logPerKind = 100
)

// A Log writes no more than a bounded number of lines of each kind, and then how many it left out. Kinds are told apart by their text;
// lines of one site are left out before those of others are. Log may be called at any time.
type Log struct {
	Logger *slog.Logger

	mu     sync.Mutex
	counts map[string]*count // by the text of a line; since the period began
	timer  *time.Timer       // ends the period; nil if none is under way
	closed bool
}

// A count is of the lines of one kind.
type count struct {
	written int
	sites   map[Site]int // of those, how many are of a site; no more sites than lines
	leftOut int
}

// Log writes a line about a peer, nil if it is about none, unless there were too many.
func (l *Log) Log(ctx context.Context, level slog.Level, what string, peer net.Addr, args ...any) {
	if ctx.Err() == nil && l.Logger.Enabled(ctx, level) && l.mayWrite(what, SiteOf(peer)) { // else it is only the shutdown
		l.Logger.Log(ctx, level, what, args...)
	}
}

// mayWrite counts a line, and tells whether it may be written.
func (l *Log) mayWrite(what string, site Site) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil && !l.closed {
		l.counts = make(map[string]*count)
		l.timer = time.AfterFunc(logPeriod, l.next)
	}
	c := l.counts[what]
	switch {
	case l.closed:
		return false
	case c == nil:
		c = &count{sites: make(map[Site]int)}
		l.counts[what] = c
	case c.written >= logPerKind || site.Known() && c.sites[site] >= logPerSite:
		c.leftOut++
		return false
	}
	c.written++
	c.sites[site]++
	return true
}

// next begins a new period with the next line.
func (l *Log) next() {
	l.mu.Lock()
	counts := l.counts
	l.counts, l.timer = nil, nil
	l.mu.Unlock()
	l.sum(counts)
}

// sum says what was left out.
func (l *Log) sum(counts map[string]*count) {
	for what, c := range counts {
		if c.leftOut > 0 {
			l.Logger.Warn("lines left out", "of", what, "lines", c.leftOut, "within", logPeriod)
		}
	}
}

// Close ends it; nothing is written from then on.
func (l *Log) Close() {
	l.mu.Lock()
	counts := l.counts
	if l.closed = true; l.timer != nil {
		l.timer.Stop()
	}
	l.counts = nil
	l.mu.Unlock()
	l.sum(counts)
}
