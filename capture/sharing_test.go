package capture_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// A counting Camera knows how often its steps ran.
type counting struct {
	capture.Camera
	decoder
	enhanced, stored atomic.Int64
}

func newCounting() *counting {
	c := new(counting)
	c.took = time.Millisecond
	c.Camera = capture.Camera{
		Decoder: &c.decoder,
		Enhancer: capture.EnhancerFunc(func(_ context.Context, b *frame.Burst) (*frame.Picture, error) {
			c.enhanced.Add(1)
			return b.Picture().Clone(), nil
		}),
		Encoder: encoder{&steps{}},
		Store: capture.StoreFunc(func(context.Context, *capture.Still) (string, error) {
			c.stored.Add(1)
			return "", nil
		}),
	}
	return c
}

// TestManyTapsShareTheWork has 500 captures begin at once, of four moments of one GOP.
func TestManyTapsShareTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := newCounting()
		start := time.Now()
		serve(t, &cam.Camera, units(90, 50, false))
		var taps sync.WaitGroup
		for n := range 500 {
			taps.Go(func() {
				want := 60 + n%4*5
				still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.At(start.Add(time.Duration(want) * interval))})
				if err != nil || number(still) != want || still.Instead != nil {
					t.Errorf("picture %d: %+v, %v", want, still, err)
				}
			})
		}
		taps.Wait()
		if n, most := cam.decoded.Load(), int64(26+3); n > most {
			t.Errorf("%d units were decoded, %d do", n, most)
		}
		if cam.enhanced.Load() != 4 || cam.stored.Load() != 500 {
			t.Errorf("enhanced %d times, stored %d times", cam.enhanced.Load(), cam.stored.Load())
		}
	})
}

// TestTapsInARowGoOn captures the newest picture ten times a second: each unit is decoded once.
func TestTapsInARowGoOn(t *testing.T) {
	for _, bframes := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			cam := newCounting()
			start := time.Now()
			go serve(t, &cam.Camera, units(300, 300, bframes))
			pass(50 * interval)
			for range 30 {
				pass(interval)
				still, err := cam.Capture(t.Context(), capture.Request{})
				if err != nil || still.Age > interval || still.Age < -4*interval {
					t.Fatalf("%+v, %v", still, err)
				}
			}
			most := int64(time.Since(start)/interval) + 1
			if bframes {
				most += 54 // the first capture does not wait for what the order of pictures needs
			}
			if n := cam.decoded.Load(); n > most {
				t.Errorf("B-frames %v: %d units were decoded, %d do", bframes, n, most)
			}
		})
	}
}

// TestCancelledTap has one of two captures of the same picture end early, and then both.
func TestCancelledTap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := newCounting()
		cam.took = 10 * time.Millisecond
		serve(t, &cam.Camera, units(100, 100, false))
		first, cancel := context.WithCancelCause(t.Context())
		var taps sync.WaitGroup
		taps.Go(func() {
			if _, err := cam.Capture(first, capture.Request{}); !errors.Is(err, errHook) {
				t.Errorf("cancelled: %v", err)
			}
		})
		taps.Go(func() {
			if still, err := cam.Capture(t.Context(), capture.Request{}); err != nil || number(still) != 99 {
				t.Errorf("%+v, %v", still, err)
			}
		})
		pass(100 * time.Millisecond)
		cancel(errHook)
		taps.Wait()
		if n := cam.decoded.Load(); n != 100 {
			t.Errorf("%d units were decoded, want 100", n)
		}

		pass(2 * time.Second) // all is forgotten
		ctx, cancelled := context.WithTimeout(t.Context(), 105*time.Millisecond)
		defer cancelled()
		if _, err := cam.Capture(ctx, capture.Request{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		pass(2 * time.Second)
		if n := cam.decoded.Load(); n > 111 {
			t.Errorf("%d units were decoded although nobody waits, want 111", n)
		}
	})
}

