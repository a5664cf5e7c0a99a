package capture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// who is the key of a value of contexts.
type who struct{}

// named is an Encoder whose file says what its context and the picture say of who asked.
type named struct{ encoded atomic.Int64 }

func (*named) Type() string { return "image/x-test" }

func (n *named) Encode(ctx context.Context, w io.Writer, p *frame.Picture) error {
	n.encoded.Add(1)
	_, err := fmt.Fprintf(w, "%v %d", ctx.Value(who{}), p.Y[0])
	return err
}

// TestNobodyGetsAnothersPicture has alice and bob capture the same picture at the same time. What is shared knows of neither; what a Finisher
// and a Sealer make is each one's own.
func TestNobodyGetsAnothersPicture(t *testing.T) {
	for _, test := range []struct {
		about    string
		finisher capture.Finisher
		sealer   capture.Sealer
		encoded  int64
		want     string // of alice
		shared   bool
	}{
		{about: "without", encoded: 1, want: "<nil> 32", shared: true},
		{
			about: "that leave all as it is", encoded: 1, want: "<nil> 32", shared: true,
			finisher: capture.FinisherFunc(func(_ context.Context, _ capture.Request, p *frame.Picture) (*frame.Picture, error) { return p, nil }),
			sealer:   capture.SealerFunc(func(_ context.Context, s *capture.Still) ([]byte, error) { return s.Data, nil }),
		},
		{
			about: "a mark in the picture", encoded: 2, want: "<nil> 97",
			finisher: capture.FinisherFunc(func(ctx context.Context, _ capture.Request, p *frame.Picture) (*frame.Picture, error) {
				p = p.Clone()
				p.Y[0] = ctx.Value(who{}).(string)[0]
				return p, nil
			}),
		},
		{
			about: "a name in the file", encoded: 1, want: "<nil> 32 for alice",
			sealer: capture.SealerFunc(func(_ context.Context, s *capture.Still) ([]byte, error) {
				return fmt.Appendf(nil, "%s for %s", s.Data, s.Request.By), nil
			}),
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := new(named)
			d := &decoder{took: time.Millisecond}
			shared := capture.EnhancerFunc(func(ctx context.Context, b *frame.Burst) (*frame.Picture, error) {
				if v := ctx.Value(who{}); v != nil {
					t.Errorf("%s: the Enhancer is told of %v", test.about, v)
				}
				return b.Picture(), nil
			})
			cam := &capture.Camera{Decoder: d, Enhancer: shared, Finisher: test.finisher, Encoder: e, Sealer: test.sealer}
			serve(t, cam, units(10, 10, false))
			files := make(map[string][]byte)
			var mu sync.Mutex
			var all sync.WaitGroup
			for _, by := range []string{"alice", "bob"} {
				all.Go(func() {
					ctx := context.WithValue(t.Context(), who{}, by)
					still, err := cam.Capture(ctx, capture.Request{By: by, Moment: capture.AtPTS(0)})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					files[by] = still.Data
				})
			}
			all.Wait()
			if n := e.encoded.Load(); n != test.encoded || string(files["alice"]) != test.want {
				t.Errorf("%s: %d files, alice's is %q, want %d and %q", test.about, n, files["alice"], test.encoded, test.want)
			}
			if bytes.Equal(files["alice"], files["bob"]) != test.shared {
				t.Errorf("%s: bob's is %q", test.about, files["bob"])
			}
		})
	}
}

// waiting is an Encoder and Enhancer that wait for something other than the processor, for so long.
type waiting struct{ long time.Duration }

func (waiting) Type() string { return "image/x-test" }

