package blobstore

import "context"

// Rested waits until nobody tidies, as a Put has begun to that did not wait.
func (b *Store) Rested(ctx context.Context) error { return b.tidier.Wait(ctx) }
