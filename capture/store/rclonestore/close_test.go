package rclonestore_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/rclone/rclone/fs"

	"github.com/livestill/livestill/capture"
)

// TestCloseBesidePut is for the race detector.
func TestCloseBesidePut(t *testing.T) {
	s := open(t, t.TempDir())
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			for range 200 {
				put(t, s, "one")
			}
		})
		wait.Go(func() {
			for range 500 {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
}

// slow returns a Remote where each still takes until something is sent to ends, the first to begin first.
func slow(t *testing.T) (name string, ends chan struct{}) {
	t.Helper()
	ends = make(chan struct{})
	name, _ = remote{put: func(ctx context.Context, f fs.Fs, in io.Reader, info fs.ObjectInfo, options ...fs.OpenOption) (fs.Object, error) {
		o, err := f.Put(ctx, in, info, options...)
		if !isTold(info.Remote()) {
			<-ends
		}
		return o, err
	}}.register(t, ":memory:")
	return name, ends
}

// TestOverlap has a Put under way at any time, for which neither Close nor Delete waits if it began later.
func TestOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		remote, ends := slow(t)
		s := open(t, remote)
		for name, call := range map[string]func() error{
			"Close": s.Close,
			"Delete": func() error {
				_, err := s.Delete(t.Context(), capture.Selection{Stream: still("").Stream})
				return err
			},
		} {
			var puts sync.WaitGroup
			begin := func(id string) {
				one := still(id)
				one.ID = name + id
				puts.Go(func() {
					if _, err := s.Put(t.Context(), one); err != nil {
						t.Error(err)
					}
				})
				synctest.Wait()
			}
			begin("before")
			called := make(chan error, 1)
			go func() { called <- call() }()
			synctest.Wait()
			select {
			case err := <-called:
				t.Errorf("%s does not wait: %v", name, err)
			default:
			}
			begin("beside")
			ends <- struct{}{}
			synctest.Wait()
			select {
			case err := <-called:
				if err != nil {
					t.Error(name, err)
				}
			default:
				t.Errorf("%s waits for a Put that began later", name)
			}
			ends <- struct{}{}
			puts.Wait()
		}
	})
}
