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
	"github.com/pion/rtp"
)

// The most bytes that are buffered of a request: the library takes 0.77 MB. What it passes over is not buffered.
const maxRequest = 1 << 20

// An acceptor is what the library accepts connections from.
type acceptor struct {
	*ingest.Listener
	recorder *recorder
}

// Accept waits for a connection that is let in.
func (a acceptor) Accept() (net.Conn, error) {
	in, err := a.Listener.Accept(a.recorder.serving)
	if err != nil {
		return nil, err
	}
	return newConn(a.recorder, in), nil
}

// A conn is a connection of a publisher, below TLS if there is any, as the library has it. It closes itself when the publisher is too slow or
// too fast.
type conn struct {
	*ingest.Conn
	recorder     *recorder
	connected    context.Context         // of all that is done for it; it is here because the library's calls come with none
	endConnected context.CancelCauseFunc // the first reason counts

	timer *time.Timer // fires when RECORD or a packet is overdue
	meter meter       // of bytes
	bad   meter       // of malformed packets of RTCP
	sends atomic.Bool // RECORD came

	whole bool // all of the request or packet has come; of the library's goroutine that reads, or of one that it waits for

	mu      sync.Mutex
	reading int // bytes of the request or packet that is being read
	units   int // bytes of units that are under way or wait

	// Of the library's goroutine for the connection, or those that it waits for.
	refusal  error // why there is no stream, if that is known
	oversize bool  // of the request that is being answered
	streamed bool  // there was a stream
	asked    bool  // for credentials, which counted as a wrong guess
}

func newConn(r *recorder, in *ingest.Conn) *conn {
	c := &conn{Conn: in, recorder: r, meter: meter{rate: r.server.MaxRate}, bad: meter{rate: maxMalformed}}
	c.connected, c.endConnected = in.Within(r.serving) // the library does not notice while it waits for an answer of ours
	c.timer = time.AfterFunc(r.server.PublishTimeout, c.overdue)
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
	case c.connected.Err() != nil:
	case packet:
		c.timer.Reset(c.recorder.server.IdleTimeout)
	default:
		c.timer.Reset(c.recorder.server.PublishTimeout)
	}
}

// overdue gives up waiting.
func (c *conn) overdue() {
	if c.sends.Load() {
		c.cutOff(fmt.Errorf("no packet within %v: %w", c.recorder.server.IdleTimeout, os.ErrDeadlineExceeded))
	} else {
		c.cutOff(fmt.Errorf("no RECORD within %v: %w", c.recorder.server.PublishTimeout, os.ErrDeadlineExceeded))
	}
}

// cutOff ends the connection under the library, which would wait without a deadline for a peer that is silent, as in TLS handshakes.
// The library closes it once more when it has noticed.
func (c *conn) cutOff(err error) {
	c.endConnected(err)
	_ = c.Conn.Close()
}

// Close is for the library, which may call it again.
func (c *conn) Close() error {
	c.timer.Stop()
	_ = c.Conn.Close()
	return nil
}

// Read is for the library.
func (c *conn) Read(b []byte) (int, error) {
	if c.whole { // and what was made of it has been dealt with
		c.whole = false
		c.setBuffered(func() { c.reading = 0 })
	}
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.count(n)
		c.setBuffered(func() { c.reading = min(c.reading+n, maxRequest) })
	}
	return n, err
}

// setBuffered says how much is buffered, once change has changed it.
func (c *conn) setBuffered(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	c.SetBuffered(c.reading + c.units)
}

// packet counts a packet. It returns false if one that came over UDP must be dropped.
func (c *conn) packet(p interface{ MarshalSize() int }, udp bool) bool {
	if !udp { // Read has counted its bytes
		c.whole = true
		c.Spend(c.recorder.perPacket)
		return true
	}
	c.count(p.MarshalSize())
	return c.Take(c.recorder.perPacket)
}

// unreadable counts what the library could not read, or what is none of the stream.
func (c *conn) unreadable(err error, udp bool) {
	c.packet(new(rtp.Packet), udp)
	if !isMalformedRTCP(err) {
		return
	}
	if c.Spend(perMalformed); !c.bad.take(1, time.Now()) {
		c.cutOff(errMalformed())
	}
}

// ended returns what the end of a connection or session is called: why it was evicted comes before what the library makes of that.
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
		c.cutOff(ingest.LimitError("more than %d bytes per second", c.recorder.server.MaxRate))
	}
}

// RemoteAddr is for the library, which knows TCP only.
func (c *conn) RemoteAddr() net.Addr {
	if addr, ok := c.Conn.RemoteAddr().(*net.TCPAddr); ok {
		return addr
	}
	return &net.TCPAddr{}
}
