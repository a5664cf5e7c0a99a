package rtmp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/livestill/livestill/frame"
)

// What the zero values of a Server's limits mean.
const (
	defaultMaxConns   = 1024
	defaultMaxMessage = 8 << 20 // a key picture of 2160p60 at 50 Mbit/s has 1 to 3 MiB; the format itself allows 16 MiB
	defaultHandshake  = 10 * time.Second
	defaultPublish    = 10 * time.Second
	defaultIdle       = 30 * time.Second // encoders that stall for longer reconnect by themselves
)

// A Server takes in the streams that encoders push over RTMP, and hands each to its Handler. It may listen on several addresses at
// once; its fields must not change from then on.
type Server struct {
	Addr      string        // host:port for ListenAndServe; empty means ":1935", or ":443" with TLS
	Handler   frame.Handler // gets each stream, on a goroutine of its own; required
	TLSConfig *tls.Config   // with its certificates it makes this an RTMPS server; nil means plain RTMP
	Logger    *slog.Logger  // hears of refusals, of what Handlers return, of failed connections; nil means slog.Default()

	Track uint8 // which video is taken of a publisher that sends several tracks; zero is its default one

	MaxConns         int           // connections at a time, beyond which new ones are closed; zero means 1024
	MaxMessage       int           // bytes in a message, so in an access unit; zero means 8 MiB, and the format allows 16 MiB - 1
	HandshakeTimeout time.Duration // for the TLS and RTMP handshakes together; zero means 10 s
	PublishTimeout   time.Duration // from there to the publish command; zero means 10 s
	IdleTimeout      time.Duration // for each whole message of a publisher, video or not; zero means 30 s
}

// ListenAndServe listens on s.Addr and serves until ctx is done or listening fails. When it returns, every connection is closed and
// every Handler has returned, which is up to them: theirs is ctx, and the Units they range over end with it. The error is never
// nil; it is context.Cause(ctx) if ctx is done.
func (s *Server) ListenAndServe(ctx context.Context) error {
	addr := s.Addr
	if addr == "" {
		addr = ":1935"
		if s.TLSConfig != nil {
			addr = ":443"
		}
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	switch {
	case ctx.Err() != nil && err != nil:
		return context.Cause(ctx)
	case err != nil:
		return &Error{Step: "listen", Err: err}
	}
	return s.Serve(ctx, ln)
}

// Serve is ListenAndServe on a listener of the caller's, which it closes.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	var conns sync.WaitGroup
	defer conns.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(net.ErrClosed) // with the listener gone, so are its connections
	defer closeWith(ctx, ln)()
	if s.Handler == nil {
		return &Error{Step: "listen", Err: errors.New("the Server has no Handler")}
	}
	slots := make(chan struct{}, cmp.Or(s.MaxConns, defaultMaxConns))
	for {
		conn, err := s.accept(ctx, ln)
		if err != nil {
			return err
		}
		select {
		case slots <- struct{}{}:
			conns.Go(func() {
				defer func() { <-slots }()
				s.serve(ctx, conn)
			})
		default:
			s.log(ctx, slog.LevelWarn, "connection refused", &Error{Step: "accept", Remote: conn.RemoteAddr(),
				Err: limitError("more than %d connections", cap(slots))})
			_ = conn.Close()
		}
	}
}

// accept waits for a connection. Errors that pass, above all a lack of file descriptors, it waits out.
func (s *Server) accept(ctx context.Context, ln net.Listener) (net.Conn, error) {
	const most = time.Second
	for delay := 5 * time.Millisecond; ; delay = min(2*delay, most) {
		conn, err := ln.Accept()
		if err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		err = &Error{Step: "accept", Err: err}
		var passing interface{ Temporary() bool }
		if !errors.As(err, &passing) || !passing.Temporary() {
			return nil, err
		}
		s.log(ctx, slog.LevelError, "cannot accept connections", err)
		select {
		case <-time.After(delay):
		case <-ctx.Done():
		}
	}
}

// serve serves one connection, and closes it.
func (s *Server) serve(ctx context.Context, conn net.Conn) {
	defer closeWith(ctx, conn)()
	handshake, publish := cmp.Or(s.HandshakeTimeout, defaultHandshake), cmp.Or(s.PublishTimeout, defaultPublish)
	_ = conn.SetDeadline(time.Now().Add(handshake))
	if s.TLSConfig != nil {
		conn = tls.Server(conn, s.TLSConfig)
	}
	c := newSession(conn, cmp.Or(s.MaxMessage, defaultMaxMessage), cmp.Or(s.IdleTimeout, defaultIdle))
	c.video.Track = s.Track
	if err := c.handshake(); err != nil {
		level := slog.LevelInfo
		if c.wire.received == 0 && errors.Is(err, io.EOF) {
			level = slog.LevelDebug // a health check
		}
		s.log(ctx, level, "connection failed", c.wrap(explain(ctx, err, handshake, "handshake")))
		return
	}
	_ = conn.SetDeadline(time.Now().Add(publish))
	if err := c.untilPublish(); err != nil {
		s.log(ctx, slog.LevelInfo, "connection failed", c.wrap(explain(ctx, err, publish, "publish")))
		c.bye()
		return
	}
	_ = conn.SetDeadline(time.Time{})
	s.handle(ctx, c)
}

// errRefused is logged when a Handler gives no reason.
var errRefused = errors.New("refused by the handler")

// handle hands a stream to the Handler. A panic of the Handler's ends here.
func (s *Server) handle(ctx context.Context, c *session) {
	defer func() {
		if v := recover(); v != nil {
			s.logger().ErrorContext(ctx, "handler panicked", "stream", c.name, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	err := s.Handler.ServeStream(ctx, c.stream(ctx))
	switch {
	case ctx.Err() != nil:
		return
	case !c.accepted:
		s.log(ctx, slog.LevelInfo, "stream refused", c.wrap(cmp.Or(err, errRefused)))
		if c.refuse(err) != nil {
			return
		}
	case err != nil:
		s.log(ctx, slog.LevelWarn, "stream failed", c.wrap(err))
	}
	if c.left || !c.accepted {
		c.bye()
	}
}

func (s *Server) log(ctx context.Context, level slog.Level, what string, err error) {
	if ctx.Err() == nil { // else it is only the shutdown
		s.logger().Log(ctx, level, what, "err", err)
	}
}

func (s *Server) logger() *slog.Logger { return cmp.Or(s.Logger, slog.Default()) }

// closeWith closes c when ctx is done. The function it returns closes c, too, and returns when nothing is left to do that.
func closeWith(ctx context.Context, c interface{ Close() error }) (done func()) {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = c.Close()
		close(closed)
	})
	return func() {
		if stop() {
			_ = c.Close()
		} else {
			<-closed
		}
	}
}
