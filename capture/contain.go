package capture

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/livestill/livestill/frame"
)

// A PanicError is what becomes of a hook that panics: its capture fails with it, as the Err of an *Error, and nothing else does.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // where, as debug.Stack tells it
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value, if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errExit is the error of what a hook ended by runtime.Goexit.
var errExit = errors.New("a hook called runtime.Goexit")

// fault reports whether an error is no word on the stream, but on a hook or on what a capture may take: the next one may fare better.
func fault(err error) bool {
	var panicked *PanicError
	return errors.As(err, &panicked) || errors.Is(err, errExit) || errors.Is(err, ErrTooCostly)
}

// contain calls someone else's code and makes an error of its panic.
func contain(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{v, debug.Stack()}
		}
	}()
	return do()
}

// check returns an error if the planes of a picture that a hook made do not hold what its size promises.
func check(p *frame.Picture) error {
	switch {
	case p == nil:
		return errors.New("there is no picture")
	case p.YCbCr == nil || p.Rect.Empty():
		return errors.New("the picture has no pixels")
	}
	last := p.Rect.Max.Sub(p.Rect.Min)
	if p.YStride < last.X || len(p.Y) < (last.Y-1)*p.YStride+last.X {
		return fmt.Errorf("the picture's luma is too small for %v", last)
	}
	width, c := p.COffset(p.Rect.Max.X-1, p.Rect.Min.Y)+1, p.COffset(p.Rect.Max.X-1, p.Rect.Max.Y-1)
	if p.CStride < width || c >= len(p.Cb) || c >= len(p.Cr) {
		return fmt.Errorf("the picture's chroma is too small for %v", last)
	}
	return nil
}
