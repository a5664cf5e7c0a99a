package ingest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/livestill/livestill/internal/retry"
)

// atOnce is how many connections may push out others before who was let in last gets the time to speak, on a busy machine, too.
const atOnce = 10

// A Listener accepts connections, lets them in by its Door, and outlives errors that pass. Connections that others have to give way to
// are accepted at the pace of messages, two thousand a second: so those who have just come stay for long enough to say what they want,
// and who dials without end does not take all of the processor. The system keeps the others waiting, with what they have sent.
type Listener struct {
	net.Listener

	Door Door
	Log  *Log
	Wrap func(peer net.Addr, err error) error // says whose the error is; peer may be nil

	pace *pace // of connections that others gave way to, or that were refused
}

// Accept waits for a connection that is let in. The error is context.Cause(ctx) if ctx is done, whoever closed the listener.
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	const most = time.Second
	if l.pace == nil {
		l.pace = newPace(atOnce)
	}
	for delay := 5 * time.Millisecond; ; {
		l.pace.wait(ctx.Done())
		nc, err := l.Listener.Accept()
		if err == nil {
			if c := l.admit(ctx, nc); c != nil {
				return c, nil
			}
			continue
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		err = l.Wrap(nil, err)
		var passing interface{ Temporary() bool } // above all a lack of file descriptors
		if !errors.As(err, &passing) || !passing.Temporary() {
			return nil, err
		}
		l.Log.Log(ctx, slog.LevelError, "cannot accept connections", nil, "err", err)
		retry.Wait(ctx, delay)
		delay = min(2*delay, most)
	}
}

// admit returns nil if there is no place.
func (l *Listener) admit(ctx context.Context, nc net.Conn) *Conn {
	c := newConn(nc)
	place, err := l.Door.Enter(nc.RemoteAddr(), func(reason error) {
		l.pace.spend(1)
		_ = c.close(reason)
	})
	if err != nil {
		l.pace.spend(1)
		l.Log.Log(ctx, slog.LevelWarn, "connection refused", nc.RemoteAddr(), "err", l.Wrap(nc.RemoteAddr(), err))
		_ = nc.Close()
		return nil
	}
	c.place = place
	return c
}