func (w waiting) Encode(ctx context.Context, _ io.Writer, _ *frame.Picture) error {
	select {
	case <-time.After(w.long):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (w waiting) Enhance(ctx context.Context, b *frame.Burst) (*frame.Picture, error) {
	return b.Picture(), w.Encode(ctx, nil, nil)
}

// TestAHookThatWaitsHoldsNobodyUp has six Cameras of one Decoder, which has one place. The hooks of five take a minute.
func TestAHookThatWaitsHoldsNobodyUp(t *testing.T) {
	for _, hook := range []string{"Enhancer", "Encoder"} {
		synctest.Test(t, func(t *testing.T) {
			d := &decoder{places: make(chan struct{}, 1)}
			var slow sync.WaitGroup
			for range 5 {
				cam := &capture.Camera{Decoder: d}
				if hook == "Enhancer" {
					cam.Enhancer = waiting{time.Minute}
				} else {
					cam.Encoder = waiting{time.Minute}
				}
				serve(t, cam, units(10, 10, false))
				slow.Go(func() {
					if _, err := cam.Capture(t.Context(), capture.Request{Moment: capture.AtPTS(0)}); err != nil {
						t.Error(err)
					}
				})
			}
			synctest.Wait()
			cam := &capture.Camera{Decoder: d, Encoder: new(named)}
			serve(t, cam, units(10, 10, false))
			began := time.Now()
			if _, err := cam.Capture(t.Context(), capture.Request{}); err != nil || time.Since(began) > 0 {
				t.Errorf("%s: it takes %v, %v", hook, time.Since(began), err)
			}
			slow.Wait()
			if took := time.Since(began); took > time.Minute {
				t.Errorf("%s: the others take %v", hook, took)
			}
		})
	}
}

// TestTheEndOfAStream captures from a stream of ten seconds, which has ended or stalls.
func TestTheEndOfAStream(t *testing.T) {
	for _, test := range []struct {
		about  string
		when   time.Duration // after the last picture that comes
		stalls bool
		r      capture.Request
		want   error // of the capture; nil for picture 99
		after  time.Duration
	}{
		{about: "just ended", when: time.Second},
		{about: "just ended, but too old", when: time.Second, r: capture.Request{MaxAge: time.Second / 2}, want: capture.ErrNotLive},
		{about: "ended long ago", when: 11 * time.Second, want: capture.ErrNotLive},
		{about: "stalls", when: time.Minute, stalls: true},
		{about: "stalls, and is too old", when: time.Second, stalls: true, r: capture.Request{MaxAge: time.Second / 2}, want: capture.ErrForgotten},
		{about: "after the end", when: 2 * time.Second, r: capture.Request{Moment: capture.Ago(time.Second / 2)}, want: capture.ErrNotLive},
		{about: "at the end", when: 2 * time.Second, r: capture.Request{Moment: capture.Ago(2 * time.Second)}},
		{about: "it ends meanwhile", when: -2 * interval, r: capture.Request{Moment: capture.Ago(-time.Minute)}, want: capture.ErrNotLive, after: 3 * interval},
		{about: "far ahead", when: -time.Second, r: capture.Request{Moment: capture.AtPTS(26 * time.Hour)}, want: capture.ErrNotLive},
		{about: "ahead, and it stalls", when: -2 * interval, stalls: true, r: capture.Request{Moment: capture.AtPTS(time.Minute)},
			want: context.DeadlineExceeded, after: time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			cam := &capture.Camera{Decoder: new(decoder)}
			ctx, end := context.WithCancel(t.Context())
			s := frametest.Live(ctx, "live/a", units(100, 10, false))
			if played := s.Units; test.stalls {
				s.Units = func(yield func(frame.AccessUnit, error) bool) {
					played(yield)
					<-ctx.Done()
				}
			} else {
				played := s.Units
				s.Units = func(yield func(frame.AccessUnit, error) bool) {
					played(yield)
					pass(interval) // for which the last picture is on show
				}
			}
			var serving sync.WaitGroup
			serving.Go(func() { _ = cam.ServeStream(ctx, s) })
			pass(99*interval + test.when)
			began := time.Now()
			asking, stop := context.WithTimeout(t.Context(), time.Hour)
			still, err := cam.Capture(asking, test.r)
			if !errors.Is(err, test.want) || test.want == nil && (err != nil || number(still) != 99) {
				t.Errorf("%s: %v, %v, want %v", test.about, still, err, test.want)
			}
			if took := time.Since(began); took != test.after {
				t.Errorf("%s: it takes %v, want %v", test.about, took, test.after)
			}
			stop()
			end()
			serving.Wait()
		})
	}
}

// TestEverySkipsWhatItHasDelivered has a stream that stalls for ten pictures. What was delivered is neither enhanced nor stored again.
func TestEverySkipsWhatItHasDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stored []int
		cam := &capture.Camera{Decoder: new(decoder), Store: capture.StoreFunc(func(_ context.Context, s *capture.Still) (string, error) {
			stored = append(stored, number(s))
			return "", nil
		})}
		us := units(20, 10, false)
		for i := range us[10:] {
			us[10+i].PTS += 10 * interval
			us[10+i].DTS += 10 * interval
		}
		go serve(t, cam, us)
		pass(interval / 2)
		unchanged := 0
		for _, err := range cam.Every(t.Context(), interval, capture.Request{}) {
			if errors.Is(err, capture.ErrUnchanged) {
				unchanged++
			} else if err != nil {
				t.Error(err)
			}
			if len(stored) == 20 {
				break
			}
		}
		want := slices.Concat(span(0, 9), span(20, 29))
		if unchanged != 10 || !slices.Equal(stored, want) {
			t.Errorf("%d times unchanged, stored %v", unchanged, stored)
		}
	})
}

