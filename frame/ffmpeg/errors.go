package ffmpeg

import (
	"errors"
	"fmt"

	"github.com/livestill/livestill/frame"
)

// What callers may branch on; each comes wrapped in an *Error.
var (
	ErrGOP         = errors.New("not a GOP")          // empty, not beginning with a key unit, or of several codecs
	ErrUnsupported = errors.New("not supported here") // this FFmpeg has no codec, or no way to read the pixels
	ErrNoPicture   = errors.New("no picture decoded") // pictures were due, and the decoder gave none
)

// An Error says which step failed on which codec.
type Error struct {
	Step  string // "check", "open", "send", "receive", "convert" or "encode"
	Codec frame.Codec
	Err   error
}

func (e *Error) Error() string { return fmt.Sprintf("ffmpeg: %s %v: %v", e.Step, e.Codec, e.Err) }

// Unwrap returns the error beneath: one of this package's, or FFmpeg's own.
func (e *Error) Unwrap() error { return e.Err }
