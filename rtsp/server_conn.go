package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/internal/ingest"
)

// An acceptor is what the library accepts connections from.
type acceptor struct {
	*ingest.Listener
	recorder *recorder
}

// Accept waits for a connection that is let in.
func (a acceptor) Accept() (net.Conn, error) {
	in, err := a.Listener.Accept(a.recorder.life)
	if err != nil {
		return nil, err
	}
	return newConn(a.recorder, in), nil
}

// A conn is a connection of a publisher, below TLS if there is any. It closes itself when the publisher is too slow or too fast.
type conn struct {
	*ingest.Conn
	*recorder
	life  context.Context
	end   context.CancelCauseFunc // the first reason counts
	close func()                  // once
	timer *time.Timer             // fires when it was waited for too long
	meter meter
	sends atomic.Bool // RECORD came

	// Of the library's goroutine for the connection, or those that it waits for.
	refusal  error // why there is no stream, if that is known
	oversize bool  // of the request that is being answered
	streamed bool  // there was a stream
	asked    bool  // for credentials, which counted as a wrong guess
}

func newConn(r *recorder, in *ingest.Conn) *conn {
	c := &conn{Conn: in, recorder: r, meter: meter{rate: r.MaxRate}}
	c.life, c.end = in.Within(r.life) // the library does not notice while it waits for an answer of ours
	c.close = sync.OnceFunc(func() {
		c.timer.Stop()
		_ = c.Conn.Close()
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
		c.count(n)
	}
	return n, err
}

// packet counts a packet. It returns false if one that came over UDP must be dropped.
func (c *conn) packet(p interface{ MarshalSize() int }, udp bool) bool {
	if !udp { // Read has counted its bytes
		c.Spend(c.perPacket)
		return true
	}
	c.count(p.MarshalSize())
	return c.Take(c.perPacket)
}

// ended returns what the end of a connection or session is called: why it had to give way comes before what the library makes of that.
func (c *conn) ended(err error) error {
	if reason := c.Reason(); reason != nil {
		return reason
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// count counts bytes of the publisher's.
func (c *conn) count(n int) {
	if !c.meter.take(n, time.Now()) {
		c.fail(ingest.LimitError("more than %d bytes per second", c.MaxRate))
	}
}

// RemoteAddr is for the library, which knows TCP only.
func (c *conn) RemoteAddr() net.Addr {
	if addr, ok := c.Conn.RemoteAddr().(*net.TCPAddr); ok {
		return addr
	}
	return &net.TCPAddr{}
}
