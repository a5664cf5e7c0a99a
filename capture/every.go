package capture

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// Every captures as r asks, at once and then at each multiple of the interval, until ctx ends or the loop breaks. A capture
// that fails is yielded with its error and the next one tried. Intervals that pass while a capture or the loop's body still
// runs are left out, not made up for. An interval that is not positive is an error, and nothing is captured.
func (c *Camera) Every(ctx context.Context, interval time.Duration, r Request) iter.Seq2[*Still, error] {
	return func(yield func(*Still, error) bool) {
		if interval <= 0 {
			yield(nil, &Error{Step: "wait", Stream: r.Stream, Err: fmt.Errorf("an interval of %v", interval)})
			return
		}
		due := time.Now()
		timer := time.NewTimer(0)
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			still, err := c.Capture(ctx, r)
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
