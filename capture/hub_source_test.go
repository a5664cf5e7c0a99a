package capture_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/fakeclock"
)

// puller is a Runner that takes a second to connect, and then has a Hub serve a stream.
type puller struct {
	hub   *capture.Hub
	name  string
	ended chan error
}

func (p *puller) Run(ctx context.Context) error {
	fakeclock.Pass(time.Second)
	err := p.hub.ServeStream(ctx, frametest.Live(ctx, p.name, units(6000, 10, false)))
	p.ended <- context.Cause(ctx)
	return err
}

// TestPullOnDemand captures of streams that are pulled since they are asked for: once for all who ask, and not for ever.
func TestPullOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, ended := newHub(), make(chan error, 9)
		h.Linger = 5 * time.Second
		pulled := 0
		h.Source = func(name string) (capture.Runner, error) {
			pulled++
			switch name {
			case "none":
				return nil, nil
			case "unknown":
				return nil, errHook
			case "panics":
				panic(errHook)
			}
			return &puller{h, name, ended}, nil
		}
		_, err := h.Capture(t.Context(), capture.Request{Stream: "door"})
		if !errors.Is(err, capture.ErrNotLive) || !strings.Contains(err.Error(), "Hub.Run") {
			t.Errorf("without Run: %v", err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = h.Run(ctx) })
		synctest.Wait()
		for _, name := range []string{"none", "unknown", "panics"} {
			if _, err := h.Capture(t.Context(), capture.Request{Stream: name}); !errors.Is(err, capture.ErrNotLive) || errors.Is(err, errHook) != (name != "none") {
				t.Errorf("%s: %v", name, err)
			}
		}
		pulled = 0
		began := time.Now()
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				still, err := h.Capture(t.Context(), capture.Request{Stream: "door"})
				if err != nil || number(still) != 0 || time.Since(began) != time.Second {
					t.Errorf("%v, %v after %v", still, err, time.Since(began))
				}
			})
		}
		all.Wait()
		for range 3 {
			pass(4 * time.Second)
			if _, err := h.Capture(t.Context(), capture.Request{Stream: "door"}); err != nil {
				t.Error(err)
			}
		}
		if pulled != 1 || len(ended) != 0 {
			t.Errorf("pulled %d times, %d ended", pulled, len(ended))
		}
		pass(5*time.Second + 1)
		if err := <-ended; err == nil || len(h.Streams()) != 0 {
			t.Errorf("it ends with %v; live: %v", err, h.Streams())
		}
		late, cancel := context.WithTimeout(t.Context(), time.Second/2)
		if _, err := h.Capture(late, capture.Request{Stream: "door"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it takes a second: %v", err)
		}
		cancel()
		stop()
		running.Wait()
		if n := len(ended); n != 1 {
			t.Errorf("%d ended with Run", n)
		}
	})
}
