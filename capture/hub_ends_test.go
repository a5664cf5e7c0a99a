package capture_test

import (
	"context"
	"errors"
	"fmt"
	"image"
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

// newHub returns a Hub whose Cameras have a Decoder of their own.
func newHub() *capture.Hub {
	return &capture.Hub{NewCamera: func(*frame.Stream) (*capture.Camera, error) {
		return &capture.Camera{Decoder: new(decoder)}, nil
	}}
}

// play has a Hub serve so many units of a stream.
func play(t *testing.T, h *capture.Hub, name string, n int) error {
	t.Helper()
	return h.ServeStream(t.Context(), frametest.Live(t.Context(), name, units(n, 10, false)))
}

// TestHubLingers captures of a stream when it has ended, and when its publisher is back.
func TestHubLingers(t *testing.T) {
	for _, test := range []struct {
		linger, after time.Duration
		want          error
	}{
		{0, 9 * time.Second, nil},
		{0, 11 * time.Second, capture.ErrNotLive},
		{time.Second, 900 * time.Millisecond, nil},
		{time.Second, 1100 * time.Millisecond, capture.ErrNotLive},
		{-1, 1, capture.ErrNotLive},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHub()
			h.Linger = test.linger
			if err := play(t, h, "a", 20); err != nil {
				t.Error(err)
			}
			ended := time.Now()
			pass(test.after)
			still, err := h.Capture(t.Context(), capture.Request{Stream: "a"})
			if !errors.Is(err, test.want) || test.want == nil && (err != nil || number(still) != 19) {
				t.Errorf("linger %v, after %v: %v, %v", test.linger, test.after, still, err)
			}
			if len(h.Streams()) != 0 || len(h.Live()) != 0 {
				t.Errorf("live: %v", h.Streams())
			}
			cam := h.Camera("a")
			again := make(chan error)
			go func() { again <- play(t, h, "a", 5) }()
			synctest.Wait()
			if got := h.Camera("a"); (cam != nil) != (got == cam) {
				t.Errorf("linger %v, after %v: another Camera", test.linger, test.after)
			}
			still, err = h.Capture(t.Context(), capture.Request{Stream: "a", Moment: capture.At(ended.Add(-interval / 2))})
			if test.want == nil && (err != nil || number(still) != 18) {
				t.Errorf("of the stream before: %v, %v", still, err)
			}
			if err := <-again; err != nil {
				t.Error(err)
			}
			if still, err = h.Capture(t.Context(), capture.Request{Stream: "a"}); test.linger >= 0 && (err != nil || number(still) != 4) {
				t.Errorf("of the new stream: %v, %v", still, err)
			}
			pass(time.Minute) // until all is forgotten
			if h.Camera("a") != nil {
				t.Error("it lingers for ever")
			}
		})
	}
}

// stalled returns a stream of so many units that does not end before it is closed, and not then if that is not to be.
func stalled(t *testing.T, name string, n int, closes bool) *frame.Stream {
	t.Helper()
	s := frametest.Live(t.Context(), name, units(n, 10, false))
	played, end := s.Units, make(chan error, 1)
	s.Close = nil
	if closes {
		s.Close = func(cause error) {
			select {
			case end <- cause:
			default:
			}
		}
	}
	s.Units = func(yield func(frame.AccessUnit, error) bool) {
		goesOn := true
		played(func(u frame.AccessUnit, err error) bool {
			goesOn = yield(u, err) && err == nil
			return goesOn
		})
		if !goesOn {
			return
		}
		select {
		case cause := <-end:
			yield(frame.AccessUnit{}, fmt.Errorf("rtmp: %w", cause))
		case <-time.After(time.Hour):
		}
	}
	return s
}

// TestHangingUp ends streams whose publisher stalls: by Close, by the context, by a second publisher.
func TestHangingUp(t *testing.T) {
	errCause := errors.New("by the operator")
	for about, hangUp := range map[string]func(h *capture.Hub, stop context.CancelCauseFunc) error{
		"Close":   func(h *capture.Hub, _ context.CancelCauseFunc) error { return h.Close("a", errCause) },
		"context": func(_ *capture.Hub, stop context.CancelCauseFunc) error { stop(errCause); return nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHub()
			var told error
			h.OnEnd = func(l capture.Live, err error) {
				told = errors.Join(err, fmt.Errorf("of %s, after %d units", l.Name, l.Units))
			}
			s := stalled(t, "a", 10, true)
			ctx, stop := context.WithCancelCause(t.Context())
			ended := make(chan error)
			go func() { ended <- h.ServeStream(ctx, s) }()
			pass(2 * time.Second)
			began := time.Now()
			if err := hangUp(h, stop); err != nil {
				t.Error(err)
			}
			if err := <-ended; !errors.Is(err, errCause) || time.Since(began) > 0 {
				t.Errorf("%s: it ends after %v with %v", about, time.Since(began), err)
			}
			if !errors.Is(told, errCause) || !strings.Contains(told.Error(), "of a, after 10 units") {
				t.Errorf("%s: told %v", about, told)
			}
			if err := h.Close("a", errCause); !errors.Is(err, capture.ErrNotLive) {
				t.Errorf("again: %v", err)
			}
			stop(nil)
		})
	}
}

