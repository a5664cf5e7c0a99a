package blobstore

import "context"

// Rested waits until nobody tidies, as a Put has begun to that did not wait.
func (b *Store) Rested(ctx context.Context) error {
	if err := b.names.Take(ctx, tidyLock); err != nil {
		return err
	}
	b.names.Free(tidyLock)
	return nil
}
