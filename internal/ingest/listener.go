package ingest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/livestill/livestill/internal/retry"
)

// atOnce is how many connections may push out others before who was let in last gets the time to speak, on a busy machine, too.
const atOnce = 10

// Listen listens for TCP at an address. The error is context.Cause(ctx) if ctx is done.
func Listen(ctx context.Context, addr string, fail Failure) (net.Listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fail("listen", nil, err)
	}
	return ln, nil
}

// A Listener accepts connections, lets them in by its Limiter, and outlives errors that pass. Connections for which others are evicted
// are accepted as fast as messages are read, two thousand a second. So those who have just come stay for long enough to say what they
// want, and who dials without end does not take all of the processor. The system keeps the others waiting, with what they have sent.
type Listener struct {
	net.Listener

	Limiter Limiter
	Buffers Buffers
	Log     *Log
	Fail    Failure
	Counts  *ServerCounts

	bucket *bucket // of connections for which others were evicted, or that were refused
}

// Accept waits for a connection that is let in. The error is context.Cause(ctx) if ctx is done, whoever closed the listener.
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	const most = time.Second
	if l.bucket == nil {
		l.bucket = newBucket(atOnce)
	}
	for delay := 5 * time.Millisecond; ; {
		l.bucket.wait(ctx.Done())
		nc, err := l.Listener.Accept()
		if err == nil {
			if c := l.admit(ctx, nc); c != nil {
				return c, nil
			}
			continue
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		err = l.Fail("accept", nil, err)
		var passing interface{ Temporary() bool } // above all a lack of file descriptors
		if !errors.As(err, &passing) || !passing.Temporary() {
			return nil, err
		}
		l.Log.Log(ctx, slog.LevelError, "cannot accept connections", nil, "err", err)
		retry.Wait(ctx, delay)
		delay = min(2*delay, most)
	}
}

// admit returns nil if there is no room.
func (l *Listener) admit(ctx context.Context, nc net.Conn) *Conn {
	c := newConn(nc)
	evict := func(reason error) { _ = c.close(reason) }
	admission, err := l.Limiter.Admit(nc.RemoteAddr(), func(reason error) {
		l.bucket.spend(1)
		evict(reason)
	})
	if err != nil {
		l.bucket.spend(1)
		l.Counts.refused.Add(1)
		l.Log.Log(ctx, slog.LevelWarn, "connection refused", nc.RemoteAddr(), "err", l.Fail("accept", nc.RemoteAddr(), err))
		_ = nc.Close()
		return nil
	}
	c.admission, c.buffered, c.left = admission, l.Buffers.Open(nc.RemoteAddr(), evict), sync.OnceFunc(l.Counts.close)
	l.Counts.open()
	return c
}