// TestTakingOver has a second publisher take the name of one that stalls. It goes on with the Camera of the first, unless that cannot be hung
// up on, or NewCamera gives each the same.
func TestTakingOver(t *testing.T) {
	for _, test := range []struct {
		about        string
		closes, same bool
		goesOn       bool
	}{
		{"one that can be hung up on", true, false, true},
		{"one that cannot", false, false, false},
		{"one with the same Camera", true, true, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			h, only := newHub(), &capture.Camera{Decoder: new(decoder)}
			h.TakeOver = true
			if test.same {
				h.NewCamera = func(*frame.Stream) (*capture.Camera, error) { return only, nil }
			}
			first := make(chan error)
			go func() { first <- h.ServeStream(t.Context(), stalled(t, "a", 10, test.closes)) }()
			pass(1500 * time.Millisecond)
			cam, begun := h.Camera("a"), time.Now()
			second := make(chan error)
			go func() { second <- play(t, h, "a", 20) }()
			pass(interval / 2)
			if (h.Camera("a") == cam) != test.goesOn {
				t.Errorf("%s: the second goes on with the Camera: %v", test.about, h.Camera("a") == cam)
			}
			still, err := h.Capture(t.Context(), capture.Request{Stream: "a"})
			if err != nil || number(still) != 0 || still.Time.Before(begun) {
				t.Errorf("%s: of the second: %v, %v", test.about, still, err)
			}
			if test.closes {
				if err := <-first; !errors.Is(err, capture.ErrTakenOver) {
					t.Errorf("%s: the first ends with %v", test.about, err)
				}
			}
			if err := <-second; err != nil {
				t.Errorf("%s: the second: %v", test.about, err)
			}
			if !test.closes {
				if err := <-first; !errors.Is(err, capture.ErrTakenOver) { // when it has stalled for long
					t.Errorf("%s: the first ends with %v", test.about, err)
				}
			}
		})
	}
}

// TestCloseAsksTheHub takes over a stream whose Close asks the Hub what is live, as a source of one's own may.
func TestCloseAsksTheHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.TakeOver = true
		s := stalled(t, "a", 10, true)
		hangUp, live := s.Close, -1
		s.Close = func(cause error) {
			live = len(h.Streams())
			hangUp(cause)
		}
		first := make(chan error)
		go func() { first <- h.ServeStream(t.Context(), s) }()
		pass(1500 * time.Millisecond)
		second := make(chan error)
		go func() { second <- play(t, h, "a", 20) }()
		if err := <-first; !errors.Is(err, capture.ErrTakenOver) || live != 1 {
			t.Errorf("the first ends with %v; its Close saw %d streams", err, live)
		}
		if err := <-second; err != nil {
			t.Errorf("the second: %v", err)
		}
	})
}

// TestHubsThatAreWrong refuse publishers, and say why.
func TestHubsThatAreWrong(t *testing.T) {
	for want, h := range map[string]*capture.Hub{
		"NewCamera made no Camera": {NewCamera: func(*frame.Stream) (*capture.Camera, error) { return nil, nil }},
		"hub has no NewCamera":     {},
		"hook failed":              {NewCamera: func(*frame.Stream) (*capture.Camera, error) { panic(errHook) }},
		"who is that":              {Name: func(*frame.Stream) (string, error) { return "", errors.New("who is that") }},
		"no, hook failed":          {Name: func(*frame.Stream) (string, error) { panic(fmt.Errorf("no, %w", errHook)) }},
	} {
		err := h.ServeStream(t.Context(), frametest.Live(t.Context(), "a", units(1, 1, false)))
		if err == nil || !strings.Contains(err.Error(), want) || len(h.Streams()) != 0 {
			t.Errorf("%v, want %s", err, want)
		}
		if errors.Is(err, errHook) && !panicked(err, capture.StepAdmit) {
			t.Errorf("%#v", err)
		}
	}
}