// TestIntervalsThatAreNone end Every with an error, once.
func TestIntervalsThatAreNone(t *testing.T) {
	for _, interval := range []time.Duration{0, -1} {
		n := 0
		for _, err := range (&capture.Camera{Decoder: new(decoder)}).Every(t.Context(), interval, capture.Request{}) {
			var failed *capture.Error
			if n++; !errors.As(err, &failed) {
				t.Error(err)
			}
		}
		for _, err := range new(capture.Hub).Every(t.Context(), interval, capture.Request{}) {
			if n++; err == nil {
				t.Error("no error")
			}
		}
		if n != 2 {
			t.Errorf("%v: %d captures", interval, n)
		}
	}
}

// TestWhoseDeadline tells the end of the caller's context from that of a hook's own.
func TestWhoseDeadline(t *testing.T) {
	errCause := errors.New("the viewer has left")
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(errCause)
	late, stop := context.WithTimeout(t.Context(), -1)
	defer stop()
	for _, test := range []struct {
		about string
		ctx   context.Context
		hook  error
		is    []error
		isNot []error
	}{
		{"cancelled with a cause", cancelled, nil, []error{errCause, context.Canceled}, []error{context.DeadlineExceeded}},
		{"late", late, nil, []error{context.DeadlineExceeded}, []error{context.Canceled}},
		{"the Policy's own deadline", t.Context(), fmt.Errorf("%w: %w", errHook, context.DeadlineExceeded), []error{errHook}, []error{context.DeadlineExceeded}},
		{"the Policy's own context", t.Context(), capture.Deny("x"), []error{capture.ErrDenied}, []error{context.Canceled}},
	} {
		cam := &capture.Camera{Decoder: new(decoder), Policy: capture.PolicyFunc(func(context.Context, capture.Request) error { return test.hook })}
		_, err := cam.Capture(test.ctx, capture.Request{})
		for _, is := range test.is {
			if !errors.Is(err, is) {
				t.Errorf("%s: %v is not %v", test.about, err, is)
			}
		}
		for _, is := range test.isNot {
			if errors.Is(err, is) {
				t.Errorf("%s: %v is %v", test.about, err, is)
			}
		}
	}
}

// TestNotifiersHaveTenSeconds, and all of them are told, whatever one does.
func TestNotifiersHaveTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		cam := &capture.Camera{Decoder: new(decoder), Notifier: capture.Notifiers{
			capture.NotifierFunc(func(ctx context.Context, _ capture.Event) { <-ctx.Done() }),
			capture.NotifierFunc(func(context.Context, capture.Event) { panic(errHook) }),
			capture.NotifierFunc(func(context.Context, capture.Event) { told++ }),
		}}
		serve(t, cam, units(10, 10, false))
		began := time.Now()
		_, err := cam.Capture(t.Context(), capture.Request{})
		if took := time.Since(began); took != 10*time.Second || told != 1 || !errors.Is(err, errHook) {
			t.Errorf("it takes %v, %d told, %v", took, told, err)
		}
	})
}

