package rclonestore

import "context"

// Rested waits until nobody tidies, as a Put has begun to that did not wait.
func (r *Store) Rested(ctx context.Context) error { return r.tidier.Wait(ctx) }
