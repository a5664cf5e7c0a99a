package rtmp

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/flv"
	"github.com/livestill/livestill/internal/ingest"
	rtmpmsg "github.com/yutopp/go-rtmp/message"
)

const (
	version     = 3        // of RTMP, in the first byte of the handshake, RTMP 1.0 §5.2.2
	mediaBuffer = 32 << 10 // bytes: one read takes a picture of 25 KB, the average at 6 Mbit/s and 30 fps
)

// errLeft ends a stream whose publisher left properly.
var errLeft = errors.New("the publisher left")

// A conn is a connection on which one stream comes in: from a publisher, or from a server that plays it. All of it belongs to one
// goroutine.
type conn struct {
	in         *ingest.Conn // below TLS, if there is any
	wire       *wire
	buffer     *bufio.Reader
	messages   messageReader
	maxMessage int
	idle       time.Duration // for each whole message of the stream

	step  string     // that the connection is at, for errors
	name  string     // of the stream, once it is known
	title string     // that errors and logs have for it, without what is secret
	query url.Values // of the stream's URL
	url   string

	video     flv.Video
	malformed malformed
	lacks     ingest.Lacks
	logLacks  func(error)     // nil if nobody listens
	onCue     func(frame.Cue) // nil if nobody listens
	timeline  flv.Timeline
	clock     frame.Clock
}

// newConn returns a conn over nc, which is in or TLS over in. Until it is told otherwise, messages are as short as commands.
func newConn(nc net.Conn, in *ingest.Conn, buffer, maxMessage int, idle time.Duration) *conn {
	c := &conn{in: in, wire: &wire{Conn: nc, window: ackWindow}, maxMessage: maxMessage, idle: idle, step: "handshake"}
	c.video.FirstWaits, c.video.MaxJoined = true, maxMessage
	c.buffer = bufio.NewReaderSize(c.wire, buffer)
	c.messages.chunkReader = *newChunkReader(c.buffer, maxCommand, in)
	return c
}

// receive yields the units of the stream. It returns why the stream ended, or nil after yield has returned false. Messages that are
// neither media nor data are given to obey, whose error, errLeft above all, ends the stream.
func (c *conn) receive(ctx context.Context, obey func(message) error, yield func(frame.AccessUnit, error) bool) error {
	defer c.malformed.tell()
	for {
		err := ctx.Err()
		if err == nil {
			err = c.take(obey)
		}
		if err != nil {
			c.video.Flush() // nothing more comes of the last picture
		}
		for c.video.Ready() {
			if u, ok := c.unit(); ok && !yield(u, nil) {
				return nil
			}
		}
		if err != nil {
			return err
		}
	}
}

// take takes in the next message, unless the picture that waits for it has waited enough.
func (c *conn) take(obey func(message) error) error {
	if due := c.video.Due(); !due.IsZero() {
		if more, err := c.hears(due); !more {
			c.video.Flush()
			return err
		}
	}
	c.wire.expectMessage()
	m, err := c.messages.next()
	switch {
	case errors.Is(err, errAggregate):
		c.video.Miss()
		c.malformed.note(err)
	case err != nil:
		return unexpected(err)
	case isData(m.kind), isMetadata(m):
		if !c.video.Due().IsZero() { // cues come after the pictures that were sent before
			c.video.Flush()
			c.messages.back = append(c.messages.back, m)
			return nil
		}
		c.hearCue(m)
	case m.kind == rtmpmsg.TypeIDVideoMessage:
		return c.picture(m)
	default:
		return obey(m)
	}
	return nil
}

// hears waits until a time for more to come, and reports whether it has.
func (c *conn) hears(until time.Time) (more bool, err error) {
	if c.messages.pending() || c.buffer.Buffered() > 0 {
		return true, nil
	}
	if err := c.wire.expectMessageBy(until); err != nil {
		return false, err
	}
	_, err = c.buffer.Peek(1)
	if errors.Is(err, os.ErrDeadlineExceeded) && c.in.Reason() == nil {
		return false, nil
	}
	return err == nil, unexpected(err)
}

// picture takes in a video message. Its error ends the stream.
func (c *conn) picture(m message) error {
	err := c.video.Take(time.Duration(m.time)*time.Millisecond, time.Now(), m.body)
	c.messages.beside = c.video.Buffered()
	if !c.video.Due().IsZero() {
		c.in.Video()
	}
	if err != nil {
		if flv.Ends(err) {
			return err
		}
		c.malformed.note(err)
	}
	if !c.timeline.Started() && c.lacks.Set(c.video.Lacks()) && c.logLacks != nil {
		c.logLacks(errors.New(c.lacks.Text()))
	}
	return nil
}

// unit returns the next access unit that is complete; ok is false if there is none.
func (c *conn) unit() (u frame.AccessUnit, ok bool) {
	for c.video.Ready() {
		u, arrival := c.video.Next()
		c.in.Video()
		started := c.timeline.Started()
		if !u.Key && !started { // whoever joins a stream may come into the middle of a GOP
			continue
		}
		// Only pictures move the timeline: encoders send sequence headers with whatever timestamp.
		at := c.timeline.Next(uint32(u.DTS / time.Millisecond))
		u.PTS += at - u.DTS
		u.DTS = at
		c.clock.Stamp(&u, arrival)
		if !started {
			c.lacks.Set("")
		}
		return u, true
	}
	return frame.AccessUnit{}, false
}

// ended returns what the end of a stream's Units is called.
func (c *conn) ended(ctx context.Context, err error) error {
	if err = c.explain(ctx, err, c.idle, "whole message"); ctx.Err() != nil {
		return err
	}
	return c.wrap(err)
}

// explain returns the cause of a failed read or write: that of ctx, which closes the connection, comes before its effects, and so does
// why the connection was evicted.
func (c *conn) explain(ctx context.Context, err error, limit time.Duration, want string) error {
	reason := c.in.Reason()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case reason != nil:
		return reason
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no %s within %v: %w", want, limit, os.ErrDeadlineExceeded)
	}
	return err
}

// wrap says at which step of which stream err came, unless that was said.
func (c *conn) wrap(err error) error {
	var said *Error
	if errors.As(err, &said) {
		return err
	}
	return &Error{Step: c.step, Stream: c.title, Remote: c.wire.RemoteAddr(), Err: err}
}

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

func isMedia(kind rtmpmsg.TypeID) bool {
	return kind == rtmpmsg.TypeIDAudioMessage || kind == rtmpmsg.TypeIDVideoMessage
}

// tlsState returns the state of a connection's TLS; nil if there is none.
func tlsState(nc net.Conn) *tls.ConnectionState {
	c, ok := nc.(*tls.Conn)
	if !ok {
		return nil
	}
	state := c.ConnectionState()
	return &state
}

// parseQuery keeps what it can of a query that is partly malformed.
func parseQuery(query string) url.Values {
	values, _ := url.ParseQuery(query)
	return values
}

// merge adds to a the parameters of b that it has not.
func merge(a, b url.Values) url.Values {
	for k, v := range b {
		if _, ok := a[k]; !ok {
			a[k] = v
		}
	}
	return a
}