// panicked reports whether err tells that a hook panicked in a step, and where.
func panicked(err error, step string) bool {
	var failed *capture.Error
	var panicked *capture.PanicError
	return errors.As(err, &failed) && failed.Step == step && errors.As(err, &panicked) && strings.Contains(panicked.Trace(), "_test.go")
}

// TestHooksOfStreamsThatPanic end the stream with that, and no other.
func TestHooksOfStreamsThatPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for n := range 2 {
			h := newHub()
			hook := func(capture.Live) { panic(errHook) }
			if n == 0 {
				h.OnBegin = hook
			} else {
				h.OnEnd = func(l capture.Live, _ error) { hook(l) }
			}
			err := play(t, h, "a", 10)
			if step := [...]string{capture.StepBegin, capture.StepEnd}[n]; !errors.Is(err, errHook) || !panicked(err, step) || len(h.Streams()) != 0 {
				t.Errorf("%v, live: %v", err, h.Streams())
			}
		}
	})
}

// TestCuesThatPanic end the stream with that.
func TestCuesThatPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		newCamera := h.NewCamera
		h.NewCamera = func(s *frame.Stream) (*capture.Camera, error) {
			s.OnCue = func(frame.Cue) { panic(errHook) }
			return newCamera(s)
		}
		s := frametest.Live(t.Context(), "a", units(20, 10, false))
		live := s.Units
		n := 0
		s.Units = func(yield func(frame.AccessUnit, error) bool) {
			for u, err := range live {
				if n++; n == 5 {
					s.OnCue(frame.Cue{Name: "goal"})
				}
				if !yield(u, err) {
					return
				}
			}
		}
		if err := h.ServeStream(t.Context(), s); !panicked(err, capture.StepCue) || n != 5 {
			t.Errorf("after %d units: %v", n, err)
		}
	})
}

// TestCloseForNoReason ends a source that goes on.
func TestCloseForNoReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		go func() {
			pass(time.Second)
			if err := h.Close("a", nil); err != nil {
				t.Error(err)
			}
		}()
		if err := play(t, h, "a", 20); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestNotifierFailsOfFailures tells both.
func TestNotifierFailsOfFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.Notifier = capture.NotifierFunc(func(context.Context, capture.Event) { panic(errHook) })
		cam := &capture.Camera{Decoder: &decoder{}, Policy: capture.PolicyFunc(func(context.Context, capture.Request) error { return capture.Deny("no") }), Notifier: h.Notifier}
		_, absent := h.Capture(t.Context(), capture.Request{Stream: "none"})
		_, denied := cam.Capture(t.Context(), capture.Request{})
		var why capture.Denied
		if !errors.Is(absent, capture.ErrNotLive) || !panicked(absent, capture.StepWait) || !errors.As(denied, &why) || !panicked(denied, capture.StepPolicy) {
			t.Errorf("%v; %v", absent, denied)
		}
	})
}

// TestNamesAreMapped, and where nobody may know them nobody is told.
func TestNamesAreMapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.Name = func(s *frame.Stream) (string, error) { return strings.ReplaceAll(s.Name, "secret", "alice"), nil }
		h.Policy = capture.PolicyFunc(func(_ context.Context, r capture.Request) error {
			if r.By != "bob" {
				return capture.Deny("bob alone")
			}
			return nil
		})
		var told []capture.Event
		h.Notifier = capture.NotifierFunc(func(_ context.Context, e capture.Event) { told = append(told, e) })
		go func() { _ = play(t, h, "live/secret", 20) }()
		pass(time.Second)
		for n, test := range []struct {
			stream, by string
			want       error
		}{
			{"live/alice", "bob", nil}, {"live/alice", "carl", capture.ErrDenied}, {"live/secret", "carl", capture.ErrDenied},
			{"live/secret", "bob", capture.ErrNotLive},
		} {
			_, err := h.Capture(t.Context(), capture.Request{Stream: test.stream, By: test.by})
			if !errors.Is(err, test.want) || test.want == nil && err != nil || len(told) != n {
				t.Errorf("%s by %s: %v, %d told", test.stream, test.by, err, len(told))
			}
			if n > 0 && (!errors.Is(told[n-1].Err, test.want) || told[n-1].Request.ID == "") {
				t.Errorf("%s by %s: told %+v", test.stream, test.by, told[n-1])
			}
		}
	})
}