// TestListsOfHooks: the first that refuses ends it; Finishers and Sealers are given what the one before has made.
func TestListsOfHooks(t *testing.T) {
	yes, no := capture.PolicyFunc(func(context.Context, capture.Request) error { return nil }), capture.PolicyFunc(func(context.Context, capture.Request) error { return errHook })
	if err := (capture.Policies{yes, no, nil}).Allow(t.Context(), capture.Request{}); !errors.Is(err, errHook) {
		t.Errorf("policies: %v", err)
	}
	fine := capture.ModeratorFunc(func(context.Context, capture.Request, *frame.Picture) error { return nil })
	if err := (capture.Moderators{fine, fine}).Moderate(t.Context(), capture.Request{}, nil); err != nil {
		t.Errorf("moderators: %v", err)
	}
	mark := capture.FinisherFunc(func(_ context.Context, _ capture.Request, p *frame.Picture) (*frame.Picture, error) {
		made := *p
		made.PTS++
		return &made, nil
	})
	if p, err := (capture.Finishers{mark, mark}).Finish(t.Context(), capture.Request{}, new(frame.Picture)); err != nil || p.PTS != 2 {
		t.Errorf("finishers: %v, %v", p, err)
	}
	sign := capture.SealerFunc(func(_ context.Context, s *capture.Still) ([]byte, error) {
		return append(slices.Clone(s.Data), '!'), nil
	})
	still := &capture.Still{Data: []byte("file")}
	if file, err := (capture.Sealers{sign, sign}).Seal(t.Context(), still); string(file) != "file!!" || string(still.Data) != "file" || err != nil {
		t.Errorf("sealers: %q, %v", file, err)
	}
}

// TestMisfed: who feeds a Camera units that are not as they should be finds that in the errors of captures, those that wait too.
func TestMisfed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &capture.Camera{Decoder: new(decoder)}
		waiting := make(chan error)
		go func() {
			_, err := cam.Capture(t.Context(), capture.Request{})
			waiting <- err
		}()
		synctest.Wait()
		us := units(10, 10, false)
		us[0].Codec = 0
		s := frametest.Live(t.Context(), "own", us)
		var wrong *frame.UnitError
		if err := cam.ServeStream(t.Context(), s); !errors.As(err, &wrong) {
			t.Errorf("the source is told %v", err)
		}
		if err := <-waiting; !errors.As(err, &wrong) || !errors.Is(err, capture.ErrNotLive) {
			t.Errorf("who waits is told %v", err)
		}
		if _, err := cam.Capture(t.Context(), capture.Request{}); !errors.As(err, &wrong) {
			t.Errorf("who comes later is told %v", err)
		}
	})
}

// TestNothingMade: who makes nothing of a picture or a file, and says nothing, fails the capture.
func TestNothingMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stored := new(store.Mem)
		for step, cam := range map[string]*capture.Camera{
			capture.StepSeal: {Decoder: new(decoder), Store: stored, Sealer: capture.SealerFunc(func(context.Context, *capture.Still) ([]byte, error) {
				return nil, nil
			})},
			capture.StepFinish: {Decoder: new(decoder), Store: stored, Finisher: capture.Finishers{
				capture.FinisherFunc(func(context.Context, capture.Request, *frame.Picture) (*frame.Picture, error) { return nil, nil }),
				capture.FinisherFunc(func(_ context.Context, _ capture.Request, p *frame.Picture) (*frame.Picture, error) {
					return p.Clone(), nil
				}),
			}},
		} {
			serve(t, cam, units(10, 10, false))
			var failed *capture.Error
			if _, err := cam.Capture(t.Context(), capture.Request{}); !errors.As(err, &failed) || failed.Step != step || errors.As(err, new(*capture.PanicError)) {
				t.Errorf("%s: %v", step, err)
			}
		}
		for s, err := range stored.List(t.Context(), capture.Selection{}) {
			t.Errorf("stored: %v, %v", s, err)
		}
	})
}

// TestNotifierThatPanics: the deadline of its own is not the caller's.
func TestNotifierThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &capture.Camera{Decoder: new(decoder), Notifier: capture.NotifierFunc(func(context.Context, capture.Event) {
			panic(fmt.Errorf("its own: %w", context.DeadlineExceeded))
		})}
		serve(t, cam, units(10, 10, false))
		still, err := cam.Capture(t.Context(), capture.Request{})
		var failed *capture.Error
		if still != nil || !errors.As(err, &failed) || failed.Step != capture.StepNotify || errors.Is(err, context.DeadlineExceeded) ||
			!errors.As(err, new(*capture.PanicError)) {
			t.Errorf("%v, %v", still, err)
		}
	})
}

// TestErrorIsALine, whatever the stream is called.
func TestErrorIsALine(t *testing.T) {
	_, err := new(capture.Hub).Capture(t.Context(), capture.Request{Stream: "a\nlevel=ERROR \x1b[31m" + strings.Repeat("x", 100_000)})
	if text := err.Error(); strings.ContainsAny(text, "\n\x1b") || len(text) > 1000 {
		t.Errorf("%d bytes: %.100q", len(text), text)
	}
}
