package rtsp

import (
	"context"
	"net"
	"sync"
	"sync/atomic"

	"github.com/livestill/livestill/rtsp/internal/mend"
)

const udpBuffer = 2 << 20 // bytes; a key picture comes as a burst

// An opener opens connections as (*net.Dialer).DialContext does.
type opener func(ctx context.Context, network, addr string) (net.Conn, error)

// A dialler opens the connections of one pull, one after the other, and can close them under the protocol library, which waits
// without a deadline for a server that keeps silent in the TLS handshake.
type dialler struct {
	open    opener
	guarded bool   // credentials go to the first address only
	first   string // that address

	plays atomic.Bool // PLAY was sent over the newest connection

	mu     sync.Mutex
	conn   net.Conn // the newest
	closed bool
}

func (d *dialler) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if d.first == "" {
		d.first = addr
	}
	if d.guarded && addr != d.first {
		return nil, errRedirect
	}
	conn, err := d.open(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if !d.take(conn) {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	d.plays.Store(false)
	return mend.NewLines(conn, &d.plays), nil
}

// take notes the newest connection, unless none may begin any more.
func (d *dialler) take(conn net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.conn = conn
	}
	return !d.closed
}

// close closes the connection and lets no other begin.
func (d *dialler) close() {
	d.mu.Lock()
	d.closed = true
	conn := d.conn
	d.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
}

// remote returns the address of the server, nil before the first connection.
func (d *dialler) remote() net.Addr {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == nil {
		return nil
	}
	return d.conn.RemoteAddr()
}

// listenPacket listens like net.ListenPacket, with a larger buffer as far as the system allows it.
func listenPacket(network, addr string) (net.PacketConn, error) {
	conn, err := (&net.ListenConfig{}).ListenPacket(context.Background(), network, addr)
	if udp, ok := conn.(*net.UDPConn); ok {
		_ = udp.SetReadBuffer(udpBuffer)
	}
	return conn, err
}
