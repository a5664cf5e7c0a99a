// Package ingesttest has what the tests of packages rtmp and rtsp share: listeners in memory, servers and peers.
package ingesttest

import (
	"net"
	"sync"
)

// A Listener accepts connections in memory, which live on the fake clock of a synctest bubble.
type Listener struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

// NewListener returns a Listener that nobody has dialled yet.
func NewListener() *Listener {
	l := &Listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

// Accept waits for a Dial.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close may be called again.
func (l *Listener) Close() error {
	l.close()
	return nil
}

// Addr returns an address that is none of IP.
func (l *Listener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// Dial returns the client's end of a new connection, which has no IP address.
func (l *Listener) Dial() net.Conn {
	client, server := net.Pipe()
	l.Hand(server)
	return client
}

// Hand has Accept return a connection.
func (l *Listener) Hand(conn net.Conn) { l.conns <- conn }

// DialFrom returns the client's end of a new connection from an IP address. It is closed if the Listener is.
func (l *Listener) DialFrom(ip string) net.Conn {
	client, server := net.Pipe()
	select {
	case l.conns <- connFrom{server, &net.TCPAddr{IP: net.ParseIP(ip), Port: 1}}:
	case <-l.closed:
		_ = client.Close()
	}
	return client
}

// A connFrom is a connection from an address.
type connFrom struct {
	net.Conn
	addr net.Addr
}

func (c connFrom) RemoteAddr() net.Addr { return c.addr }

// A scarce Listener is out of file descriptors, which passes.
type scarce struct {
	*Listener
	failures int
}

type scarceError struct{}

func (scarceError) Error() string   { return "out of something" }
func (scarceError) Temporary() bool { return true }

func (l *scarce) Accept() (net.Conn, error) {
	if l.failures--; l.failures >= 0 {
		return nil, scarceError{}
	}
	return l.Listener.Accept()
}
