package rtsp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
)

// What the zero values of a Client's times mean.
const (
	defaultTimeout  = 10 * time.Second
	defaultRetry    = 500 * time.Millisecond // chosen, not measured; rtmp has 1 s, and no reason is known for the two
	defaultMaxRetry = 30 * time.Second
)

// A Client pulls one stream over RTSP, and again whenever it ends. Packets come over UDP, or over TCP if the server refuses UDP, or if nothing
// comes through, which takes three seconds to find out. Of what the server offers it takes the
// first video in a codec of package frame's; audio and back-channels it leaves alone.
type Client struct {
	// URL is rtsp:// or rtsps://, with user and password if the server
	// wants them, percent-encoded.
	URL string

	// Handler gets each connection's stream, on the goroutine of Run. It is
	// required.
	Handler frame.Handler

	// TLSConfig is for rtsps. Its ServerName is not used but the host of
	// URL; nil means the system's authorities.
	TLSConfig *tls.Config

	// Fingerprints are of the only certificates to trust: SHA-256 of the
	// server's own, as "openssl x509 -fingerprint -sha256" prints them, hex
	// digits with or without colons. Authorities, names and dates no longer
	// count then: cameras sign their certificates themselves. Empty means
	// to trust what the authorities of TLSConfig vouch for.
	Fingerprints []string

	// Codec is the only one in which video is taken; zero means any.
	Codec frame.Codec

	// Media is the only one of the server's video medias that is taken,
	// counted from 1; zero means the first that fits.
	Media int

	// Transport is how packets come; zero means over UDP, falling back to
	// TCP.
	Transport Transport

	// Logger hears why a stream ended and that it is pulled again; nil
	// means slog.Default().
	Logger *slog.Logger

	// OnPull hears how the pull fares: a stream's first unit came, it was
	// lost and why, it is pulled anew and after what wait. Calls are made
	// one at a time, by the goroutine of Run or the one that ranges over
	// Units. The stream waits for them: it must not block.
	OnPull func(frame.Pull)

	// Timeout is from dialling to the answer to SETUP, and from then on
	// between two packets of video; beyond it the server is left for being
	// silent (ErrSilent). Packets that bring no picture for as long are
	// logged if none has come, for a GOP may be long. For ten times as
	// long, the stream is pulled anew (ErrNoPicture), since many cameras
	// then send a key picture. Zero means 10 s.
	Timeout time.Duration

	// Once has Run pull once: when the stream has ended or cannot be had,
	// Run returns why, whatever it is.
	Once bool

	// Retry is how long to wait before the first new attempt, doubled by
	// each that brings no video; zero means 500 ms. MaxRetry is the longest
	// to wait; zero means 30 s.
	Retry, MaxRetry time.Duration

	counts ingest.ClientCounts
}

// Stats returns how the Client has fared up to now. It may be called at any time.
func (c *Client) Stats() frame.ClientStats { return c.counts.Stats() }

// Run pulls until ctx is done, and returns context.Cause(ctx). When the stream ends, whatever the reason, its Units end with an
// error, and after a wait, of which up to half is left to chance so that many Clients do not all come back at once, Run pulls anew:
// the Handler gets another Stream of the same name. An answer like "not found" is a reason like any other, for a camera behind a
// server may come later.
//
// What does not heal by itself ends Run: a malformed URL (ErrURL); refused credentials (ErrUnauthorized), since many cameras lock out
// who tries wrong ones again; a certificate that is not trusted (*CertificateError), since that takes someone to look at it, unless
// only its dates are wrong; a stream of other codecs (ErrCodec). Such an error is an *Error. With Once everything ends Run that ends the
// stream, or that keeps it from beginning. A Handler that returns before the
// stream has ended refuses it or hangs up on it: Run returns what it returned.
//
// Stream.Close ends Run with its cause, and so do a Hub that closes the stream, and one that lets another publisher take it over.
//
// A panic of the Handler or of OnPull ends Run, too: it is logged with its stack, and the error is an *Error.
//
// When Run returns, the connection is closed and no goroutine of it is left.
func (c *Client) Run(ctx context.Context) error { return c.run(ctx, new(net.Dialer).DialContext) }

// run is Run over connections that are opened by open.
func (c *Client) run(ctx context.Context, open opener) error {
	a, err := parseAddress(c.URL)
	if err != nil {
		return err
	}
	if c.Handler == nil {
		return a.fail("configure", ingest.ErrNoHandler)
	}
	transport, err := c.Transport.protocol()
	if err != nil {
		return a.fail("configure", err)
	}
	trusted, err := c.trust(a.url.Scheme)
	if err != nil {
		return a.fail("configure", err)
	}
	log := cmp.Or(c.Logger, slog.Default()).With("stream", a.name, "server", a.url.Host)
	loop := ingest.Loop{Stream: a.name, Once: c.Once, First: cmp.Or(c.Retry, defaultRetry), Longest: cmp.Or(c.MaxRetry, defaultMaxRetry),
		Log: log, Hook: c.OnPull, Counts: &c.counts}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	attempts := attempts{Client: c, address: a, log: log, open: open, transport: transport, trusted: trusted, connected: loop.Connected, stop: end}
	err = ingest.Contain(log, func() error { return loop.Run(ctx, func() (last bool, err error) { return attempts.next(ctx) }) })
	if errors.Is(err, ingest.ErrPanicked) {
		return a.fail("receive", err)
	}
	return err
}
