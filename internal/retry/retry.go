// Package retry has how whoever failed waits before the next attempt.
package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Jitter leaves up to half of a pause to chance, so that not all who failed together come again together.
func Jitter(pause time.Duration) time.Duration { return pause/2 + rand.N(pause/2+1) }

// Wait waits, and reports whether it was not ended by ctx.
func Wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
