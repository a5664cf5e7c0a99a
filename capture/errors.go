package capture

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/frame"
)

// What a caller may branch on, with errors.Is.
var (
	// ErrDenied: a Policy or Moderator refused. See Deny.
	ErrDenied = errors.New("denied")

	// ErrForgotten: older than the History, or lost to its bounds.
	ErrForgotten = errors.New("moment is no longer remembered")

	// ErrCorrupt, "no undamaged picture": neither the wanted picture nor a
	// neighbour within Tolerance.
	ErrCorrupt = sched.ErrCorrupt

	// ErrUnsupported: the Decoder has no way to decode the stream, however
	// whole it is.
	ErrUnsupported = frame.ErrUnsupported

	// ErrBlank: black, mostly. Another picture within Tolerance is better.
	ErrBlank = errors.New("picture of one colour")

	// ErrNotLive: there is no publisher of that name at the Hub.
	ErrNotLive = errors.New("stream is not live")

	// ErrTakenOver ends the first one's stream: see Hub.TakeOver.
	ErrTakenOver = errors.New("another publisher took the name over")

	// ErrLive refuses a second publisher of a name. It is an fs.ErrExist,
	// which servers do not take for a wrong guess at a token.
	ErrLive error = liveError{}

	// ErrDecoder: nothing can be captured without one.
	ErrDecoder = errors.New("camera has no Decoder")

	// ErrTooCostly refuses a capture that takes more memory than the Budget
	// has, or more processor time than MaxDecoding.
	ErrTooCostly = frame.ErrTooCostly
)

// An Error says in which step a capture failed, and of which stream.
type Error struct {
	// Step is policy, wait, decode, enhance, moderate, encode or store; or
	// notify, if the Notifier panicked: all else is done then.
	Step string

	Stream string // may be empty: no stream came yet
	Err    error
}

func (e *Error) Error() string {
	if e.Stream == "" {
		return fmt.Sprintf("capture: %s: %v", e.Step, e.Err)
	}
	return fmt.Sprintf("capture of %s: %s: %v", e.Stream, e.Step, e.Err)
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// Deny returns the error with which a Policy or a Moderator refuses and tells the caller why. It is an ErrDenied.
func Deny(reason string) error { return fmt.Errorf("%w: %s", ErrDenied, reason) }

type liveError struct{}

func (liveError) Error() string { return "stream is live already" }

// Is makes it an fs.ErrExist.
func (liveError) Is(target error) bool { return target == fs.ErrExist }
