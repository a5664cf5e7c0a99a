package rtmp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
)

// The most connections of one attempt: Adobe's authentication takes three, each balancer of a cascade one more.
const maxHops = 8

// A pull is one attempt at a stream, from dialling to its end.
type pull struct {
	*Client
	at    address // where the stream is played from, as redirections have it
	login login
	log   *slog.Logger

	connected func()                  // is called when a unit has come
	end       context.CancelCauseFunc // ends Run
	waited    bool                    // the server said that the stream plays, and nothing came of it for long
	ended     error                   // why the stream ended; nil until then
}

// run plays until the stream ends, the Handler returns or ctx is done, over as many connections as the server makes it take. It tells
// whether this was the last attempt since the Handler has returned first; the error is nil only if the Handler's is.
func (p *pull) run(ctx context.Context) (last bool, err error) {
	p.login = login{user: p.at.user, password: p.at.password}
	for range maxHops {
		last, err = p.once(ctx)
		var no *refusal
		if !errors.As(err, &no) || no.redirect == "" && !wanted(no.text) {
			return last, err
		}
		if err = p.prepare(no); err != nil {
			return false, &Error{Step: "connect", Stream: p.at.name, Err: err}
		}
	}
	return false, &Error{Step: "connect", Stream: p.at.name, Err: ingest.LimitError("more than %d redirections and challenges", maxHops)}
}

// prepare prepares for the next connection as the server wants it.
func (p *pull) prepare(no *refusal) error {
	if no.redirect == "" {
		if p.at.redirected {
			return errElsewhere
		}
		return p.login.next(no.text)
	}
	there, err := p.at.redirect(no.redirect)
	if err != nil {
		return err
	}
	p.log.Info("redirected", "to", there.host)
	p.at, p.login = there, login{user: there.user, password: there.password}
	return nil
}

// once plays over one connection.
func (p *pull) once(ctx context.Context) (last bool, err error) {
	timeout := cmp.Or(p.Timeout, defaultTimeout)
	deadline := time.Now().Add(timeout)
	conn, err := (&net.Dialer{Deadline: deadline}).DialContext(ctx, "tcp", p.at.hostPort())
	if err != nil {
		return false, &Error{Step: "dial", Stream: p.at.name, Err: err}
	}
	in := ingest.NewConn(conn)
	defer closeWith(ctx, in)()
	conn = in
	if name, ok := p.at.tls(); ok {
		config := &tls.Config{MinVersion: tls.VersionTLS12}
		if p.TLSConfig != nil {
			config = p.TLSConfig.Clone()
		}
		config.ServerName = cmp.Or(config.ServerName, name)
		conn = tls.Client(conn, config)
	}
	return p.play(ctx, conn, in, deadline, timeout)
}

// play plays over nc, which is in or TLS over in and ends with ctx.
func (p *pull) play(ctx context.Context, nc net.Conn, in *ingest.Conn, deadline time.Time, timeout time.Duration) (last bool, err error) {
	if err := nc.SetDeadline(deadline); err != nil {
		return false, &Error{Step: "dial", Stream: p.at.name, Err: err}
	}
	c := newPlayer(nc, in, p, timeout)
	p.ended = nil
	if err := c.begin(); err != nil {
		p.waited = c.playing && errors.Is(err, os.ErrDeadlineExceeded)
		return false, c.wrap(c.explain(ctx, err, timeout, "message that it waits for"))
	}
	var over atomic.Bool // a stream that has ended is played again
	defer over.Store(true)
	s := &frame.Stream{
		Name: c.name, Remote: nc.RemoteAddr(), Query: c.query, URL: c.url, TLS: tlsState(nc),
		Close: func(cause error) {
			if !over.Load() {
				p.end(cause)
			}
		},
		Lacks: c.lacks.Text,
	}
	c.malformed.log = func(err error, messages int) {
		p.log.Warn("malformed message", "err", c.wrap(err), "messages", messages)
	}
	c.logLacks = func(err error) { p.log.Warn("no picture can be made", "err", c.wrap(err)) }
	s.Units = ingest.SingleUse(func(yield func(frame.AccessUnit, error) bool) {
		c.onCue, c.step = s.OnCue, "receive"
		err := c.receive(ctx, c.obey, func(u frame.AccessUnit, err error) bool {
			p.connected()
			return yield(u, err)
		})
		over.Store(err != nil)
		switch {
		case errors.Is(err, errLeft):
			p.ended = c.wrap(err)
		case err != nil:
			p.ended = c.ended(ctx, err)
			yield(frame.AccessUnit{}, p.ended)
		}
	}, c.wrap)
	err = p.Handler.ServeStream(ctx, s)
	return ingest.Outcome(p.ended, err)
}
