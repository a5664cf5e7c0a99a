package capture

import (
	"errors"

	"github.com/livestill/livestill/capture/internal/shared"
	"github.com/livestill/livestill/frame"
)

// A PanicError is what becomes of a hook that panics: its capture fails with it, as the Err of an *Error, and nothing else does.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // where, as debug.Stack tells it
}

func (e *PanicError) Error() string { return (*shared.PanicError)(e).Error() }

// Unwrap returns the value, if that is an error.
func (e *PanicError) Unwrap() error { return (*shared.PanicError)(e).Unwrap() }

// Trace returns the Stack as text. Servers and Clients log it if it comes back to them from their Handler.
func (e *PanicError) Trace() string { return string(e.Stack) }

// containStep is contain for a hook that is called beside captures. Its panic is an *Error of the step.
func containStep(step, stream string, do func() error) error {
	err := contain(do)
	var panicked *PanicError
	if errors.As(err, &panicked) {
		return &Error{Step: step, Stream: stream, Err: err}
	}
	return err
}

// containCues has a panic of OnCue end the stream: with failed, from the next unit on.
func containCues(s *frame.Stream) (failed *error) {
	failed = new(error)
	if hook := s.OnCue; hook != nil {
		s.OnCue = func(c frame.Cue) {
			if *failed == nil {
				*failed = containStep(StepCue, s.Name, func() error {
					hook(c)
					return nil
				})
			}
		}
	}
	return failed
}

// contain calls someone else's code and makes a PanicError of its panic, also of one that was contained below it.
func contain(do func() error) error {
	err := shared.Contain(do)
	var panicked *shared.PanicError
	if errors.As(err, &panicked) {
		return (*PanicError)(panicked)
	}
	return err
}
