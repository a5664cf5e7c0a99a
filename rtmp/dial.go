package rtmp

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
	"github.com/yutopp/go-rtmp/handshake"
)

// The most connections of one attempt: Adobe's authentication takes three, each balancer of a cascade one more.
const maxHops = 8

// A pull is one attempt at a stream, from dialling to its end.
type pull struct {
	*Client
	at    target // where the stream is played from, as redirections have it
	login login
	log   *slog.Logger

	connected func() // is called when a unit has come
	refused   bool   // the Handler has returned before the stream ended
	waited    bool   // the server said that the stream plays, and nothing came of it for long
	ended     error  // why the stream ended; nil until then
}

// run plays until the stream ends, the Handler returns or ctx is done, over as many connections as the server makes it take. It returns
// nil only if the Handler does.
func (p *pull) run(ctx context.Context) error {
	p.login = login{user: p.at.user, password: p.at.password}
	for range maxHops {
		err := p.once(ctx)
		var no *refusal
		if !errors.As(err, &no) || no.redirect == "" && !wanted(no.text) {
			return err
		}
		if err = p.follow(no); err != nil {
			return &Error{Step: "connect", Stream: p.at.name, Err: err}
		}
	}
	return &Error{Step: "connect", Stream: p.at.name, Err: limitError("more than %d redirections and challenges", maxHops)}
}

// follow prepares for the next connection as the server wants it.
func (p *pull) follow(no *refusal) error {
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
func (p *pull) once(ctx context.Context) error {
	timeout := cmp.Or(p.Timeout, defaultTimeout)
	deadline := time.Now().Add(timeout)
	conn, err := (&net.Dialer{Deadline: deadline}).DialContext(ctx, "tcp", p.at.addr())
	if err != nil {
		return &Error{Step: "dial", Stream: p.at.name, Err: err}
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

// play plays over the connection, which is in or TLS over in and ends with ctx.
func (p *pull) play(ctx context.Context, conn net.Conn, in *ingest.Conn, deadline time.Time, timeout time.Duration) error {
	if err := conn.SetDeadline(deadline); err != nil {
		return &Error{Step: "dial", Stream: p.at.name, Err: err}
	}
	c := newPlayer(conn, in, p, timeout)
	p.ended = nil
	if err := c.begin(); err != nil {
		p.waited = c.playing && errors.Is(err, os.ErrDeadlineExceeded)
		return c.wrap(explain(ctx, err, timeout, "message that it waits for"))
	}
	s := c.stream(ctx)
	units := s.Units
	s.Units = func(yield func(frame.AccessUnit, error) bool) {
		units(func(u frame.AccessUnit, err error) bool {
			if err == nil {
				p.connected()
			} else if !errors.Is(err, errTwice) {
				p.ended = err
			}
			return yield(u, err)
		})
		if c.left {
			p.ended = c.wrap(errLeft)
		}
	}
	err := p.Handler.ServeStream(ctx, s)
	switch {
	case p.ended == nil:
		p.refused = true
		return err
	case err == nil || errors.Is(err, p.ended):
		return p.ended
	}
	return errors.Join(p.ended, err)
}

// greet shakes hands with a server in the plain form, RTMP 1.0 §5.2, which all still know.
func (c *player) greet() error {
	e, d := handshake.NewEncoder(c.wire), handshake.NewDecoder(c.buffer)
	c0, c1 := handshake.S0C0(version), new(handshake.S1C1)
	_, _ = rand.Read(c1.Random[:]) // never fails
	if err := cmp.Or(e.EncodeS0C0(&c0), e.EncodeS1C1(c1)); err != nil {
		return err
	}
	first, err := c.buffer.Peek(1)
	switch {
	case err != nil:
		return unexpected(err)
	case first[0] != version:
		return protocolError("the server answers with byte %#02x, want version %d: it speaks something else", first[0], version)
	}
	var s0 handshake.S0C0
	var s1 handshake.S1C1
	var s2 handshake.S2C2
	if err := cmp.Or(d.DecodeS0C0(&s0), d.DecodeS1C1(&s1), d.DecodeS2C2(&s2)); err != nil {
		return unexpected(err)
	}
	return e.EncodeS2C2(&handshake.S2C2{Time: s1.Time, Random: s1.Random})
}

func newPlayer(conn net.Conn, in *ingest.Conn, p *pull, timeout time.Duration) *player {
	c := &player{session: newSession(conn, in, cmp.Or(p.MaxMessage, defaultMaxMessage), timeout), at: p.at, login: p.login.query}
	c.buffer = bufio.NewReaderSize(c.wire, mediaBuffer)
	c.packets.r = c.buffer
	c.name, c.query, c.url, c.role = p.at.name, p.at.query, p.at.url, c
	c.video.Track = p.Track
	return c
}
