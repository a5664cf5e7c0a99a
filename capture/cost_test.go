package capture_test

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/fakeclock"
)

// costly is a decoder that says what it takes, and counts how much of that is taken at once.
type costly struct {
	decoder
	cost frame.Cost

	mu             sync.Mutex
	decoding, most int64
}

func (c *costly) Cost(frame.AccessUnit) frame.Cost { return c.cost }

func (c *costly) add(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.decoding += n
	c.most = max(c.most, c.decoding)
}

func (c *costly) Follow(ctx context.Context, us iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return func(yield func(frame.Latent, error) bool) {
		begun := false
		defer func() {
			if begun {
				c.add(-c.cost.Decoding)
			}
		}()
		units := func(yield func(frame.AccessUnit, bool) bool) {
			for u, wanted := range us {
				if !begun {
					begun = true
					c.add(c.cost.Decoding)
				}
				if !yield(u, wanted) {
					return
				}
			}
		}
		for l, err := range c.decoder.Follow(ctx, units) {
			if !yield(l, err) {
				return
			}
		}
	}
}

// TestManyCapturesFitTheBudget has 300 captures of all kinds at once, of five cameras, with memory for three decoders, three pictures and
// three neighbours. All of them are made, one after the other if need be, and no more memory than that is taken.
func TestManyCapturesFitTheBudget(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			d := &costly{cost: frame.Cost{Picture: 64 * 32 * 3 / 2, Decoding: 20_000}}
			d.took = time.Duration(r.IntN(20)) * time.Millisecond
			b := &frame.Budget{Bytes: 4 * 3 * d.cost.Decoding}
			var cams []*capture.Camera
			for n := range 5 {
				cam := &capture.Camera{Decoder: d, Budget: b, History: frame.History{MaxAge: time.Hour, Budget: new(frame.Budget)}}
				if n%2 == 0 {
					cam.Enhancer = &merger{places: []int{-3, -2, -1, 0, 1, 2, 40}}
				}
				if n == 1 {
					cam.Warm = 1
				}
				cams = append(cams, cam)
			}
			start := time.Now()
			var taps sync.WaitGroup
			for _, cam := range cams {
				us := units(100, 20, r.IntN(2) == 0)
				taps.Go(func() { serve(t, cam, us) })
			}
			for range 300 {
				cam, at := cams[r.IntN(len(cams))], start.Add(time.Duration(r.IntN(90))*interval)
				when := time.Duration(r.IntN(100)) * interval
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if r.IntN(5) == 0 {
					ctx, cancel = context.WithTimeout(ctx, when+time.Duration(r.IntN(300))*time.Millisecond)
				}
				best := r.IntN(5) == 0
				taps.Go(func() {
					defer cancel()
					fakeclock.Pass(when)
					m := capture.At(at)
					if best {
						m = m.Best(2*interval, nil)
					}
					if _, err := cam.Capture(ctx, capture.Request{Moment: m}); err != nil && ctx.Err() == nil {
						t.Errorf("seed %d: %v", seed, err)
					}
				})
			}
			taps.Wait()
			pass(time.Second) // until all decoders have ended
			d.mu.Lock()
			defer d.mu.Unlock()
			if most := 3 * d.cost.Decoding; d.most > most {
				t.Errorf("seed %d: decoders had %d bytes, of %d", seed, d.most, most)
			}
			for _, use := range []frame.Use{frame.ForPictures, frame.ForNeighbours, frame.ForDecoding} {
				if release, ok := b.Try(use, b.Most(use)); !ok {
					t.Errorf("seed %d: memory for %v was not given back", seed, use)
				} else {
					release()
				}
			}
		})
	}
}

// TestWhatIsTooCostly captures from streams that take more memory or time than they may, beside one that does not.
func TestWhatIsTooCostly(t *testing.T) {
	for _, test := range []struct {
		about string
		cost  frame.Cost
		took  time.Duration
		want  error
	}{
		{"a picture of 8K with 16 references", frame.Cost{Picture: 53 << 20, Decoding: 900 << 20}, 0, capture.ErrTooCostly},
		{"a picture larger than all captures may have", frame.Cost{Picture: 200 << 20, Decoding: 1}, 0, capture.ErrTooCostly},
		{"a second for a unit, of which a hundred are to be decoded", frame.Cost{}, time.Second, capture.ErrTooCostly},
		{"a second, and ten units", frame.Cost{Picture: 3 << 20, Decoding: 50 << 20}, 100 * time.Millisecond, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &costly{cost: test.cost}
			d.took = test.took
			cam := &capture.Camera{Decoder: d, Budget: &frame.Budget{Bytes: 1 << 30}, MaxDecoding: 20 * time.Second}
			cam.History.MaxAge = time.Hour
			serve(t, cam, units(100, 100, false))
			for range 2 { // it is not remembered: the next one may find more
				if _, err := cam.Capture(t.Context(), capture.Request{}); !errors.Is(err, test.want) || test.want == nil && err != nil {
					t.Errorf("%s: %v, want %v", test.about, err, test.want)
				}
			}
			if s := cam.Stats(); test.took == time.Second && (s.Processor > 60*time.Second || s.Decoded > 60 || s.Failed != 2) {
				t.Errorf("%s: %+v", test.about, s)
			}
		})
	}
}

// TestBarrenGOPs captures again and again from a stream that makes no pictures: each time is not all of it decoded anew.
func TestBarrenGOPs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(decoder)
		cam := &capture.Camera{Decoder: d}
		us := units(1000, 1000, false)
		for i := range us {
			us[i].Data = []byte{0x11}
		}
		go serve(t, cam, us)
		for range 90 {
			pass(time.Second)
			if _, err := cam.Capture(t.Context(), capture.Request{}); !errors.Is(err, capture.ErrCorrupt) {
				t.Error(err)
			}
		}
		if n := d.decoded.Load(); n > 4000 { // each of 90 anew would be 41,000, and as many for what stands in
			t.Errorf("%d units were decoded", n)
		}
	})
}

// TestALargeStreamHoldsUpOthersForASecond captures from a stream that takes nearly all memory for decoding, and is slower than it comes,
// beside one that takes little.
func TestALargeStreamHoldsUpOthersForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(frame.Budget)
		d := &costly{cost: frame.Cost{Picture: 12 << 20, Decoding: 236 << 20}}
		d.took = 90 * time.Millisecond
		large := &capture.Camera{Decoder: d, Budget: b}
		small := &capture.Camera{Decoder: &costly{cost: frame.Cost{Picture: 3 << 20, Decoding: 22 << 20}}, Budget: b}
		var all sync.WaitGroup
		all.Go(func() { serve(t, large, units(600, 600, false)) })
		all.Go(func() { serve(t, small, units(600, 10, false)) })
		ctx, end := context.WithTimeout(t.Context(), 50*time.Second)
		defer end()
		made := 0
		all.Go(func() {
			for _, err := range large.Every(ctx, interval, capture.Request{}) {
				if err == nil {
					made++
				} else if !errors.Is(err, capture.ErrTooCostly) && !errors.Is(err, capture.ErrUnchanged) {
					t.Error(err)
				}
			}
		})
		for ctx.Err() == nil {
			pass(time.Second)
			began := time.Now()
			if _, err := small.Capture(t.Context(), capture.Request{}); err != nil || time.Since(began) > 1200*time.Millisecond {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
		}
		all.Wait()
		if made == 0 {
			t.Error("the large stream was never captured")
		}
	})
}
