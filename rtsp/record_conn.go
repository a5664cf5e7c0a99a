package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A gate is a listener that lets in no more connections than there are slots, and outlives errors that pass.
type gate struct {
	net.Listener
	*recorder
}

// Accept waits for a connection and a slot for it.
func (g *gate) Accept() (net.Conn, error) {
	for {
		nc, err := g.accept()
		if err != nil {
			return nil, err
		}
		select {
		case g.slots <- struct{}{}:
			return newConn(g.recorder, nc), nil
		default:
			g.log(g.life, slog.LevelWarn, "connection refused", &Error{Step: "accept", Remote: nc.RemoteAddr(),
				Err: limitError("more than %d connections", cap(g.slots))})
			_ = nc.Close()
		}
	}
}

// accept waits for a connection. Errors that pass, above all a lack of file descriptors, it waits out.
func (g *gate) accept() (net.Conn, error) {
	const most = time.Second
	for delay := 5 * time.Millisecond; ; delay = min(2*delay, most) {
		nc, err := g.Listener.Accept()
		if err == nil || g.life.Err() != nil {
			return nc, err
		}
		err = &Error{Step: "accept", Err: err}
		var passing interface{ Temporary() bool }
		if !errors.As(err, &passing) || !passing.Temporary() {
			return nil, err
		}
		g.log(g.life, slog.LevelError, "cannot accept connections", err)
		select {
		case <-time.After(delay):
		case <-g.life.Done():
		}
	}
}

// A conn is a connection of a publisher, below TLS if there is any. It closes itself when the publisher is too slow or too fast.
type conn struct {
	net.Conn
	*recorder
	life  context.Context
	end   context.CancelCauseFunc // the first reason counts
	close func()                  // once
	timer *time.Timer             // fires when patience is at its end
	meter meter
	heard atomic.Bool // something came
	sends atomic.Bool // RECORD came

	// Of the library's goroutine for the connection, or those that it waits for.
	refusal  error // why there is no stream, if that is known
	oversize bool  // of the request that is being answered
	streamed bool  // there was a stream
}

func newConn(r *recorder, nc net.Conn) *conn {
	c := &conn{Conn: nc, recorder: r, meter: meter{rate: r.MaxRate}}
	c.life, c.end = context.WithCancelCause(r.life)
	c.close = sync.OnceFunc(func() {
		c.timer.Stop()
		_ = c.Conn.Close()
		<-c.slots
	})
	c.timer = time.AfterFunc(r.PublishTimeout, c.lose)
	return c
}

// under returns the conn below what the library calls its connection.
func under(nc net.Conn) *conn {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	return nc.(*conn)
}

// wait begins to wait: for the next packet, or else for RECORD.
func (c *conn) wait(packet bool) {
	c.sends.Store(packet)
	switch {
	case c.life.Err() != nil:
	case packet:
		c.timer.Reset(c.IdleTimeout)
	default:
		c.timer.Reset(c.PublishTimeout)
	}
}

// lose gives up waiting.
func (c *conn) lose() {
	if c.sends.Load() {
		c.fail(fmt.Errorf("no packet within %v: %w", c.IdleTimeout, os.ErrDeadlineExceeded))
	} else {
		c.fail(fmt.Errorf("no RECORD within %v: %w", c.PublishTimeout, os.ErrDeadlineExceeded))
	}
}

// fail ends the connection under the library, which would wait without a deadline for a peer that is silent, as in TLS handshakes.
// The library closes it once more when it has noticed.
func (c *conn) fail(err error) {
	c.end(err)
	_ = c.Conn.Close()
}

// Close is for the library.
func (c *conn) Close() error {
	c.close()
	return nil
}

// Read is for the library.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.heard.Store(true)
		c.count(n)
	}
	return n, err
}

// count counts bytes of the publisher's.
func (c *conn) count(n int) {
	if !c.meter.take(n, time.Now()) {
		c.fail(limitError("more than %d bytes per second", c.MaxRate))
	}
}

// RemoteAddr is for the library, which knows TCP only.
func (c *conn) RemoteAddr() net.Addr {
	if addr, ok := c.Conn.RemoteAddr().(*net.TCPAddr); ok {
		return addr
	}
	return &net.TCPAddr{}
}

const window = 10 * time.Second // that a meter averages over

// A meter measures the bytes of a publisher.
type meter struct {
	rate int // the most in a second

	mu    sync.Mutex
	bytes int       // since begin
	begin time.Time // of the window
}

// take takes note of n bytes; it returns false if they are too many.
func (m *meter) take(n int, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.begin) >= window {
		m.begin, m.bytes = now, 0
	}
	m.bytes += n
	return m.bytes <= m.rate*int(window/time.Second)
}
