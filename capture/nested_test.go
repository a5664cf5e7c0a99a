package capture_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
)

// TestANotifierCaptures has 20 captures at once whose Notifier captures again, and 20 that are refined by a loop which captures again, with
// memory for the pictures of three.
func TestANotifierCaptures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &costly{cost: frame.Cost{Picture: 64 * 32 * 3 / 2}}
		cam := &capture.Camera{
			Decoder: d, Budget: &frame.Budget{Bytes: 8 * 6 * d.cost.Picture}, History: frame.History{Budget: new(frame.Budget)},
			Enhancer: &merger{places: []int{-2, -1, 0}},
		}
		again := func(ctx context.Context, pts time.Duration) {
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			if _, err := cam.Capture(ctx, capture.Request{Moment: capture.AtPTS(pts - time.Second), By: "itself"}); err != nil {
				t.Error(err)
			}
		}
		cam.Notifier = capture.NotifierFunc(func(ctx context.Context, e capture.Event) {
			if e.Request.By == "" {
				again(ctx, e.Still.PTS)
			}
		})
		serve(t, cam, units(60, 10, false))
		var taps sync.WaitGroup
		for n := range 20 {
			r := capture.Request{Moment: capture.AtPTS(time.Duration(20+n) * interval)}
			taps.Go(func() {
				if _, err := cam.Capture(t.Context(), r); err != nil {
					t.Error(err)
				}
			})
			taps.Go(func() {
				r := capture.Request{Moment: r.Moment, By: "refiner", ID: "refined"}
				last := false
				for still, err := range cam.Refine(t.Context(), r) {
					if err != nil {
						t.Error(err)
						return
					}
					again(t.Context(), still.PTS)
					last = still.Refined
				}
				if !last {
					t.Error("was not refined")
				}
			})
		}
		taps.Wait()
	})
}

// silent is a Decoder that waits for the end of its context once it has a GOP.
type silent struct{ ended chan struct{} }

func (s silent) Decode(ctx context.Context, _ frame.GOP, _ time.Time) iter.Seq2[*frame.Picture, error] {
	return func(yield func(*frame.Picture, error) bool) {
		<-ctx.Done()
		close(s.ended)
		yield(nil, context.Cause(ctx))
	}
}

// TestADecoderEndsWithItsCaptures has a Decoder that hangs: it is told when the last capture that waits for it has given up.
func TestADecoderEndsWithItsCaptures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := silent{make(chan struct{})}
		cam := &capture.Camera{Decoder: d}
		serve(t, cam, units(30, 10, false))
		began := time.Now()
		for n := range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+n)*time.Second)
			defer cancel()
			go func() {
				if _, err := cam.Capture(ctx, capture.Request{Tolerance: -1}); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			}()
		}
		<-d.ended
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("the Decoder was told after %v, want 2s", took)
		}
	})
}
