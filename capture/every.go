package capture

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
)

// ErrUnchanged ends a capture of Every whose picture is the one that it has delivered before: the stream has shown no other since.
var ErrUnchanged = errors.New("picture was delivered before")

// Every captures as r asks, at once and then at each multiple of the interval, until ctx ends or the loop breaks. A capture that fails is
// yielded with its error and the next one tried; one whose picture has been delivered already fails with ErrUnchanged, before it is enhanced
// or stored. Intervals that pass while a capture or the loop's body still runs are left out, not made up for. An interval that is not
// positive is an error, and nothing is captured.
func (c *Camera) Every(ctx context.Context, interval time.Duration, r Request) iter.Seq2[*Still, error] {
	return every(ctx, interval, r, c.capture)
}

// every has capture called at an interval. What it delivered last is told to it.
func every(
	ctx context.Context, interval time.Duration, r Request, capture func(context.Context, Request, *sched.ID) (*Still, error),
) iter.Seq2[*Still, error] {
	return func(yield func(*Still, error) bool) {
		if interval <= 0 {
			yield(nil, &Error{Step: StepWait, Stream: r.Stream, Err: fmt.Errorf("an interval of %v", interval)})
			return
		}
		var last sched.ID
		due := time.Now()
		timer := time.NewTimer(0)
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			still, err := capture(ctx, r, &last)
			if ctx.Err() != nil && err != nil {
				return
			}
			if !yield(still, err) {
				return
			}
			late := time.Since(due)
			due = due.Add(late - late%interval + interval)
			timer.Reset(time.Until(due))
		}
	}
}
