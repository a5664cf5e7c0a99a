package rtsp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/livestill/livestill/frame"
)

// What the zero values of a Client's times mean.
const (
	defaultTimeout  = 10 * time.Second
	defaultRetry    = 500 * time.Millisecond
	defaultMaxRetry = 30 * time.Second
)

// A Client pulls one stream over RTSP, and again whenever it ends. Packets come over UDP, or over TCP if the server or the network
// between wants it so, which takes three seconds to find out. Of what the server offers it takes the
// first video in a codec of package frame's; audio and back-channels it leaves alone.
type Client struct {
	URL       string        // rtsp:// or rtsps://, with user and password if the server wants them, percent-encoded
	Handler   frame.Handler // gets each connection's stream, on the goroutine of Run; required
	TLSConfig *tls.Config   // for rtsps; its ServerName is not used but the host of URL; nil means the system's authorities
	Codec     frame.Codec   // take only video in this codec; zero means any
	Media     int           // take only this one of the server's video medias, counted from 1; zero means the first that fits
	Logger    *slog.Logger  // hears why a stream ended and that it is pulled again; nil means slog.Default()

	Timeout  time.Duration // from dialling to the answer to SETUP, and between two packets of video; zero means 10 s
	Retry    time.Duration // how long to wait before the first new attempt, doubled by each that brings no video; zero means 500 ms
	MaxRetry time.Duration // the longest to wait; zero means 30 s
}

// Run pulls until ctx is done, and returns context.Cause(ctx). When the stream ends, whatever the reason, its Units end with an
// error, and after a wait, of which up to half is left to chance so that many Clients do not all come back at once, Run pulls anew:
// the Handler gets another Stream of the same name. An answer like "not found" is a reason like any other, for a camera behind a
// server may come later.
//
// What does not heal by itself ends Run: a malformed URL (ErrURL); refused credentials (ErrUnauthorized), since many cameras lock out
// who tries wrong ones again; a stream of other codecs (ErrCodec). Such an error is an *Error. A Handler that returns before the
// stream has ended refuses it or hangs up on it: Run returns what it returned.
//
// When Run returns, the connection is closed and no goroutine of it is left.
func (c *Client) Run(ctx context.Context) error {
	t, err := parseTarget(c.URL)
	if err != nil {
		return err
	}
	if c.Handler == nil {
		return t.fail("configure", errHandler)
	}
	log := cmp.Or(c.Logger, slog.Default()).With("stream", t.name, "server", t.url.Host)
	retry, longest := cmp.Or(c.Retry, defaultRetry), cmp.Or(c.MaxRetry, defaultMaxRetry)
	for wait := retry; ; wait = min(2*wait, longest) {
		p := pull{Client: c, target: t, log: log}
		err := p.run(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case p.refused, errors.Is(err, ErrUnauthorized), errors.Is(err, ErrCodec):
			return err
		case p.streamed:
			wait = retry
		}
		pause := wait/2 + rand.N(wait/2+1)
		log.Warn("pulling again", "err", err, "wait", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
