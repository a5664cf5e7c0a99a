package ingesttest

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/livestill/livestill/internal/fakeclock"
)

// A LineCounter counts the lines of a log.
type LineCounter struct{ lines atomic.Int64 }

func (c *LineCounter) Write(p []byte) (int, error) {
	c.lines.Add(1)
	return len(p), nil
}

// Logger returns a logger whose lines are counted.
func (c *LineCounter) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(c, nil)) }

// A Crowd keeps connections to a Listener, each of which is dialled anew 20 ms after it is closed, sends something, and falls silent.
type Crowd struct {
	About     string
	Says      []string // what is sent, by one connection after the other
	Addresses int      // that they come from: 192.0.2.1 and those after it
	Size      int
}

// Run runs the crowd in a synctest bubble, and beside as soon as the crowd is there. It stops the server then, whose log must be short.
func (c Crowd) Run(t *testing.T, ln *Listener, log *LineCounter, beside, stop func()) {
	t.Helper()
	begin, end := time.Now(), make(chan struct{})
	var crowd sync.WaitGroup
	for n := range c.Size {
		crowd.Go(func() {
			begins := time.Duration(n) * 500 * time.Microsecond // one after the other, as a Limiter lets them in
			for wait := begins; Wait(end, wait); wait = 20 * time.Millisecond {
				conn := ln.DialFrom(fmt.Sprintf("192.0.2.%d", 1+n%c.Addresses))
				go func() { _, _ = io.WriteString(conn, c.Says[n%len(c.Says)]) }()
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
			}
		})
	}
	fakeclock.Pass(300 * time.Millisecond)
	beside()
	took := time.Since(begin)
	close(end)
	stop()
	crowd.Wait()
	if lines, most := log.lines.Load(), 60*(1+took.Seconds()/10)*float64(c.Addresses); float64(lines) > most {
		t.Errorf("%d lines within %v, want %v", lines, took, most)
	}
}

// Wait waits, and tells whether it is not the end.
func Wait(end <-chan struct{}, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-end:
		return false
	}
}