// TestLive looks at two streams that are live.
func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, begun := newHub(), make(map[string]int)
		var mu sync.Mutex
		h.OnBegin = func(l capture.Live) {
			mu.Lock()
			defer mu.Unlock()
			begun[l.Name] = l.Units
		}
		h.MaxBytes = 1 << 20
		start := time.Now()
		for _, name := range []string{"b", "a"} {
			go func() { _ = play(t, h, name, 30) }()
		}
		pass(2*time.Second + interval/2)
		live := h.Live()
		if len(live) != 2 || live[0].Name != "a" || live[1].Name != "b" || len(begun) != 2 || begun["a"] != 0 {
			t.Fatalf("%+v, begun %v", live, begun)
		}
		l := live[0]
		if l.Codec != frame.VP9 || l.Units != 21 || l.Lost != 0 || !l.Since.Equal(start) || l.Size != (image.Point{}) || l.Remembered == 0 {
			t.Errorf("%+v", l)
		}
		if l.FrameRate != 10 || l.BitRate != 80 || l.KeyInterval != time.Second {
			t.Errorf("%v pictures and %v bits a second, a key picture each %v", l.FrameRate, l.BitRate, l.KeyInterval)
		}
		pass(time.Minute)
	})
}

// TestComingAndGoing has a thousand streams come and go, some cut off, some taken over, with captures whose hooks panic, exit and hang. Nothing
// of them is left: the bubble fails if a goroutine is.
func TestComingAndGoing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &capture.Hub{TakeOver: true, NewCamera: func(s *frame.Stream) (*capture.Camera, error) {
			cam := &capture.Camera{Decoder: new(decoder)}
			cam.Moderator = capture.ModeratorFunc(func(ctx context.Context, r capture.Request, _ *frame.Picture) error {
				switch r.By {
				case "panics":
					panic(errHook)
				case "hangs":
					<-ctx.Done()
				}
				return nil
			})
			return cam, nil
		}}
		var all sync.WaitGroup
		for n := range 1000 {
			name := fmt.Sprint("stream", n%400)
			all.Go(func() {
				fakeclock.Pass(time.Duration(n) * 7 * time.Millisecond)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+n%5)*time.Second)
				defer cancel()
				_ = h.ServeStream(ctx, stalled(t, name, 10+n%20, true))
			})
			all.Go(func() {
				fakeclock.Pass(time.Duration(n)*7*time.Millisecond + time.Second/2)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				by := []string{"panics", "hangs", "bob"}[n%3]
				_, err := h.Capture(ctx, capture.Request{Stream: name, By: by})
				if by == "bob" && err != nil && !errors.Is(err, capture.ErrNotLive) {
					t.Error(err)
				}
				if n%10 == 0 {
					_ = h.Close(name, errHook)
				}
			})
		}
		all.Wait()
		pass(time.Minute)
		if len(h.Streams()) != 0 || len(h.Live()) != 0 {
			t.Errorf("live: %v", h.Streams())
		}
	})
}

// TestHubOfABusyCamera has a Camera that has a stream of somebody else's already: who publishes is refused at once, whatever TakeOver says, until that
// stream has ended.
func TestHubOfABusyCamera(t *testing.T) {
	for _, takeOver := range []bool{false, true} {
		for _, other := range []string{"another Hub", "ServeStream"} {
			synctest.Test(t, func(t *testing.T) {
				cam := &capture.Camera{Decoder: new(decoder)}
				hub := func() *capture.Hub {
					return &capture.Hub{TakeOver: takeOver, NewCamera: func(*frame.Stream) (*capture.Camera, error) { return cam, nil }}
				}
				h, serve := hub(), cam.ServeStream
				if other == "another Hub" {
					serve = hub().ServeStream
				}
				var busy sync.WaitGroup
				busy.Go(func() {
					if err := serve(t.Context(), frametest.Live(t.Context(), "door", units(50, 10, false))); err != nil {
						t.Errorf("%s, the first: %v", other, err)
					}
				})
				synctest.Wait()
				begin := time.Now()
				err := play(t, h, "door", 10)
				if !errors.Is(err, capture.ErrLive) || !strings.Contains(err.Error(), "not of this Hub") || !time.Now().Equal(begin) {
					t.Errorf("%s: %v after %v", other, err, time.Since(begin))
				}
				busy.Wait()
				for range 2 {
					if err := play(t, h, "door", 10); err != nil {
						t.Errorf("%s, when it has ended: %v", other, err)
					}
				}
			})
		}
	}
}
