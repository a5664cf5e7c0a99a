package rtmp

import (
	"errors"
	"fmt"
	"net"

	"github.com/livestill/livestill/internal/ingest"
)

var (
	// ErrProtocol is in the errors that a peer causes by breaking the
	// protocol.
	ErrProtocol = errors.New("RTMP protocol violated")

	// ErrLimit is in the errors that a peer causes by exceeding a limit of
	// the Server or Client. It is the same as package rtsp's.
	ErrLimit = ingest.ErrLimit
)

// An Error says at which step a listener, a connection or a stream came to its end, and why. Its text can be printed, whatever a peer
// has sent: what does not print is escaped, and what is beyond 1 KiB is cut off.
type Error struct {
	// Step is "listen", "accept", "configure", "dial", "handshake",
	// "connect", "publish", "play" or "receive".
	Step string

	// Stream is the name of the stream, as in frame.Stream; empty before
	// publish.
	Stream string

	// Remote is the peer; nil if there is none.
	Remote net.Addr

	// Err often wraps ErrProtocol, ErrLimit, io.ErrUnexpectedEOF or
	// os.ErrDeadlineExceeded.
	Err error
}

func (e *Error) Error() string {
	return ingest.ErrorText("rtmp: "+e.Step, e.Stream, "", e.Remote, e.Err)
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
}

// failed is an ingest.Failure.
func failed(step string, peer net.Addr, err error) error {
	return &Error{Step: step, Remote: peer, Err: err}
}
