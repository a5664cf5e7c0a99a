package capture_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// TestMoments captures from a live stream of ten pictures a second, 3.55 seconds after it began.
func TestMoments(t *testing.T) {
	const now = 3550 * time.Millisecond
	for _, test := range []struct {
		about   string
		bframes bool
		moment  func(start time.Time) capture.Moment
		age     time.Duration // how far back the History reaches; zero means ten seconds
		want    int           // number of the picture, -1 for ErrForgotten
		waits   time.Duration
	}{
		{about: "newest", moment: func(time.Time) capture.Moment { return capture.Moment{} }, want: 35},
		{about: "newest key picture", moment: func(time.Time) capture.Moment { return capture.Keyframe() }, want: 30},
		{about: "at the very instant a picture was shown", moment: atOffset(2 * time.Second), want: 20},
		{about: "just before it", moment: atOffset(2*time.Second - 1), want: 19},
		{about: "just before the next", moment: atOffset(2100*time.Millisecond - 1), want: 20},
		{about: "the first picture", moment: atOffset(0), want: 0},
		{about: "the first picture of a GOP", moment: atOffset(time.Second), want: 10},
		{about: "the last picture of a GOP", moment: atOffset(1999 * time.Millisecond), want: 19},
		{about: "a second ago", moment: func(time.Time) capture.Moment { return capture.Ago(time.Second) }, want: 25},
		{about: "now: known when the next picture comes", moment: func(time.Time) capture.Moment { return capture.Ago(0) }, want: 35, waits: 50 * time.Millisecond},
		{about: "a presentation time", moment: atPTS(1250 * time.Millisecond), want: 12},
		{about: "a presentation time to come", moment: atPTS(4000 * time.Millisecond), want: 40, waits: 450 * time.Millisecond},
		{about: "a presentation time long gone", moment: atPTS(-time.Hour), want: -1},
		{about: "the future", moment: atOffset(5050 * time.Millisecond), want: 50, waits: 1550 * time.Millisecond},
		{about: "before the stream, but near its begin", moment: atOffset(-500 * time.Millisecond), want: 0},
		{about: "long before the stream", moment: atOffset(-time.Hour), want: -1},
		{about: "forgotten", moment: atOffset(500 * time.Millisecond), age: time.Second, want: -1},
		{about: "forgotten, but near what is remembered", moment: atOffset(1500 * time.Millisecond), age: time.Second, want: 20},

		// B-frames: the stream is shown two pictures later than it is decoded.
		{about: "B: newest is that of the highest time", bframes: true, moment: func(time.Time) capture.Moment { return capture.Moment{} }, want: 36 + 2},
		{about: "B: a presentation time", bframes: true, moment: atPTS(2500 * time.Millisecond), want: 23 + 2},
		{about: "B: newest key picture", bframes: true, moment: func(time.Time) capture.Moment { return capture.Keyframe() }, want: 30 + 2},
		{about: "B: a picture decoded out of order", bframes: true, moment: atOffset(2300 * time.Millisecond), want: 23},
		{about: "B: the one after it", bframes: true, moment: atOffset(2400 * time.Millisecond), want: 24},
		{about: "B: the one they refer to", bframes: true, moment: atOffset(2500 * time.Millisecond), want: 25},
		{about: "B: waits although a later picture is there", bframes: true, moment: atOffset(3700 * time.Millisecond), want: 37, waits: 150 * time.Millisecond},
	} {
		t.Run(test.about, eachDecoder(func(t *testing.T, d capture.Decoder) {
			t.Helper()
			synctest.Test(t, func(t *testing.T) {
				cam := &capture.Camera{Decoder: d, History: frame.History{MaxAge: test.age}}
				start := time.Now()
				go serve(t, cam, units(100, 10, test.bframes))
				pass(now)
				moment := test.moment(start)
				still, err := cam.Capture(t.Context(), capture.Request{Moment: moment})
				if waited := time.Since(start) - now; waited != test.waits {
					t.Errorf("waited %v, want %v", waited, test.waits)
				}
				if test.want < 0 {
					if !errors.Is(err, capture.ErrForgotten) {
						t.Errorf("%v: %v, want ErrForgotten", moment, err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if n := number(still); n != test.want {
					t.Errorf("%v: picture %d, want %d", moment, n, test.want)
				}
				if shown := start.Add(time.Duration(test.want) * interval); !still.Time.Equal(shown) {
					t.Errorf("says it was shown at %v, it was at %v", still.Time.Sub(start), shown.Sub(start))
				}
				age := start.Add(now).Sub(still.Time)
				if moment == (capture.Moment{}) {
					age = max(0, age) // what is there is not of the future
				}
				if still.Age != age {
					t.Errorf("says age %v, it is %v", still.Age, age)
				}
				if exact := !still.Wanted.Before(still.Time) && still.Wanted.Sub(still.Time) < interval; exact != (still.Instead == nil) {
					t.Errorf("wanted %v, delivered %v, instead: %v", still.Wanted.Sub(start), still.Time.Sub(start), still.Instead)
				}
			})
		}))
	}
}

// TestSourceClock captures from a source that tells the time by its own clock from picture 20 on, and that clock is wrong.
func TestSourceClock(t *testing.T) {
	const now, known = 3550 * time.Millisecond, 20
	for _, wrong := range []time.Duration{time.Hour, 0, -10 * time.Second, -2 * time.Hour} {
		for _, test := range []struct {
			moment func(start time.Time) capture.Moment
			want   int
		}{
			{func(time.Time) capture.Moment { return capture.Moment{} }, 35},
			{func(time.Time) capture.Moment { return capture.Ago(time.Second) }, 25},
			{func(time.Time) capture.Moment { return capture.Ago(3 * time.Second) }, 5},
			{atOffset(wrong + 3*time.Second), 30},
		} {
			synctest.Test(t, func(t *testing.T) {
				cam := &capture.Camera{Decoder: &decoder{}}
				start := time.Now()
				s := frametest.Live(t.Context(), "camera", units(100, 10, false))
				plain, n := s.Units, 0
				s.Units = func(yield func(frame.AccessUnit, error) bool) {
					for u, err := range plain {
						if n++; n > known {
							u.Time, u.Offset, u.SourceTime = u.Time.Add(wrong), wrong, true
						}
						if !yield(u, err) {
							return
						}
					}
				}
				go func() { _ = cam.ServeStream(t.Context(), s) }()
				pass(now)
				m := test.moment(start)
				still, err := cam.Capture(t.Context(), capture.Request{Moment: m})
				if err != nil {
					t.Fatal(err)
				}
				shown := time.Duration(test.want) * interval
				if number(still) != test.want || still.Instead != nil || still.Age != now-shown || still.Wanted.Sub(still.Time).Abs() >= interval {
					t.Errorf("clock %v ahead, %v: picture %d instead of %d (%v), %v old, wanted %v after it", wrong, m, number(still), test.want,
						still.Instead, still.Age, still.Wanted.Sub(still.Time))
				}
			})
		}
	}
}

func atOffset(d time.Duration) func(time.Time) capture.Moment {
	return func(start time.Time) capture.Moment { return capture.At(start.Add(d)) }
}

func atPTS(d time.Duration) func(time.Time) capture.Moment {
	return func(time.Time) capture.Moment { return capture.AtPTS(d) }
}

// serve plays units live to the handler.
func serve(t *testing.T, h frame.Handler, us []frame.AccessUnit) {
	t.Helper()
	if err := h.ServeStream(t.Context(), frametest.Live(t.Context(), "live/a", us)); err != nil && t.Context().Err() == nil {
		t.Error(err)
	}
}

func TestNewestWaitsForTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &capture.Camera{Decoder: &decoder{}}
		time.AfterFunc(time.Minute, func() { serve(t, cam, units(10, 10, false)) })
		still, err := cam.Capture(t.Context(), capture.Request{})
		if err != nil || number(still) != 0 || still.Stream != "live/a" || still.Request.Stream != "live/a" {
			t.Errorf("%+v, %v", still, err)
		}
		if wait := still.Step("wait"); wait != time.Minute {
			t.Errorf("waited %v, says the still", wait)
		}
	})
}

func TestCaptureEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &capture.Camera{Decoder: &decoder{}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := cam.Capture(ctx, capture.Request{})
		var typed *capture.Error
		if !errors.As(err, &typed) || typed.Step != "wait" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a stream that never begins: %v", err)
		}

		cause := errors.New("no longer wanted")
		ctx, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second/2, func() { stop(cause) })
		go serve(t, cam, units(10, 10, false))
		synctest.Wait()
		_, err = cam.Capture(ctx, capture.Request{Moment: capture.At(time.Now().Add(time.Minute))})
		if !errors.Is(err, cause) || !errors.Is(err, context.Canceled) {
			t.Errorf("a moment that is still to come: %v", err)
		}
	})
}

func TestEveryMakesUpNoTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &capture.Camera{Decoder: &decoder{}}
		start := time.Now()
		go serve(t, cam, units(200, 10, false))
		var at []time.Duration
		for still, err := range cam.Every(t.Context(), time.Second, capture.Request{}) {
			if err != nil {
				t.Fatal(err)
			}
			if at = append(at, time.Since(start)); len(at) == 2 {
				pass(2500 * time.Millisecond)
			}
			if len(at) == 4 {
				break
			}
			if still.Age > interval {
				t.Errorf("tick at %v: %v old", at[len(at)-1], still.Age)
			}
		}
		if want := []time.Duration{0, 1 * time.Second, 4 * time.Second, 5 * time.Second}; !equal(at, want) {
			t.Errorf("ticks at %v, want %v", at, want)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		ticks := 0
		for _, err := range cam.Every(ctx, time.Second, capture.Request{Moment: capture.At(start.Add(-time.Hour))}) {
			if !errors.Is(err, capture.ErrForgotten) {
				t.Errorf("%v, want ErrForgotten", err)
			}
			ticks++
		}
		if ticks != 3 {
			t.Errorf("%d ticks that failed, want 3: a failure does not end the loop, the context does", ticks)
		}
	})
}

func equal(a, b []time.Duration) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
