package rtmp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/livestill/livestill/internal/ingest"
)

var (
	// ErrProtocol is in the errors that a peer causes by breaking the protocol.
	ErrProtocol = errors.New("RTMP protocol violated")

	// ErrLimit is in the errors that a peer causes by exceeding a limit of the Server or Client.
	ErrLimit = errors.New("limit exceeded")
)

// An Error says at which step a listener, a connection or a stream came to its end, and why. Its text can be printed, whatever a peer
// has sent: what does not print is escaped.
type Error struct {
	Step   string   // "listen", "accept", "configure", "dial", "handshake", "connect", "publish", "play" or "receive"
	Stream string   // name of the stream, as in frame.Stream; empty before publish
	Remote net.Addr // the peer; nil if there is none
	Err    error    // often wraps ErrProtocol, ErrLimit, io.ErrUnexpectedEOF or os.ErrDeadlineExceeded
}

func (e *Error) Error() string {
	s := "rtmp: " + e.Step
	if e.Stream != "" {
		s += " " + e.Stream
	}
	if e.Remote != nil {
		s += " from " + e.Remote.String()
	}
	return ingest.Printable(s + ": " + e.Err.Error())
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
}

func limitError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrLimit, fmt.Sprintf(format, args...))
}

// explain is explain, but that a connection which had to give way comes before all that follows from it.
func (c *session) explain(ctx context.Context, err error, limit time.Duration, want string) error {
	if reason := c.in.Reason(); reason != nil {
		err = reason
	}
	return explain(ctx, err, limit, want)
}

// explain returns the cause of a failed read or write: that of ctx, which closes the connection, comes before its effects.
func explain(ctx context.Context, err error, limit time.Duration, want string) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no %s within %v: %w", want, limit, os.ErrDeadlineExceeded)
	}
	return err
}
