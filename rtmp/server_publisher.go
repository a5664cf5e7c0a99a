package rtmp

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
	rtmpmsg "github.com/yutopp/go-rtmp/message"
)

const (
	versionTLS   = 22          // what is in the place of the version when the peer speaks TLS
	smallBuffer  = 4 << 10     // of a connection that does not publish yet: commands
	lingerTime   = time.Second // an encoder that has left hangs up within a few round trips
	lingerAmount = 1 << 20     // bytes that it may still send: more than the buffers of both systems have as a rule
)

// A publisher is a connection of an encoder: first its commands up to publish, then its media.
type publisher struct {
	*conn
	connected bool
	app       string
	streams   uint32 // message streams created
	fcPublish bool   // the encoder sent FCPublish, and so expects onFCPublish

	key      string
	publish  command               // from which on the stream has its name
	accepted bool                  // Units was ranged over
	decided  func()                // tells Guesses what the Handler decided; called once
	left     bool                  // the publisher ended its stream properly
	hungUp   atomic.Pointer[error] // why Stream.Close was called first
	begun    func()                // counts that it is accepted
}

// untilPublish answers commands until there is one to publish.
func (c *publisher) untilPublish() error {
	c.step = "connect"
	for {
		m, err := c.messages.next()
		if err != nil {
			return unexpected(err)
		}
		if !isCommand(m.kind) {
			if err := c.wire.control(m); err != nil {
				return err
			}
			continue
		}
		cmd, err := parseCommand(m)
		if err != nil {
			return err
		}
		switch {
		case cmd.name == "connect":
			err = c.connect(cmd)
		case cmd.name == "publish" && c.connected:
			return c.named(cmd)
		case cmd.name == "publish":
			return protocolError("publish before connect")
		default:
			err = c.answer(cmd)
		}
		if err != nil {
			return err
		}
	}
}

// named notes under what name cmd publishes.
func (c *publisher) named(cmd command) error {
	c.publish, c.step = cmd, "publish"
	key, query, _ := strings.Cut(c.keyOf(cmd.text(1)), "?")
	name := strings.Trim(c.app+"/"+strings.TrimPrefix(key, "/"), "/")
	if name == "" || len(name) > maxName || !ingest.IsText(name) {
		err := protocolError("name of %d bytes is empty, longer than %d bytes, or not text", len(name), maxName)
		return errors.Join(err, c.refuse(errors.New("bad name")))
	}
	c.name, c.key, c.query = name, key, merge(parseQuery(query), c.query)
	c.title = c.masked()
	return nil
}

// keyOf returns the stream key in what an encoder publishes. Some are given the whole URL for it, by users who know no better.
func (c *publisher) keyOf(published string) string {
	scheme, rest, ok := strings.Cut(published, "://")
	if !ok || !strings.EqualFold(scheme, "rtmp") && !strings.EqualFold(scheme, "rtmps") {
		return published
	}
	_, path, _ := strings.Cut(rest, "/")
	if key, ok := strings.CutPrefix(path, c.app+"/"); ok {
		return key
	}
	return path
}

// masked is the name without the stream key.
func (c *publisher) masked() string { return strings.Trim(c.app+"/…", "/") }

// A secret shorter than this is not looked for in texts: too much else is the same.
const shortestSecret = 6

