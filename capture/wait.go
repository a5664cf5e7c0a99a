package capture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livestill/livestill/frame"
)

// wait waits until the moment that s asks for is decided, and finds it.
func (c *Camera) wait(ctx context.Context, s *Still, asked time.Time) (found, error) {
	for {
		changed, liveChanged := c.History.Changed(), c.scheduler().LiveChanged()
		t, err := s.Request.Moment.find(&c.History, asked, time.Now(), c.scheduler().Ended())
		switch {
		case err == nil:
			s.Wanted = t.wanted
			return t, nil
		case errors.Is(err, ErrNotLive):
			var misfed *frame.UnitError
			if why := c.ended.Load(); why != nil && (!c.discreet.Load() || errors.As(*why, &misfed)) {
				err = fmt.Errorf("%w: %w", err, *why)
			}
			return t, err
		case !errors.Is(err, errUndecided):
			return t, err
		}
		if t.due.IsZero() && c.empty() && c.askForKey() {
			t.due = time.Now().Add(askAgain) // it may get lost
		}
		if err := until(ctx, t.due, changed, liveChanged); err != nil {
			return t, c.waited(err)
		}
	}
}

// How long a capture waits for the first key picture until it asks for it again.
const askAgain = time.Second

// empty reports whether nothing is remembered.
func (c *Camera) empty() bool {
	for range c.History.Backward() {
		return false
	}
	return true
}

// askForKey asks the publisher for a key picture, if it can be asked.
func (c *Camera) askForKey() (can bool) {
	s := c.serving.Load()
	if s == nil || s.RequestKey == nil {
		return false
	}
	s.RequestKey()
	return true
}

// until returns when one of two channels is closed, or it is due, unless that is zero. Its error is that of ctx.
func until(ctx context.Context, due time.Time, a, b <-chan struct{}) error {
	var timer <-chan time.Time
	if !due.IsZero() {
		timer = time.After(time.Until(due))
	}
	select {
	case <-a:
	case <-b:
	case <-timer:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}
