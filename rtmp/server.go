package rtmp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
)

// What the zero values of a Server's limits mean.
const (
	defaultMaxConns   = 1024    // chosen, not measured, as what says nothing else
	defaultMaxMessage = 8 << 20 // a key picture of 2160p60 at 50 Mbit/s has 1 to 3 MiB; the format itself allows 16 MiB
	defaultHandshake  = 10 * time.Second
	defaultPublish    = 10 * time.Second
	defaultIdle       = 30 * time.Second // encoders that stall for longer reconnect by themselves
)

// A Server takes in the streams that encoders push over RTMP, and hands each to its Handler. It may listen on several addresses at
// once, of which each has bounds of its own; its fields must not change from then on.
type Server struct {
	// Addr is host:port for ListenAndServe; empty means ":1935", or ":443"
	// with TLS.
	Addr string

	// Handler gets each stream, on a goroutine of its own. It is required.
	Handler frame.Handler

	// TLSConfig makes this an RTMPS server with its certificates; nil means
	// plain RTMP.
	TLSConfig *tls.Config

	// Logger hears of refusals, of what Handlers return, and of failed
	// connections; nil means slog.Default().
	Logger *slog.Logger

	// Track is which video is taken of a publisher that sends several
	// tracks; zero is its default one.
	Track uint8

	// MaxConns is how many connections there may be at a time on each
	// listener; zero means 1024.
	MaxConns int

	// MaxConnsPerAddr bounds the connections of one address at a time on
	// each listener: of an IPv4 address, or of the /64 that an IPv6 address
	// is in. Zero means 128: a hundred encoders behind one router, and some
	// more that reconnect. Negative means no bound, for a Server behind a
	// proxy; then guesses at tokens are not slowed either.
	//
	// When either bound is reached, a connection is closed in favour of the
	// new one. The first to go was refused and has not hung up. Then it is
	// one that has sent no video yet: of those, one that has come as far as
	// most have, and stood there for the longest. Then it is a publisher
	// that has sent no video for ten seconds. When there is none, the new
	// one is closed.
	MaxConnsPerAddr int

	// MaxMessage is how many bytes a message may have, and so an access
	// unit, also one that comes in several messages; zero means 8 MiB, and
	// the format allows 16 MiB - 1.
	MaxMessage int

	// HandshakeTimeout is for the TLS and RTMP handshakes together; zero
	// means 10 s.
	HandshakeTimeout time.Duration

	// PublishTimeout is from the handshakes to the publish command; zero
	// means 10 s.
	PublishTimeout time.Duration

	// IdleTimeout is for each whole message of a publisher, video or not;
	// zero means 30 s.
	IdleTimeout time.Duration

	counts ingest.ServerCounts
}

// Stats returns what has come up to now. It may be called at any time.
func (s *Server) Stats() frame.ServerStats { return s.counts.Stats() }

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
	ln, err := ingest.Listen(ctx, addr, failed)
	if err != nil {
		return err
	}
	return s.Serve(ctx, ln)
}

// Serve is ListenAndServe on a listener of the caller's, which it closes.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	log := &ingest.Log{Logger: cmp.Or(s.Logger, slog.Default())}
	defer log.Close()
	var conns sync.WaitGroup
	defer conns.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(net.ErrClosed) // with the listener gone, so are its connections
	defer closeWith(ctx, ln)()
	if s.Handler == nil {
		return failed("listen", nil, ingest.ErrNoHandler)
	}
	in := &ingest.Listener{
		Listener: ln, Log: log, Fail: failed, Counts: &s.counts,
		Limiter: ingest.Limiter{Max: cmp.Or(s.MaxConns, defaultMaxConns), PerSite: s.MaxConnsPerAddr},
	}
	guesses := &ingest.Guesses{Off: s.MaxConnsPerAddr < 0}
	for {
		conn, err := in.Accept(ctx)
		if err != nil {
			return err
		}
		conns.Go(func() { s.serve(ctx, conn, guesses, log) })
	}
}

