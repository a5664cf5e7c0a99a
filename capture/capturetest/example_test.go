package capturetest_test

import (
	"cmp"
	"context"
	"maps"
	"sync"
	"testing"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/capturetest"
	"github.com/livestill/livestill/capture/store"
)

// shelf is a store of one's own.
type shelf struct {
	mu    sync.Mutex
	files map[string][]byte
}

func (s *shelf) Put(ctx context.Context, still *capture.Still) (location string, err error) {
	key, err := store.Template("").Key(still) // safe, whatever the stream is called
	if err = cmp.Or(err, context.Cause(ctx)); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[key] = still.Data
	return key, nil
}

// TestStore is what proves it.
func TestStore(t *testing.T) {
	capturetest.TestStore(t, func(*testing.T) capturetest.StoreCase {
		s := &shelf{files: make(map[string][]byte)}
		return capturetest.StoreCase{Store: s, Files: func() (map[string][]byte, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return maps.Clone(s.files), nil
		}}
	})
}
