package ingest

import (
	"sync/atomic"

	"github.com/livestill/livestill/frame"
)

// ServerCounts count what a Server takes in. All methods may be called at any time.
type ServerCounts struct {
	conns, streams                           atomic.Int64
	accepted, refused, begun, denied, failed atomic.Int64
}

// Stats returns what was counted.
func (c *ServerCounts) Stats() frame.ServerStats {
	return frame.ServerStats{
		Conns: int(c.conns.Load()), Streams: int(c.streams.Load()), Accepted: c.accepted.Load(), Refused: c.refused.Load(),
		Begun: c.begun.Load(), Denied: c.denied.Load(), Failed: c.failed.Load(),
	}
}

// Begin counts a stream that the Handler has accepted.
func (c *ServerCounts) Begin() {
	c.streams.Add(1)
	c.begun.Add(1)
}

// End counts the end of such a stream.
func (c *ServerCounts) End(err error) {
	c.streams.Add(-1)
	if err != nil {
		c.failed.Add(1)
	}
}

// Deny counts a stream that was refused.
func (c *ServerCounts) Deny() { c.denied.Add(1) }

func (c *ServerCounts) open() {
	c.conns.Add(1)
	c.accepted.Add(1)
}

func (c *ServerCounts) close() { c.conns.Add(-1) }

// ClientCounts count how a Client fares. All methods may be called at any time.
type ClientCounts struct {
	live                      atomic.Bool
	attempts, begun, failures atomic.Int64
}

// Stats returns what was counted.
func (c *ClientCounts) Stats() frame.ClientStats {
	return frame.ClientStats{
		Live: c.live.Load(), Attempts: c.attempts.Load(), Begun: c.begun.Load(), Failures: int(c.failures.Load()),
	}
}
