package capture_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/fakeclock"
)

// slow is a Follower, an Enhancer and an Encoder. Where it is told to, a hook hangs until its context ends; and then it goes on for two
// seconds, as does an Encoder. It knows how many of its hooks run.
type slow struct {
	decoder
	hangs   string
	running atomic.Int64
}

func (s *slow) run(ctx context.Context, hook string) (end func()) {
	s.running.Add(1)
	if s.hangs == hook {
		if hook != "encode" {
			<-ctx.Done()
		}
		fakeclock.Pass(2 * time.Second) // it is late to hear of it
	}
	return func() { s.running.Add(-1) }
}

func (s *slow) Follow(ctx context.Context, us iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return func(yield func(frame.Latent, error) bool) {
		defer s.run(ctx, "decode")()
		for l, err := range s.decoder.Follow(ctx, us) {
			if !yield(l, err) {
				return
			}
		}
	}
}

func (s *slow) Neighbours(gops []frame.GOP, gop, _ int) [][]int {
	wanted := make([][]int, len(gops))
	wanted[gop] = []int{0, 1, len(gops[gop]) - 1}
	return wanted
}

func (s *slow) Enhance(ctx context.Context, b *frame.Burst) (*frame.Picture, error) {
	defer s.run(ctx, "enhance")()
	return b.Picture(), context.Cause(ctx)
}

func (s *slow) Type() string { return "image/x-test" }

func (s *slow) Encode(ctx context.Context, _ io.Writer, _ *frame.Picture) error {
	defer s.run(ctx, "encode")()
	return context.Cause(ctx)
}

// TestNothingIsLeftBehind captures in all ways while a stream is live, when it has ended, and when there was none. Once ServeStream has
// returned, and once a capture has for which no stream is live, no hook runs. That no goroutine is left is what synctest sees to.
func TestNothingIsLeftBehind(t *testing.T) {
	captures := map[string]func(ctx context.Context, cam *capture.Camera) error{
		"newest": func(ctx context.Context, cam *capture.Camera) error {
			_, err := cam.Capture(ctx, capture.Request{})
			return err
		},
		"alone": func(ctx context.Context, cam *capture.Camera) error {
			_, err := cam.Capture(ctx, capture.Request{Lookahead: -1, Moment: capture.Keyframe()})
			return err
		},
		"best": func(ctx context.Context, cam *capture.Camera) error {
			_, err := cam.Capture(ctx, capture.Request{Moment: capture.Best(2*interval, nil)})
			return err
		},
		"one that stands in": func(ctx context.Context, cam *capture.Camera) error {
			_, err := cam.Capture(ctx, capture.Request{Moment: capture.AtPTS(5 * interval)})
			return err
		},
		"refused": func(ctx context.Context, cam *capture.Camera) error {
			_, err := cam.Capture(ctx, capture.Request{By: "eve"})
			if !errors.Is(err, capture.ErrDenied) {
				return err
			}
			return nil
		},
		"refined": func(ctx context.Context, cam *capture.Camera) (err error) {
			for _, err = range cam.Refine(ctx, capture.Request{Lookahead: interval}) {
				fakeclock.Pass(interval)
			}
			return err
		},
		"refined, but the loop breaks": func(ctx context.Context, cam *capture.Camera) error {
			for _, err := range cam.Refine(ctx, capture.Request{}) {
				return err
			}
			return nil
		},
	}
	for about, do := range captures {
		for _, when := range []string{"live", "as it ends", "ended", "none"} {
			for _, warm := range []time.Duration{0, 1} {
				t.Run(about+", "+when, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						d := new(slow)
						d.took = interval / 3
						cam := &capture.Camera{
							Decoder: d, Enhancer: d, Encoder: d, Warm: warm,
							Moderator: capture.ModeratorFunc(func(_ context.Context, r capture.Request, _ *frame.Picture) error {
								if r.By == "eve" {
									return capture.Deny("she may not")
								}
								return nil
							}),
						}
						us := units(40, 10, false)
						us[5].Data = []byte{1}
						served := make(chan struct{})
						go func() {
							defer close(served)
							if when == "none" {
								for _, u := range us {
									u.Time = time.Now().Add(u.PTS)
									cam.History.Add(u)
								}
								return
							}
							serve(t, cam, us)
							if n := d.running.Load(); n != 0 && when != "as it ends" { // the capture goes on, and waits for its hooks
								t.Errorf("%d hooks run although ServeStream has returned", n)
							}
						}()
						switch when {
						case "live":
							pass(15*interval + interval/2)
						case "as it ends":
							pass(39*interval - 1)
						default:
							<-served
						}
						if err := do(t.Context(), cam); err != nil {
							t.Error(err)
						}
						if n := d.running.Load(); n != 0 && when != "live" && when != "as it ends" {
							t.Errorf("%d hooks run although the capture has returned", n)
						}
						<-served
						if n := d.running.Load(); n != 0 {
							t.Errorf("%d hooks run although both have returned", n)
						}
					})
				})
			}
		}
	}
}

// TestHooksThatHang has a hook hang, and go on for two seconds when its context has ended. The capture returns when its own context ends; who serves
// the stream waits for the hook; the name is free meanwhile.
func TestHooksThatHang(t *testing.T) {
	for _, hook := range []string{"decode", "enhance", "encode"} {
		for _, live := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				d := &slow{hangs: hook}
				cam := &capture.Camera{Decoder: d, Enhancer: d, Encoder: d}
				hub := &capture.Hub{NewCamera: func(*frame.Stream) (*capture.Camera, error) { return cam, nil }}
				began := time.Now()
				ends := 10 * interval // of the stream
				if !live {
					ends = 0
				}
				s := frametest.Live(t.Context(), "live/a", units(10, 10, false))
				units := s.Units
				s.Units = func(yield func(frame.AccessUnit, error) bool) {
					units(yield)
					fakeclock.Pass(ends)
				}
				served := make(chan struct{})
				go func() {
					defer close(served)
					if err := hub.ServeStream(t.Context(), s); err != nil {
						t.Error(err)
					}
				}()
				if pass(9*interval + 1); !live {
					<-served
				}
				ctx, cancel := context.WithTimeout(t.Context(), ends+interval/2)
				defer cancel()
				due, _ := ctx.Deadline()
				var failed *capture.Error
				if _, err := cam.Capture(ctx, capture.Request{}); !errors.As(err, &failed) || failed.Step != hook || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s, live %v: %v", hook, live, err)
				}
				if late := time.Since(due); late != 0 {
					t.Errorf("%s, live %v: the capture returned after %v, %v late", hook, live, time.Since(began), late)
				}
				if n := d.running.Load(); n == 0 && hook != "encode" {
					t.Errorf("%s, live %v: the hook does not hang", hook, live)
				}
				if names := hub.Streams(); len(names) != 0 {
					t.Errorf("%s, live %v: the names %v are taken", hook, live, names)
				}
				<-served
				if n := d.running.Load(); n != 0 && live {
					t.Errorf("%s: %d hooks run although ServeStream has returned", hook, n)
				}
				if again := hub.ServeStream(t.Context(), &frame.Stream{Name: "live/a", Units: func(func(frame.AccessUnit, error) bool) {}}); again != nil {
					t.Errorf("%s, live %v: the next stream: %v", hook, live, again)
				}
				if n := d.running.Load(); n != 0 {
					t.Errorf("%s, live %v: %d hooks run although the next ServeStream has returned", hook, live, n)
				}
			})
		}
	}
}
