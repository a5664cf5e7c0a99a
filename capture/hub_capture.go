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
		c, done, err = h.camera(ctx, *r)
	}
	if err == nil {
		return c, done, nil
	}
	err = stepError(ctx, step, r.Stream, r.ID, err)
	if h.Notifier != nil {
		if told := notify(ctx, h.Notifier, Event{Request: *r, Err: err}); told != nil {
			err = untold(ctx, *r, err, told)
		}
	}
	return nil, nil, err
}

// camera returns the Camera of the stream that r names, which is pulled if need be. What a stream has left behind is captured without, but not the
// newest picture of one that ended since nobody asked for it.
func (h *Hub) camera(ctx context.Context, r Request) (c *Camera, done func(), err error) {
	c, there := h.there(r.Stream)
	switch {
	case there == live, there == left && c.has(r), there == expired && r.Moment.timed() && c.has(r):
		return c, func() {}, nil
	case h.Source != nil:
		return h.source(ctx, r.Stream)
	case c != nil:
		return c, func() {}, nil // which says why not
	}
	return nil, nil, ErrNotLive
}

// A presence is how a stream is there.
type presence int

const (
	absent  presence = iota
	live             // of a publisher
	pulled           // since captures asked for it: it is to remain as long as they do
	left             // it has ended, and its Camera lingers
	expired          // the same, but it was hung up on since nobody asked for it
)

// there returns the Camera of a stream, nil if there is none, and how it is there.
func (h *Hub) there(stream string) (*Camera, presence) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.named[stream]
	switch {
	case n == nil:
		return nil, absent
	case n.live != nil && n.live.pull == nil:
		return n.camera, live
	case n.live != nil:
		return n.camera, pulled
	case n.pull != nil && n.pull.expired:
		return n.camera, expired
	}
	return n.camera, left
}

// has reports whether a stream that has ended has left behind what r asks for.
func (c *Camera) has(r Request) bool {
	now := time.Now()
	t, err := r.Moment.find(&c.History, now, now, c.scheduler().Ended())
	if err != nil || !t.remembered() {
		return false
	}
	u := t.unit()
	return r.MaxAge <= 0 || u.Age(now) <= r.MaxAge
}
