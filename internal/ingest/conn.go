package ingest

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A reader that comes to the end of its allowance reads little at a time, so that what it owes after each read is a fraction of a second.
const (
	leastRead  = 1 << 10 // bytes
	perMessage = 4       // bytes that are read for each message of the allowance, at the most
)

// A Conn is a connection of a peer that may be hostile. It is read no faster than messages may come: whoever reads it says what it has
// read by Spend, and Read waits while more was spent than there is. A Conn has an Admission of a Limiter and a Buffered if a Listener
// accepted it. Read and SetBuffered are for one goroutine; all others may be called at any time.
type Conn struct {
	net.Conn

	bucket    *bucket
	admission *Admission // nil if there is no Limiter
	buffered  *Buffered  // nil if what is buffered is not bounded
	left      func()     // counts that it is closed; nil if that is not counted
	heard     atomic.Bool
	video     atomic.Int64                            // when the Limiter heard last that video came, in seconds
	end       atomic.Pointer[context.CancelCauseFunc] // of Within; nil until then
	closed    chan struct{}
	once      sync.Once
	reason    error // why it was evicted, or hung up on; set before closed is closed
}

// NewConn returns a Conn without a Limiter, which has the allowance of a publisher.
func NewConn(nc net.Conn) *Conn {
	c := newConn(nc)
	c.bucket.widen()
	return c
}

func newConn(nc net.Conn) *Conn {
	return &Conn{Conn: nc, bucket: newBucket(Beginning), closed: make(chan struct{})}
}

// Within is context.WithCancelCause, but it ends as well when the connection is evicted, with the Reason. It is to be called once.
func (c *Conn) Within(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	life, end := context.WithCancelCause(ctx)
	c.end.Store(&end)
	if reason := c.Reason(); reason != nil {
		end(reason)
	}
	return life, end
}

// Read reads what there is, once nothing is owed.
func (c *Conn) Read(p []byte) (int, error) {
	if reason := c.Reason(); reason != nil {
		return 0, reason
	}
	if c.buffered != nil {
		c.buffered.Wait(c.closed)
	}
	if most := max(leastRead, int(c.bucket.wait(c.closed))*perMessage); most < len(p) {
		p = p[:most]
	}
	n, err := c.Conn.Read(p)
	if n > 0 && !c.heard.Load() {
		c.heard.Store(true)
		c.Advance(Heard)
	}
	return n, err
}

// Heard tells whether anything came.
func (c *Conn) Heard() bool { return c.heard.Load() }

// Spend says that as many messages, or parts of one, were read.
func (c *Conn) Spend(messages float64) { c.bucket.spend(messages) }

// Take is Spend for what cannot be made to wait; it returns false if it must be dropped.
func (c *Conn) Take(messages float64) bool { return c.bucket.take(messages) }

// Advance says how far the connection has come. Once it is accepted, it has more of an allowance.
func (c *Conn) Advance(s Stage) {
	if s == Accepted {
		c.bucket.widen()
	}
	if c.admission != nil {
		c.admission.Advance(s)
	}
}

// Video says that video came: the connection is Publishing.
func (c *Conn) Video() {
	now := time.Now().Unix()
	if before := c.video.Swap(now); before != now {
		c.Advance(Publishing)
	}
}

// SetBuffered says how many bytes of messages or units are buffered for the connection that are not complete, or not taken yet.
func (c *Conn) SetBuffered(bytes int) {
	if c.buffered != nil {
		c.buffered.Set(bytes)
	}
}

// Close closes the connection and gives its Admission up.
func (c *Conn) Close() error { return c.close(nil) }

func (c *Conn) close(reason error) error {
	c.finish(reason)
	if c.left != nil {
		c.left()
	}
	if c.admission != nil {
		c.admission.Leave()
	}
	if c.buffered != nil && reason == nil { // else its owner still has to close it
		c.buffered.Leave()
	}
	return c.Conn.Close()
}

// HangUp ends what is read of the connection, with a reason. What is written can still go out: its owner closes it.
func (c *Conn) HangUp(reason error) {
	c.finish(reason)
	_ = c.SetReadDeadline(time.Unix(1, 0)) // wakes whoever reads
}

// finish has a reason for the end of the connection; the first counts.
func (c *Conn) finish(reason error) {
	c.once.Do(func() {
		c.reason = reason
		close(c.closed)
		if end := c.end.Load(); end != nil && reason != nil {
			(*end)(reason)
		}
	})
}

// Reason returns why the connection was evicted, or hung up on; nil if it was not.
func (c *Conn) Reason() error {
	select {
	case <-c.closed:
		return c.reason
	default:
		return nil
	}
}
