package capture

import (
	"errors"
	"fmt"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/frame"
)

// What a caller may branch on, with errors.Is.
var (
	ErrDenied    = errors.New("denied")                               // a Policy or Moderator refused: see Deny
	ErrForgotten = errors.New("moment is no longer remembered")       // older than the History, or lost to its bounds
	ErrCorrupt   = sched.ErrCorrupt                                   // neither the wanted picture nor a neighbour within Tolerance
	ErrBlank     = errors.New("picture of one colour")                // black, mostly: another within Tolerance is better
	ErrNotLive   = errors.New("stream is not live")                   // no publisher of that name at the Hub
	ErrTakenOver = errors.New("another publisher took the name over") // ends the first one's stream: see Hub.TakeOver
	ErrLive      = errors.New("stream is live already")               // refuses a second publisher of a name
	ErrDecoder   = errors.New("camera has no Decoder")

	// ErrTooCostly refuses a capture that takes more memory than the Budget has, or more processor time than MaxDecoding.
	ErrTooCostly = frame.ErrTooCostly
)

// An Error says in which step a capture failed, and of which stream.
type Error struct {
	Step   string // policy, wait, decode, enhance, moderate, encode, store; notify, if the Notifier panicked: all else is done then
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
