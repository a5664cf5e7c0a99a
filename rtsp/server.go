package rtsp

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
)

// What the zero values of a Server's limits mean.
const (
	defaultMaxConns   = 1024 // chosen, not measured, as what says nothing else
	defaultMaxStreams = 256
	defaultMaxSDP     = 16 << 10 // descriptions have 300 bytes to 4 KiB, of which parameter sets are the most
	defaultMaxUnit    = 8 << 20  // as the package bounds every unit
	defaultMaxRate    = 16 << 20 // 134 Mbit/s, more than twice what 2160p60 takes
	smallPacket       = 512      // bytes; at MaxRate there are no more packets than if all were as small, on average: those of video have 1200
	maxMedias         = 16       // of a stream; encoders send a video, a sound and metadata or two
	maxFormats        = 64       // of all its medias; encoders send one or two of each, and the library starts a goroutine for every one
	defaultPublish    = 10 * time.Second
	defaultIdle       = 30 * time.Second // encoders that stall for longer reconnect by themselves
)

// A Server takes in the streams that encoders push over RTSP, by ANNOUNCE and RECORD, and hands each to its Handler. It does not
// play: DESCRIBE and PLAY are answered with "not implemented". It may listen on several addresses at once, of which each has bounds of its
// own; its fields must not change from then on.
type Server struct {
	// Addr is host:port for ListenAndServe; empty means ":554", or ":322"
	// with TLS.
	Addr string

	// Handler gets each stream, on a goroutine of its own. It is required.
	Handler frame.Handler

	// TLSConfig makes this an RTSPS server with its certificates; nil means
	// plain RTSP.
	TLSConfig *tls.Config

	// Logger hears of refusals, of what Handlers return, and of failed
	// connections; nil means slog.Default().
	Logger *slog.Logger

	// UDPAddr is where packets come in over UDP: host:port with an even
	// port for RTP, of which the next is for RTCP. A port of zero means any
	// two that are free. With TLS the packets are SRTP. Empty means TCP
	// only, which encoders are told, and most then use.
	UDPAddr string

	// Authenticate decides who may announce a stream, before the Handler
	// hears of it; nil lets in everybody. It is called on a goroutine of
	// the connection's, and may take its time within PublishTimeout, when
	// ctx ends. An error refuses the publisher. ErrUnauthorized, or an
	// error that wraps it, asks for credentials if there were none:
	// encoders show theirs only when asked.
	Authenticate func(ctx context.Context, l *Login) error

	// BasicOnly asks publishers for passwords in clear text, which
	// Login.Password then has: for an Authenticate that keeps hashes of
	// passwords, or asks someone else. Without it they may also prove that
	// they know a password, by Digest.
	BasicOnly bool

	// MaxConns is how many connections there may be at a time on each
	// listener; zero means 1024.
	MaxConns int

	// MaxConnsPerAddr bounds the connections of one address at a time on
	// each listener: of an IPv4 address, or of the /64 that an IPv6 address
	// is in. Zero means 128: a hundred encoders behind one router, and some
	// more that reconnect. Negative means no bound, for a Server behind a
	// proxy; then guesses at passwords are not slowed either.
	//
	// When either bound is reached, a connection is closed in favour of the
	// new one. It is one that has sent no packet of video yet: of those,
	// one that has come as far as most have, and stood there for the
	// longest. Then it is a publisher that has sent none for ten seconds.
	// When there is none, the new one is closed.
	MaxConnsPerAddr int

	// MaxStreams is how many streams there may be at a time on each
	// listener; zero means 256. Beyond that, one of which no video has come
	// yet, or none for ten seconds, is evicted for a new one; if there is
	// none, the new one is refused.
	MaxStreams int

	// MaxSDP is how many bytes the description of a stream may have; zero
	// means 16 KiB, and more than 128 KiB are not taken.
	MaxSDP int

	// MaxUnit is how many bytes an access unit may have; zero means 8 MiB,
	// and more are not taken.
	MaxUnit int

	// MaxRate is how many bytes a second may come of a connection and its
	// packets, on average over ten seconds; zero means 16 MiB.
	MaxRate int

	// PublishTimeout is from connecting to RECORD, with the TLS handshake
	// and the Handler's decision; zero means 10 s.
	PublishTimeout time.Duration

	// IdleTimeout is between two packets of a publisher, video or not; zero
	// means 30 s.
	IdleTimeout time.Duration

	counts ingest.ServerCounts
}

// Stats returns what has come up to now. It may be called at any time.
func (s *Server) Stats() frame.ServerStats { return s.counts.Stats() }

// withDefaults returns what s serves with: no limit of it is zero.
func (s *Server) withDefaults() *Server {
	return &Server{
		Handler: s.Handler, UDPAddr: s.UDPAddr, TLSConfig: s.TLSConfig, Authenticate: s.Authenticate, BasicOnly: s.BasicOnly,
		Logger: cmp.Or(s.Logger, slog.Default()), MaxConns: cmp.Or(s.MaxConns, defaultMaxConns), MaxConnsPerAddr: s.MaxConnsPerAddr,
		MaxStreams: cmp.Or(s.MaxStreams, defaultMaxStreams), MaxSDP: cmp.Or(s.MaxSDP, defaultMaxSDP), MaxUnit: cmp.Or(s.MaxUnit, defaultMaxUnit),
		MaxRate: cmp.Or(s.MaxRate, defaultMaxRate), PublishTimeout: cmp.Or(s.PublishTimeout, defaultPublish),
		IdleTimeout: cmp.Or(s.IdleTimeout, defaultIdle),
	}
}

// ListenAndServe listens on s.Addr and serves until ctx is done or listening fails. When it returns, every connection is closed and
// every Handler has returned, which is up to them: theirs is ctx, and the Units they range over end with it. The error is never
// nil; it is context.Cause(ctx) if ctx is done.
func (s *Server) ListenAndServe(ctx context.Context) error {
	addr := s.Addr
	if addr == "" {
		addr = ":554"
		if s.TLSConfig != nil {
			addr = ":322"
		}
	}
	ln, err := ingest.Listen(ctx, addr, failed)
	if err != nil {
		return err
	}
	return s.Serve(ctx, ln)
}

// Serve is ListenAndServe on a listener of the caller's, which it closes.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error { return s.serve(ctx, ln, 0) }

// serve is Serve with a bound of its own for what is under way; zero means the usual one.
func (s *Server) serve(ctx context.Context, ln net.Listener, underWay int64) error {
	defer func() { _ = ln.Close() }()
	if s.Handler == nil {
		return failed("listen", nil, ingest.ErrNoHandler)
	}
	counts := &s.counts
	s = s.withDefaults()
	serving, end := context.WithCancelCause(ctx)
	log := &ingest.Log{Logger: s.Logger}
	defer log.Close()
	r := &recorder{
		server: s,
		listener: &ingest.Listener{
			Listener: ln, Log: log, Fail: failed, Counts: counts,
			Limiter: ingest.Limiter{Max: s.MaxConns, PerSite: s.MaxConnsPerAddr},
			Buffers: ingest.Buffers{Max: underWay},
		},
		guesses:   ingest.Guesses{Off: s.MaxConnsPerAddr < 0},
		logs:      log,
		serving:   serving,
		perPacket: ingest.Rate * smallPacket / float64(s.MaxRate),
		streams:   make(chan struct{}, s.MaxStreams),
		ports:     make(map[port]*publisher),
	}
	defer r.handlers.Wait()
	defer end(net.ErrClosed) // with the listener gone, so are its streams
	err := r.run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