// forLog returns err as the log has it: without the stream key and what the query says, whoever wrote them into its text.
func (c *publisher) forLog(err error) error {
	var failed *Error
	if errors.As(err, &failed) && failed.Stream == c.name {
		masked := *failed
		masked.Stream, err = c.title, &masked
	} else {
		err = c.wrap(err)
	}
	secrets := []string{c.key}
	for _, values := range c.query {
		secrets = append(secrets, values...)
	}
	text := err.Error()
	for _, secret := range secrets {
		if len(secret) >= shortestSecret {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	if text == err.Error() {
		return err
	}
	return &maskedError{err, text}
}

// A maskedError is an error whose text has no secrets.
type maskedError struct {
	error
	text string
}

func (e *maskedError) Error() string { return e.text }
func (e *maskedError) Unwrap() error { return e.error }

// refuse tells the encoder that it may not publish.
func (c *publisher) refuse(reason error) error {
	text := "The stream was refused."
	if reason != nil {
		text = reason.Error()
	}
	return c.wire.onStatus(c.publish.stream, rtmpmsg.NetStreamOnStatusLevelError, rtmpmsg.NetStreamOnStatusCodePublishBadName, text)
}

// tellWhy tells the encoder why it is hung up on.
func (c *publisher) tellWhy(cause error) error {
	return c.wire.onStatus(c.publish.stream, rtmpmsg.NetStreamOnStatusLevelError, rtmpmsg.NetStreamOnStatusCodePublishFailed, cause.Error())
}

// stream returns what the Handler is given.
func (c *publisher) stream(ctx context.Context) *frame.Stream {
	s := &frame.Stream{
		Name: c.name, Key: c.key, Remote: c.wire.RemoteAddr(), Query: c.query, URL: c.url, TLS: tlsState(c.wire.Conn),
		Close: func(cause error) {
			cause = cmp.Or(cause, context.Canceled)
			c.hungUp.CompareAndSwap(nil, &cause)
			c.in.HangUp(cause)
		},
		Lacks: c.lacks.Text,
	}
	s.Units = ingest.SingleUse(func(yield func(frame.AccessUnit, error) bool) {
		c.onCue, c.title = s.OnCue, s.Name
		err := c.accept()
		if err == nil {
			err = c.receive(ctx, c.obey, yield)
		}
		if c.left = errors.Is(err, errLeft); err != nil && !c.left {
			yield(frame.AccessUnit{}, c.ended(ctx, err))
		}
	}, c.wrap)
	return s
}

// accept tells the encoder to begin, and makes room for media.
func (c *publisher) accept() error {
	c.accepted, c.step = true, "receive"
	c.begun()
	c.decided()
	c.in.Advance(ingest.Accepted)
	c.buffer = bufio.NewReaderSize(c.buffer, mediaBuffer) // large reads go past the small buffer once it is empty
	c.messages.r, c.messages.maxLength = c.buffer, c.maxMessage
	c.wire.timeout = c.idle
	if c.fcPublish {
		begins := status{"status", string(rtmpmsg.NetStreamOnStatusCodePublishStart), c.name}
		if err := c.wire.call(c.publish.stream, "onFCPublish", 0, nil, begins); err != nil {
			return err
		}
	}
	return c.wire.onStatus(c.publish.stream, rtmpmsg.NetStreamOnStatusLevelStatus, rtmpmsg.NetStreamOnStatusCodePublishStart,
		c.name+" is now published.")
}

// obey obeys a control message or answers a command of an encoder that publishes. Encoders send one to three of the commands that end
// the stream, and often do not wait.
func (c *publisher) obey(m message) error {
	if !isCommand(m.kind) {
		return c.wire.control(m)
	}
	cmd, err := parseCommand(m)
	if err != nil {
		return c.passOver(err)
	}
	switch {
	case cmd.name == "FCUnpublish", cmd.name == "deleteStream", cmd.name == "closeStream",
		cmd.name == "publish" && cmd.text(1) == "": // of nothing, as ActionScript's NetStream.publish(false) has it
		return errors.Join(errLeft, c.answer(cmd), c.wire.onStatus(c.publish.stream, rtmpmsg.NetStreamOnStatusLevelStatus,
			rtmpmsg.NetStreamOnStatusCodeUnpublishSuccess, c.name+" is no longer published."))
	case cmd.name == "publish", cmd.name == "connect":
		return protocolError("%s while publishing", cmd.name)
	}
	return c.answer(cmd)
}

// passOver notes that a command amid media is malformed. One that exceeds a limit is the end of its stream.
func (c *publisher) passOver(err error) error {
	if errors.Is(err, ErrLimit) {
		return err
	}
	c.malformed.note(err)
	return nil
}

// linger sends what is still to be said, and gives the peer a second to hang up first. Encoders that left still send what they have to
// say: if the connection were closed with that unread in it, it would be reset, and a reset may overtake what was sent last. It is the
// first that is evicted for a new one.
func (c *publisher) linger() {
	c.in.Advance(ingest.Leaving)
	c.wire.timeout = 0
	if c.wire.SetDeadline(time.Now().Add(lingerTime)) == nil && c.wire.flush() == nil {
		_, _ = io.CopyN(io.Discard, c.in.Conn, lingerAmount) // below what has ended
	}
}
