package capture_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
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
			if _, err := h.Capture(t.Context(), capture.Request{Stream: name}); !errors.Is(err, capture.ErrNotLive) || errors.Is(err, errHook) != (name != "none") ||
				strings.Contains(err.Error(), errHook.Error()) {
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

// A runner is a function that is a Runner.
type runner func(ctx context.Context) error

func (r runner) Run(ctx context.Context) error { return r(ctx) }

// TestPullsThatEnd captures of a stream that is pulled, by whatever name, while the pull before winds down, and after Source has exited.
func TestPullsThatEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.Linger = time.Second
		h.Name = func(*frame.Stream) (string, error) { return "", errHook } // is not asked about what is pulled
		h.Source = func(name string) (capture.Runner, error) {
			if name == "exits" {
				runtime.Goexit()
			}
			return runner(func(ctx context.Context) error {
				err := h.ServeStream(ctx, frametest.Live(ctx, "of-the-camera", units(600, 10, false)))
				fakeclock.Pass(time.Second / 2) // to say goodbye
				return err
			}), nil
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = h.Run(ctx) })
		synctest.Wait()
		for range 20 {
			if still, err := h.Capture(t.Context(), capture.Request{Stream: "door"}); err != nil || still.Stream != "door" {
				t.Errorf("%v, %v", still, err)
			}
			pass(1100 * time.Millisecond)
		}
		for range 2 {
			if _, err := h.Capture(t.Context(), capture.Request{Stream: "exits"}); !errors.Is(err, capture.ErrNotLive) {
				t.Error(err)
			}
		}
		stop()
		running.Wait()
	})
}

// TestLingersBesideSource captures of what a publisher has left behind: nothing is pulled for that.
func TestLingersBesideSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.Source = func(string) (capture.Runner, error) { return nil, errHook }
		if err := play(t, h, "a", 20); err != nil {
			t.Error(err)
		}
		if still, err := h.Capture(t.Context(), capture.Request{Stream: "a", Moment: capture.Ago(time.Second)}); err != nil || number(still) != 9 {
			t.Errorf("%v, %v", still, err)
		}
	})
}

// TestOneCameraOneName: with the Camera of another name nobody comes in, be that live or not.
func TestOneCameraOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, only := newHub(), &capture.Camera{Decoder: new(decoder)}
		h.NewCamera = func(*frame.Stream) (*capture.Camera, error) { return only, nil }
		ended := make(chan error)
		go func() { ended <- play(t, h, "a", 20) }()
		pass(time.Second)
		for range 2 {
			if err := play(t, h, "b", 20); err == nil || !strings.Contains(err.Error(), "Camera of a") {
				t.Error(err)
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
			go func() { ended <- nil }()
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestPulledStreamThatEnds leaves its last seconds behind, also to who waited for it, and says so when there is nothing.
func TestPulledStreamThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.TakeOver = true
		h.Source = func(name string) (capture.Runner, error) {
			return runner(func(ctx context.Context) error {
				if name == "off" {
					<-ctx.Done()
				}
				fakeclock.Pass(time.Second)
				err := h.ServeStream(ctx, frametest.Live(ctx, name, units(map[string]int{"door": 30, "snapshot": 1, "pushed": 30}[name], 10, false)))
				if name == "door" {
					<-ctx.Done() // it tries again and again
				}
				return err
			}), nil
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = h.Run(ctx) })
		synctest.Wait()
		for range 20 {
			if _, err := h.Capture(t.Context(), capture.Request{Stream: "snapshot"}); err != nil {
				t.Fatal(err)
			}
			pass(30 * time.Second)
		}
		if _, err := h.Capture(t.Context(), capture.Request{Stream: "door"}); err != nil {
			t.Error(err)
		}
		pass(4 * time.Second)
		for moment, want := range map[capture.Moment]int{{}: 29, capture.Ago(2500 * time.Millisecond): 15} {
			if still, err := h.Capture(t.Context(), capture.Request{Stream: "door", Moment: moment}); err != nil || number(still) != want {
				t.Errorf("%v: %v, %v", moment, still, err)
			}
		}
		began := time.Now()
		if _, err := h.Capture(t.Context(), capture.Request{Stream: "off"}); !errors.Is(err, capture.ErrNotLive) || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		ended := make(chan error)
		go func() { // the publisher comes while the pull connects
			fakeclock.Pass(time.Second / 2)
			ended <- play(t, h, "pushed", 50)
		}()
		if _, err := h.Capture(t.Context(), capture.Request{Stream: "pushed"}); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("the publisher ends with %v", err)
		}
		stop()
		running.Wait()
	})
}

// TestSourceThatPanics is one of one's own: the Hub tells OnEnd so, and lets go of its name.
func TestSourceThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		var told error
		h.OnEnd = func(_ capture.Live, err error) { told = err }
		func() {
			defer func() { _ = recover() }()
			_ = h.ServeStream(t.Context(), &frame.Stream{Name: "a", Units: func(func(frame.AccessUnit, error) bool) { panic(errHook) }})
		}()
		if told == nil || len(h.Live()) != 0 {
			t.Errorf("OnEnd is told %v; live: %v", told, h.Live())
		}
	})
}

// deaf is a Runner that ignores its context, until it is released.
type deaf struct{ release chan struct{} }

func (d deaf) Run(context.Context) error {
	<-d.release
	return nil
}

// TestRunnerThatDoesNotEnd keeps its name: who captures is told so in time, the log once, and once it has ended the stream is pulled again.
func TestRunnerThatDoesNotEnd(t *testing.T) {
	var log strings.Builder
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	synctest.Test(t, func(t *testing.T) {
		h, release, pulled := newHub(), make(chan struct{}), 0
		h.Linger = time.Second
		h.Source = func(string) (capture.Runner, error) {
			pulled++
			if pulled > 1 {
				return &puller{h, "door", make(chan error, 1)}, nil
			}
			return deaf{release}, nil
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = h.Run(ctx) })
		synctest.Wait()
		ask := func() error {
			_, err := h.Capture(t.Context(), capture.Request{Stream: "door"})
			return err
		}
		if err := ask(); !errors.Is(err, capture.ErrNotLive) || !strings.Contains(err.Error(), "not there within 10s") {
			t.Errorf("at first: %v", err)
		}
		fakeclock.Pass(2 * time.Second) // nobody asks for it any more
		for range 3 {
			begin := time.Now()
			if err := ask(); !errors.Is(err, capture.ErrNotLive) || !strings.Contains(err.Error(), "was told to end") || time.Since(begin) != 10*time.Second {
				t.Errorf("%v after %v", err, time.Since(begin))
			}
		}
		if n := strings.Count(log.String(), "stream=door"); n != 1 {
			t.Errorf("logged %d times: %s", n, log.String())
		}
		close(release)
		synctest.Wait()
		if err := ask(); err != nil || pulled != 2 {
			t.Errorf("when it has ended: %v, pulled %d times", err, pulled)
		}
		stop()
		running.Wait()
	})
}
