package capture_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// TestTwoTakeOvers: two publishers take over while the first still ends. The last of them is live in the end, and the others are told why not.
func TestTwoTakeOvers(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			h := &capture.Hub{TakeOver: true, NewCamera: func(*frame.Stream) (*capture.Camera, error) {
				return &capture.Camera{Decoder: new(decoder)}, nil
			}}
			ends := make(chan error, 1)
			streams := []*frame.Stream{
				{Name: "door", Close: func(cause error) { time.AfterFunc(90*time.Millisecond, func() { ends <- cause }) },
					Units: func(yield func(frame.AccessUnit, error) bool) {
						u := units(1, 10, false)[0]
						u.Time = time.Now()
						if yield(u, nil) {
							yield(frame.AccessUnit{}, <-ends)
						}
					}},
				frametest.Live(t.Context(), "door", units(20, 10, false)),
				frametest.Live(t.Context(), "door", units(20, 10, false)),
			}
			errs := make([]error, len(streams))
			var all sync.WaitGroup
			for i, s := range streams {
				all.Go(func() { errs[i] = h.ServeStream(t.Context(), s) })
				pass(10 * time.Millisecond)
			}
			all.Wait()
			if !errors.Is(errs[0], capture.ErrTakenOver) || !errors.Is(errs[1], capture.ErrTakenOver) || errs[2] != nil {
				t.Errorf("%v", errs)
			}
		})
	}
}

// TestTwoHubsAtOnce: a Camera is of one of two Hubs that have it at the same instant.
func TestTwoHubsAtOnce(t *testing.T) {
	for range 100 {
		cam := &capture.Camera{Decoder: new(decoder)}
		ctx, cancel := context.WithCancel(t.Context())
		refused := make(chan error, 2)
		var all sync.WaitGroup
		for range 2 {
			h := &capture.Hub{NewCamera: func(*frame.Stream) (*capture.Camera, error) { return cam, nil }}
			all.Go(func() { refused <- h.ServeStream(ctx, frametest.Live(ctx, "door", units(1000, 10, false))) })
		}
		if err := <-refused; !errors.Is(err, capture.ErrLive) {
			t.Errorf("one: %v", err)
		}
		cancel()
		if err := <-refused; !errors.Is(err, context.Canceled) {
			t.Errorf("the other: %v", err)
		}
		all.Wait()
	}
}

// TestClosePanics: a source of one's own panics when it is hung up on.
func TestClosePanics(t *testing.T) {
	cam := &capture.Camera{Decoder: new(decoder)}
	h := &capture.Hub{NewCamera: func(*frame.Stream) (*capture.Camera, error) { return cam, nil }}
	for _, end := range []string{"the context", "Hub.Close"} {
		ctx, cancel := context.WithCancel(t.Context())
		s := frametest.Live(ctx, "door", units(1000, 10, false))
		closed := make(chan struct{})
		s.Close = func(error) {
			defer cancel()
			close(closed)
			panic("closing")
		}
		ended := make(chan error, 1)
		outer, hangUp := context.WithCancel(t.Context())
		began := make(chan struct{})
		h.OnBegin = func(capture.Live) { close(began) }
		go func() { ended <- h.ServeStream(outer, s) }()
		<-began
		if end == "the context" {
			hangUp()
		} else if err := h.Close("door", nil); err != nil {
			t.Error(err)
		}
		<-closed
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", end, err)
		}
		hangUp()
	}
}
