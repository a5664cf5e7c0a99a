package capture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livestill/livestill/frame"
)

// A step is what is done in a Step of a capture.
type step struct {
	name string // as in Step
	hook any    // as in Step; nil leaves the step out
	do   func() error
}

// A record is a still, and what has been done for it so far.
type record struct {
	still   *Still
	running string        // the name of the step that runs now
	began   time.Time     // when it did
	changes frame.Changes // of Still.Picture, up to the step before
}

// run runs steps up to the first that fails. Its error is an *Error.
func (w *record) run(ctx context.Context, steps ...step) error {
	for _, step := range steps {
		if step.hook == nil {
			continue
		}
		w.running, w.began = step.name, time.Now()
		before, err := w.still.Picture, context.Cause(ctx)
		if err == nil {
			err = contain(step.do)
		}
		if of := (fileError{}); errors.As(err, &of) {
			return of.error
		}
		if err != nil {
			return w.failed(ctx, step.name, err)
		}
		w.done(step.name, fmt.Sprintf("%T", step.hook), time.Now())
		w.tellChanges(step.name, before)
	}
	return nil
}

// failed returns the error of a step.
func (w *record) failed(ctx context.Context, step string, err error) *Error {
	failed := stepError(ctx, step, w.still.Stream, w.still.ID, err)
	failed.Variant = w.still.Variant
	return failed
}

// done writes down that a step has ended, and the next begun.
func (w *record) done(name, hook string, at time.Time) {
	w.still.Steps = append(w.still.Steps, Step{Name: name, Hook: hook, Took: at.Sub(w.began)})
	w.began = at
}

// tellChanges writes down what a step has changed of the picture that was there before.
func (w *record) tellChanges(step string, before *frame.Picture) {
	s := w.still
	last := &s.Steps[len(s.Steps)-1]
	switch step {
	case StepScale:
		if s.Picture != before {
			last.Did = fmt.Sprintf("%dx%d", s.Picture.Rect.Dx(), s.Picture.Rect.Dy())
		}
	case StepDecode, StepEnhance, StepFinish:
		last.Did = (s.Picture.Changes &^ w.changes).String()
	default:
		return
	}
	w.changes = s.Picture.Changes
}
