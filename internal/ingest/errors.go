package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
)

var (
	// ErrLimit is in the errors that a peer causes by exceeding a limit.
	ErrLimit = errors.New("limit exceeded")

	// ErrPanicked is what becomes of a panic.
	ErrPanicked = errors.New("panicked, as the log tells")

	// ErrExited is of a Handler that calls runtime.Goexit.
	ErrExited = errors.New("the Handler called runtime.Goexit")

	// ErrNoHandler is of a Server or a Client without a Handler.
	ErrNoHandler = errors.New("there is no Handler")

	// ErrRefused is why a stream is refused if its Handler gives no reason.
	ErrRefused = errors.New("refused by the Handler")
)

// A Failure makes an error of package rtmp or rtsp: one that says which step failed, and from where the peer was; that may be nil.
type Failure func(step string, peer net.Addr, err error) error

// LimitError returns an ErrLimit that says which.
func LimitError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrLimit, fmt.Sprintf(format, args...))
}

// MaxText is the most bytes of an error's text: a peer may send much more of what errors quote, and logs repeat.
const MaxText = 1 << 10

// ErrorText returns the text of an error: its step, and then the name of the stream, the server in the URL and the peer, if there are
// these. It can be printed, whatever a peer has sent, and is cut off at MaxText. A name leaves room for what is wrong.
func ErrorText(step, stream, server string, peer net.Addr, err error) string {
	if stream != "" {
		step += " " + Excerpt(stream, MaxText/2)
	}
	if server != "" {
		step += " from " + server
	}
	if peer != nil {
		step += " from " + peer.String()
	}
	return Excerpt(step+": "+err.Error(), MaxText)
}

// Contain calls code of someone else's, or code that is fed by someone else. It logs a panic of that code, also one that came back
// as an error with its Trace, and returns ErrPanicked. It logs runtime.Goexit, too.
func Contain(log *slog.Logger, do func() error) error {
	return contain(func(args ...any) { log.Error("panic", args...) }, do)
}

// Contain is Contain for code that serves a peer, and logs args too.
func (l *Log) Contain(ctx context.Context, peer net.Addr, do func() error, args ...any) error {
	return contain(func(panicked ...any) { l.Log(ctx, slog.LevelError, "panic", peer, append(args, panicked...)...) }, do)
}

func contain(log func(args ...any), do func() error) (err error) {
	returned := false
	defer func() {
		switch v := recover(); {
		case v != nil:
			log("panic", v, "stack", string(debug.Stack()))
			err = ErrPanicked
		case !returned: // and so the goroutine ends
			log("panic", "runtime.Goexit", "stack", string(debug.Stack()))
		}
	}()
	err = do()
	returned = true
	var p interface {
		error
		Trace() string
	}
	if errors.As(err, &p) {
		log("panic", p, "stack", p.Trace())
		return ErrPanicked
	}
	return err
}
