package ffmpeg

import (
	"errors"
	"fmt"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg/internal/child"
)

// What callers may branch on; each comes wrapped in an *Error.
var (
	// ErrGOP: empty, not beginning with a key unit, or of several codecs.
	ErrGOP = errors.New("not a GOP")

	// ErrUnsupported: this FFmpeg has no codec, no decoder for the depth or
	// the layout of the samples, or no way to read the pixels. Of an
	// encoder: the picture is empty, or too large for such a file.
	ErrUnsupported = frame.ErrUnsupported

	// ErrSetting: of an encoder, a Quality or a Speed that there is not.
	ErrSetting = frame.ErrSetting

	// ErrNoPicture: pictures were due, and the decoder, or the graph of a
	// Filter, gave none.
	ErrNoPicture = errors.New("no picture came")

	// ErrGraph is of a Filter.
	ErrGraph = errors.New("not a filter graph that makes one picture of one")

	// Of an Isolated alone:
	ErrCrashed = child.ErrCrashed // the process that decodes has crashed
	ErrHung    = child.ErrHung    // it has not answered in time
	ErrNoChild = errors.New("main does not begin with ffmpeg.Child()")
	ErrClosed  = child.ErrClosed // Close was called
)

// An Error says which step failed, on which codec, in which filter graph, or for
// which type of file.
type Error struct {
	// Step is "check", "open", "send", "receive", "convert" or "encode"; of
	// a Filter "check", "parse", "link", "configure", "filter" or
	// "convert"; of an Isolated also "start" and "child".
	Step  string
	Codec frame.Codec
	Graph string // of a Filter, which has no Codec
	Type  string // of an encoder, such as "image/webp"; it has no Codec
	Err   error
}

func (e *Error) Error() string {
	if e.Type != "" {
		return fmt.Sprintf("ffmpeg: %s %s: %v", e.Step, e.Type, e.Err)
	}
	if e.Graph != "" {
		return fmt.Sprintf("ffmpeg: %s %q: %v", e.Step, e.Graph, e.Err)
	}
	return fmt.Sprintf("ffmpeg: %s %v: %v", e.Step, e.Codec, e.Err)
}

// Unwrap returns the error beneath: one of this package's, or FFmpeg's own.
func (e *Error) Unwrap() error { return e.Err }
