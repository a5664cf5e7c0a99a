package sched

import (
	"errors"
	"fmt"

	"github.com/livestill/livestill/capture/internal/shared"
	"github.com/livestill/livestill/frame"
)

// These are those of capture.
var (
	ErrCorrupt   = errors.New("no undamaged picture")
	ErrForgotten = errors.New("moment is no longer remembered")
)

var (
	errLost    = fmt.Errorf("%w: data was lost on the way", ErrCorrupt)
	errFar     = fmt.Errorf("%w: it may refer to the GOP before, which has too many units", ErrCorrupt)
	errDamaged = fmt.Errorf("%w: decoding saw errors, in data that was not lost on the way: it was cut, damaged or left out before it was sent", ErrCorrupt)
	errHidden  = fmt.Errorf("%w: the unit has none of its own", ErrCorrupt)
	errNone    = fmt.Errorf("%w: the decoder made none of the unit", ErrCorrupt)
)

// Fault reports whether an error is no word on the stream, but on a hook or on what a capture may take: the next one may fare better.
func Fault(err error) bool {
	var panicked *shared.PanicError
	return errors.As(err, &panicked) || errors.Is(err, shared.ErrExit) || errors.Is(err, frame.ErrTooCostly)
}

// corrupt makes an ErrCorrupt of what a Decoder says of a stream, unless it has no way to decode it.
func corrupt(err error) error {
	if Fault(err) || errors.Is(err, frame.ErrUnsupported) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// Check returns an error if the planes of a picture that a hook made are not as large as its size promises.
func Check(p *frame.Picture) error {
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