// TestFairness has one stream ask for twenty pictures of twenty GOPs, and then another for one, of a decoder that makes one at a time.
func TestFairness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &decoder{took: 10 * time.Millisecond, places: make(chan struct{}, 1)}
		hour := func() *capture.Camera { return &capture.Camera{Decoder: d, History: frame.History{MaxAge: time.Hour}} }
		greedy, modest := hour(), hour()
		start := time.Now()
		go serve(t, modest, units(200, 10, false))
		serve(t, greedy, units(200, 10, false))
		var taps sync.WaitGroup
		for n := 19; n < 200; n += 10 {
			taps.Go(func() {
				_, _ = greedy.Capture(t.Context(), capture.Request{Moment: capture.At(start.Add(time.Duration(n) * interval))})
			})
		}
		synctest.Wait()
		begun := time.Now()
		if _, err := modest.Capture(t.Context(), capture.Request{}); err != nil {
			t.Error(err)
		}
		// Before the decoding and before the encoding, the other stream may have its turn: 200 ms of twenty units each.
		if took := time.Since(begun); took > 3*200*time.Millisecond {
			t.Errorf("it took %v of the 3.6 seconds that the other stream takes", took)
		}
		taps.Wait()
	})
}

// TestWarm captures the newest picture, and a key picture, of streams that are kept warm.
func TestWarm(t *testing.T) {
	for _, test := range []struct {
		about   string
		warm    time.Duration
		gop     int
		bframes bool
		before  int64 // units decoded before the capture
		most    int64 // and for it
	}{
		{"at hand", 1, 200, false, 99, 1},
		{"B-frames", 1, 200, true, 99, 3},
		{"bounded", 2 * time.Second, 200, false, 80, 20},
		{"GOPs too short for it", 2 * time.Second, 15, false, 0, 10},
	} {
		synctest.Test(t, func(t *testing.T) {
			cam := newCounting()
			cam.Warm = test.warm
			ctx, cancel := context.WithCancel(t.Context())
			go func() { _ = cam.ServeStream(ctx, frametest.Live(ctx, "live/a", units(1000, test.gop, test.bframes))) }()
			pass(99*interval + interval/2)
			before := cam.decoded.Load()
			still, err := cam.Capture(ctx, capture.Request{})
			if err != nil || still.Age > interval {
				t.Fatalf("%s: %+v, %v", test.about, still, err)
			}
			if n := cam.decoded.Load() - before; before != test.before || n > test.most {
				t.Errorf("%s: %d units were decoded before, want %d; for the capture %d, want %d at most", test.about, before, test.before, n, test.most)
			}
			cancel()
		})
	}
}

// piecemeal is an Encoder that writes its file in pieces, so that a buffer grows beyond it.
type piecemeal struct{}

func (piecemeal) Type() string { return "image/x-test" }
func (piecemeal) Encode(w io.Writer, _ *frame.Picture) error {
	for range 100 {
		if _, err := w.Write([]byte("piece")); err != nil {
			return err
		}
	}
	return nil
}

// TestSharedFile has two captures share an image file, and each append to it, as who adds metadata behind a picture may: neither finds what the
// other has appended.
func TestSharedFile(t *testing.T) {
	cam := &capture.Camera{Decoder: &decoder{}, Encoder: piecemeal{}}
	for _, u := range units(10, 10, false) {
		cam.History.Add(u)
	}
	var stills [2]*capture.Still
	var taps sync.WaitGroup
	for i := range stills {
		taps.Go(func() {
			var err error
			if stills[i], err = cam.Capture(t.Context(), capture.Request{}); err != nil {
				t.Error(err)
			}
		})
	}
	taps.Wait()
	if t.Failed() {
		return
	}
	bob, carol := stills[0].Data, stills[1].Data
	bob = append(bob, "bob"...)
	carol = append(carol, "carol"...)
	if got, want := string(bob[len(bob)-3:]), "bob"; got != want {
		t.Errorf("%d bytes end in %q, want %q", len(bob), got, want)
	}
	if got, want := string(carol[len(carol)-5:]), "carol"; got != want {
		t.Errorf("%d bytes end in %q, want %q", len(carol), got, want)
	}
}