// serve serves one connection, and closes it.
func (s *Server) serve(ctx context.Context, in *ingest.Conn, guesses *ingest.Guesses, log *ingest.Log) {
	defer closeWith(ctx, in)()
	conn := net.Conn(in)
	handshake, publish := cmp.Or(s.HandshakeTimeout, defaultHandshake), cmp.Or(s.PublishTimeout, defaultPublish)
	_ = conn.SetDeadline(time.Now().Add(handshake))
	if s.TLSConfig != nil {
		conn = tls.Server(conn, s.TLSConfig)
	}
	c := &publisher{conn: newConn(conn, in, smallBuffer, cmp.Or(s.MaxMessage, defaultMaxMessage), cmp.Or(s.IdleTimeout, defaultIdle))}
	c.video.Track = s.Track
	if err := c.handshake(); err != nil {
		level := slog.LevelInfo
		if c.wire.received == 0 && errors.Is(err, io.EOF) {
			level = slog.LevelDebug // a health check
		}
		log.Log(ctx, level, "connection failed", in.RemoteAddr(), "err", c.wrap(c.explain(ctx, err, handshake, "handshake")))
		return
	}
	in.Advance(ingest.Greeted)
	_ = conn.SetDeadline(time.Now().Add(publish))
	if err := c.untilPublish(); err != nil {
		log.Log(ctx, slog.LevelInfo, "connection failed", in.RemoteAddr(), "err", c.wrap(c.explain(ctx, err, publish, "publish")))
		c.linger()
		return
	}
	_ = conn.SetDeadline(time.Time{})
	s.handle(ctx, c, guesses, log)
}

// handle hands a stream to the Handler, unless too many of the address were refused. A panic of the Handler's ends here.
func (s *Server) handle(ctx context.Context, c *publisher, guesses *ingest.Guesses, log *ingest.Log) {
	peer := c.wire.RemoteAddr()
	c.begun = s.counts.Begin
	err := ingest.ErrExited // unless it returns
	defer func() {
		if c.accepted {
			s.counts.End(err)
		} else {
			s.counts.Deny()
		}
	}()
	err = s.ask(ctx, c, guesses, log)
	switch {
	case ctx.Err() != nil, errors.Is(err, ingest.ErrPanicked):
		return
	case !c.accepted:
		log.Log(ctx, slog.LevelInfo, "stream refused", peer, "err", c.forLog(cmp.Or(err, ingest.ErrRefused)))
		if c.refuse(err) != nil {
			return
		}
	case err != nil:
		log.Log(ctx, slog.LevelWarn, "stream failed", peer, "err", c.forLog(err))
	}
	cause := c.hungUp.Load()
	told := cause != nil && c.accepted && c.tellWhy(*cause) == nil
	if c.left || !c.accepted || told {
		c.linger()
	}
}

// ask has the Handler serve a stream, unless it is not to be asked. A Handler may call runtime.Goexit: that is a refusal, or hangs up.
func (s *Server) ask(ctx context.Context, c *publisher, guesses *ingest.Guesses, log *ingest.Log) (err error) {
	peer := c.wire.RemoteAddr()
	life, end := c.in.Within(ctx)
	defer end(nil)
	// A third: time is left for the publisher to go on.
	decided, err := guesses.Begin(life, peer, cmp.Or(s.PublishTimeout, defaultPublish)/3)
	if err != nil {
		return err
	}
	theirs, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Until the Handler decides, losing the connection ends its context. After that, Units yield the error.
	stop := context.AfterFunc(life, func() { cancel(context.Cause(life)) })
	c.malformed.log = func(err error, messages int) {
		log.Log(ctx, slog.LevelWarn, "malformed message", peer, "err", c.wrap(err), "messages", messages)
	}
	c.logLacks = func(err error) { log.Log(ctx, slog.LevelWarn, "no picture can be made", peer, "err", c.wrap(err)) }
	c.decided = sync.OnceFunc(func() {
		stop()
		decided(!c.accepted && life.Err() == nil && ingest.IsGuess(err))
	})
	defer c.decided()
	offered := c.stream(ctx)
	err = log.Contain(ctx, peer, func() error { return s.Handler.ServeStream(theirs, offered) }, "stream", c.title)
	if c.title = offered.Name; c.title == c.name {
		c.title = c.masked()
	}
	return err
}
