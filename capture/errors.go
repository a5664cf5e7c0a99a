package capture

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
)

// What a caller may branch on, with errors.Is.
var (
	// ErrDenied: a Policy or Moderator refused. See Denied.
	ErrDenied = errors.New("denied")

	// ErrForgotten: older than the History, or lost to its bounds. So is
	// the newest picture of a GOP that is too much for the History, unless
	// the Camera is kept warm: see frame.History.MaxBytes.
	ErrForgotten = sched.ErrForgotten

	// ErrCorrupt, "no undamaged picture": neither the wanted picture nor a
	// neighbour within Tolerance.
	ErrCorrupt = sched.ErrCorrupt

	// ErrUnsupported: the Decoder has no way to decode the stream, however
	// whole it is. Of an Encoder: it is missing, or the picture is larger
	// than its files can be, or has no pixels.
	ErrUnsupported = frame.ErrUnsupported

	// ErrSetting: of an Encoder, a Quality or the like out of its range.
	ErrSetting = frame.ErrSetting

	// ErrBlank: black, mostly. Another picture within Tolerance is better.
	ErrBlank = errors.New("picture of one colour")

	// ErrNotLive: there is no publisher of that name at the Hub; or the
	// stream has ended, and its end lies before the moment, or its newest
	// picture is too old; or the moment is more than an hour ahead. The
	// error tells why the stream ended; at a Hub only a frame.UnitError,
	// since who captures need not know who publishes.
	ErrNotLive = errors.New("stream is not live")

	// ErrTakenOver ends the first one's stream: see Hub.TakeOver.
	ErrTakenOver = errors.New("another publisher took the name over")

	// ErrLive refuses a second publisher of a name. It is an fs.ErrExist,
	// which servers do not take for a wrong guess at a token.
	ErrLive error = liveError{}

	// ErrDeleted: the first still of a Refine is gone from the Store, or a
	// Delete of it has begun, so that it is not refined.
	ErrDeleted = errors.New("still was deleted meanwhile")

	// ErrVariant: a Variant that cannot be made, or that there is none of.
	// The error says what is wrong with it, and what to do.
	ErrVariant = errors.New("no such variant")

	// ErrDecoder: nothing can be captured without one.
	ErrDecoder = errors.New("camera has no Decoder")

	// ErrRotate: Camera.Rotate is not 0, 90, 180 or 270.
	ErrRotate = errors.New("camera is rotated by an angle that is none of 0, 90, 180, 270")

	// ErrTooCostly refuses a capture that takes more memory than the Budget
	// has, or more processor time than MaxDecoding.
	ErrTooCostly = frame.ErrTooCostly
)

// The steps of a capture in their order, as Error.Step and Step.Name have them. Those of a Variant are scale, finish, encode, seal and store; that
// the still itself waits for them is variants.
const (
	StepPolicy   = "policy"
	StepWait     = "wait"   // for the moment
	StepDecode   = "decode" // waiting for memory and a place included
	StepGather   = "gather" // for the neighbours of a Merger
	StepEnhance  = "enhance"
	StepModerate = "moderate"
	StepScale    = "scale" // to the size of a Variant
	StepFinish   = "finish"
	StepEncode   = "encode"
	StepVariants = "variants"
	StepSeal     = "seal"
	StepStore    = "store"
	StepNotify   = "notify"
)

// The steps of a stream in which a hook may have panicked, as Error.Step has them.
const (
	StepCue   = "cue"   // of a stream: Stream.OnCue
	StepAdmit = "admit" // a publisher: Hub.Name, Hub.NewCamera
	StepBegin = "begin" // a stream: Hub.OnBegin
	StepEnd   = "end"   // a stream: Hub.OnEnd
	StepPull  = "pull"  // what is asked for: Hub.Source
)

// An Error says in which step a capture failed, and of which stream.
//
// If the capture ends since its context has, errors.Is tells both its cause and ctx.Err(). It tells context.DeadlineExceeded and
// context.Canceled in no other case: a hook whose own deadline has passed, on a network perhaps, is not the caller's.
type Error struct {
	// Step is one of the constants. It is notify if the Notifier panicked:
	// all else is done then.
	Step string

	Stream string // may be empty: no stream came yet

	// ID is the still's, as Request.ID asked for it or a random one: by it
	// some of its files may be in the Store, if the step is store. It is
	// empty if no capture has begun.
	ID string

	// Variant is of which file: the Name of a Variant. It is empty if it is
	// not of one alone.
	Variant string

	Err error
}

// Error is one line, whatever a stranger has called the stream.
func (e *Error) Error() string {
	text := "capture"
	if e.Stream != "" {
		text += " of " + ingest.Excerpt(e.Stream, ingest.MaxText/2)
	}
	text += ": " + e.Step
	if e.Variant != "" {
		text += " of variant " + ingest.Excerpt(e.Variant, maxVariantName)
	}
	return fmt.Sprintf("%s: %v", text, e.Err)
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// stepError makes of a step's error that of a capture whose context is ctx, as Error promises.
func stepError(ctx context.Context, step, stream, id string, err error) *Error {
	switch ended := ctx.Err(); {
	case ended == nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)):
		err = hookError{err}
	case ended != nil && errors.Is(err, context.Cause(ctx)) && !errors.Is(err, ended):
		err = callerError{err, ended}
	}
	return &Error{Step: step, Stream: stream, ID: id, Err: err}
}

// A hookError is the error of a hook whose own context has ended.
type hookError struct{ err error }

func (e hookError) Error() string { return e.err.Error() }

// Is and As tell all but that a context has ended.
func (e hookError) Is(target error) bool {
	return target != context.DeadlineExceeded && target != context.Canceled && errors.Is(e.err, target)
}
func (e hookError) As(target any) bool { return errors.As(e.err, target) }

// A callerError is the cause for which the context of a capture has ended.
type callerError struct{ cause, ended error }

func (e callerError) Error() string   { return e.cause.Error() }
func (e callerError) Unwrap() []error { return []error{e.cause, e.ended} }

// Denied is the error with which a Policy or a Moderator refuses and says why: the struct, not a pointer to it. It is an ErrDenied. Other errors
// refuse as well.
type Denied struct {
	// Reason is fit to show to who asked: a sentence or a part of one, in a
	// language and with words of the hook's choice.
	Reason string
}

// Error is one line, whatever is in the reason.
func (d Denied) Error() string {
	if d.Reason == "" {
		return ErrDenied.Error()
	}
	return ErrDenied.Error() + ": " + ingest.Printable(d.Reason)
}

// Is makes it an ErrDenied.
func (d Denied) Is(target error) bool { return target == ErrDenied }

// Deny returns a Denied.
func Deny(reason string) error { return Denied{reason} }

type liveError struct{}

func (liveError) Error() string { return "stream is live already" }

// Is makes it an fs.ErrExist.
func (liveError) Is(target error) bool { return target == fs.ErrExist }
