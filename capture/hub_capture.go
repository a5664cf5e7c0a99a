package capture

import (
	"context"
	"crypto/rand"
	"iter"
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
)

// Capture makes a still of the stream that r names. Its error is an *Error; ErrNotLive if there is no such stream.
func (h *Hub) Capture(ctx context.Context, r Request) (*Still, error) {
	return h.capture(ctx, r, nil)
}

// Refine is Capture that delivers twice: see Camera.Refine.
func (h *Hub) Refine(ctx context.Context, r Request) iter.Seq2[*Still, error] {
	return func(yield func(*Still, error) bool) {
		c, done, err := h.find(ctx, &r)
		if err != nil {
			yield(nil, err)
			return
		}
		defer done()
		c.Refine(ctx, r)(yield)
	}
}

// Every captures at an interval, as Camera.Every does, whatever Camera the stream has by then: while it is not live, that is an error, and
// the next one is tried.
func (h *Hub) Every(ctx context.Context, interval time.Duration, r Request) iter.Seq2[*Still, error] {
	return every(ctx, interval, r, h.capture)
}

// capture is Camera.capture of the stream that r names.
func (h *Hub) capture(ctx context.Context, r Request, last *sched.ID) (*Still, error) {
	c, done, err := h.find(ctx, &r)
	if err != nil {
		return nil, err
	}
	defer done()
	return c.capture(ctx, r, last)
}

// find asks the Policy, and finds the Camera that r is for; done says that the capture has ended. Its error is an *Error, of which the Notifier
// has been told.
func (h *Hub) find(ctx context.Context, r *Request) (c *Camera, done func(), err error) {
	if r.ID == "" {
		r.ID = rand.Text()
	}
	step := StepPolicy
	if h.Policy != nil {
		err = contain(func() error { return h.Policy.Allow(ctx, *r) })
	}
	if err == nil {
		step = StepWait
		c, done, err = h.camera(ctx, r.Stream)
	}
	if err == nil {
		return c, done, nil
	}
	err = stepError(ctx, step, r.Stream, err)
	if h.Notifier != nil {
		_ = notify(ctx, h.Notifier, Event{Request: *r, Err: err}) // it has failed already
	}
	return nil, nil, err
}

// camera returns the Camera of a stream, which is pulled if need be.
func (h *Hub) camera(ctx context.Context, stream string) (c *Camera, done func(), err error) {
	pulled := h.Source != nil && h.publisher(stream) == nil || h.pulling(stream)
	switch c = h.Camera(stream); {
	case pulled:
		return h.source(ctx, stream)
	case c == nil:
		return nil, nil, ErrNotLive
	}
	return c, func() {}, nil
}
