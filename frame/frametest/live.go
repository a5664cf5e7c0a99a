package frametest

import (
	"context"
	"time"

	"github.com/livestill/livestill/frame"
)

// Live returns a stream that yields units at the pace of their decoding times, beginning now, and then ends. Inside a
// testing/synctest bubble the pace is that of the bubble's clock. Their Time is when they are shown at that pace. The end of ctx ends the
// stream, as Close does.
func Live(ctx context.Context, name string, units []frame.AccessUnit) *frame.Stream {
	ctx, end := context.WithCancelCause(ctx)
	return &frame.Stream{Name: name, Close: end, Units: func(yield func(frame.AccessUnit, error) bool) {
		defer end(nil)
		start := time.Now()
		timer := time.NewTimer(0)
		defer timer.Stop()
		for _, u := range units {
			timer.Reset(time.Until(start.Add(u.DTS)))
			select {
			case <-timer.C:
			case <-ctx.Done():
				yield(frame.AccessUnit{}, context.Cause(ctx))
				return
			}
			u.Time = start.Add(u.PTS)
			if !yield(u, nil) {
				return
			}
		}
	}}
}
