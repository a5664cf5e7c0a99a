package store

import (
	"context"
	"errors"
	"sync"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/internal/shared"
)

// put puts a still into a store that may be someone else's, for what runs on a goroutine of its own or has other stores to try: a panic fails
// that Put alone, with a *capture.PanicError, and so does runtime.Goexit.
func put(ctx context.Context, store capture.Store, s *capture.Still) (location string, err error) {
	err = shared.ErrExit // unless Put returns
	var done sync.WaitGroup
	done.Go(func() {
		err = shared.Contain(func() (err error) {
			location, err = store.Put(ctx, s)
			return err
		})
	})
	done.Wait()
	var panicked *shared.PanicError
	if errors.As(err, &panicked) {
		return "", (*capture.PanicError)(panicked)
	}
	return location, err
}
