package capture_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/fakeclock"
)

// newestNumber returns the number of the newest picture of a Camera, and whether what it refers to has been forgotten.
func newestNumber(cam *capture.Camera) (number int, forgotten bool) {
	gops := cam.History.GOPs()
	g := gops[len(gops)-1]
	shown := time.Duration(0)
	for _, u := range g {
		shown = max(shown, u.PTS)
	}
	return int(shown / interval), g.Forgotten() > 0
}

// TestOneKeyPicture captures the newest picture of a stream with one key picture, again and again, until its GOP has been too much for the History
// several times. A Camera that is kept warm delivers it, whatever is forgotten. Another says that it is forgotten: the key picture stands in for
// it only if that is near.
func TestOneKeyPicture(t *testing.T) {
	for _, bFrames := range []bool{false, true} {
		for _, warm := range []time.Duration{0, 1, 5 * interval} {
			about := fmt.Sprintf("B-frames %v, warm %v", bFrames, warm)
			synctest.Test(t, func(t *testing.T) {
				cam := &capture.Camera{Decoder: &decoder{}, Warm: warm, History: frame.History{MaxBytes: 32 << 10, Budget: new(frame.Budget)}}
				var served sync.WaitGroup
				served.Go(func() { serve(t, cam, units(600, 1000, bFrames)) })
				pass(5 * interval / 2)
				exact, gone := 0, 0
				for range 25 {
					pass(2 * time.Second)
					want, forgotten := newestNumber(cam)
					still, err := cam.Capture(t.Context(), capture.Request{})
					if forgotten && warm == 0 {
						gone++
						if !errors.Is(err, capture.ErrForgotten) {
							t.Errorf("%s: picture %d of %d, %v", about, number(still), want, err)
						}
						continue
					}
					if err != nil || number(still) != want || still.Instead != nil || still.Off != 0 || still.Age > 3*interval {
						t.Fatalf("%s: want picture %d, forgotten %v: %+v, %v", about, want, forgotten, still, err)
					}
					if forgotten {
						exact++
					}
				}
				if warm > 0 && exact < 20 || warm == 0 && gone < 20 {
					t.Errorf("%s: %d exact pictures of a GOP that was too much, %d forgotten", about, exact, gone)
				}
				still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.Keyframe()})
				if err != nil || !still.Key || still.Instead != nil || still.Age < 50*time.Second {
					t.Errorf("%s: the key picture: %+v, %v", about, still, err)
				}
				served.Wait()
			})
		}
	}
}

// TestNewestGoesOn has a capture of the newest picture wait for memory, until the decoder that is kept warm is past it, and nobody else can decode it.
func TestNewestGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(frame.Budget)
		d := &costly{cost: frame.Cost{Picture: 64 * 32 * 3 / 2}}
		cam := &capture.Camera{Decoder: d, Warm: 1, Budget: b, History: frame.History{MaxBytes: 32 << 10, Budget: new(frame.Budget)}}
		var served sync.WaitGroup
		served.Go(func() { serve(t, cam, units(300, 1000, false)) })
		pass(200*interval + interval/2)
		release, err := b.Reserve(context.Background(), frame.ForPictures, b.Most(frame.ForPictures))
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(5*interval, release)
		still, err := cam.Capture(t.Context(), capture.Request{})
		if want, forgotten := newestNumber(cam); err != nil || !forgotten || number(still) != want || still.Instead != nil || !still.Wanted.Equal(still.Time) {
			t.Errorf("want picture %d, forgotten %v: %+v, %v", want, forgotten, still, err)
		}
		served.Wait()
	})
}

// TestLiveOfOneKeyPicture: the figures of a stream are those of what is left of it.
func TestLiveOfOneKeyPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &capture.Camera{History: frame.History{MaxBytes: 32 << 10, Budget: new(frame.Budget)}}
		h := &capture.Hub{NewCamera: func(*frame.Stream) (*capture.Camera, error) { return cam, nil }}
		var served sync.WaitGroup
		served.Go(func() { serve(t, h, units(300, 1000, false)) })
		pass(interval / 2)
		forgotten := 0
		for range 290 {
			pass(interval)
			g := cam.History.GOPs()[0]
			if forgotten = g.Forgotten(); forgotten == 0 {
				continue
			}
			bits := 80 * float64(len(g)-4) / float64(len(g)-3) // of the units behind the last that is forgotten, but the newest
			if l := h.Live()[0]; l.FrameRate < 9.99 || l.FrameRate > 10.01 || l.BitRate < bits-1 || l.BitRate > bits+1 || l.KeyInterval != 0 {
				t.Fatalf("with %d units, %d forgotten: %v pictures and %v bits a second, a key picture each %v", len(g), forgotten, l.FrameRate, l.BitRate, l.KeyInterval)
			}
		}
		if forgotten < 200 {
			t.Errorf("%d units are forgotten", forgotten)
		}
		served.Wait()
	})
}

// TestAsksForAKeyPicture captures streams that wait to be asked for a key picture: one that begins with none, until it is asked twice, and one
// whose only GOP has been too much for the History.
func TestAsksForAKeyPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &capture.Camera{Decoder: &decoder{}, History: frame.History{MaxBytes: 32 << 10, Budget: new(frame.Budget)}}
		var asked atomic.Int64
		us, next := units(600, 1000, false), 0
		s := &frame.Stream{Name: "live/a", RequestKey: func() { asked.Add(1) }, Units: func(yield func(frame.AccessUnit, error) bool) {
			answered := int64(0)
			for ; next < len(us); next++ {
				u := us[next]
				if u.Key = asked.Load() >= 2 && asked.Load() > answered; u.Key {
					u.Data, answered = []byte{0x80}, asked.Load()
				} else {
					u.Data = []byte{0x84}
				}
				u.Time = time.Now()
				if answered > 0 && !yield(u, nil) {
					return
				}
				fakeclock.Pass(interval)
			}
		}}
		var served sync.WaitGroup
		served.Go(func() {
			if err := cam.ServeStream(t.Context(), s); err != nil {
				t.Error(err)
			}
		})
		pass(interval / 2)
		began := time.Now()
		still, err := cam.Capture(t.Context(), capture.Request{})
		if took := time.Since(began); err != nil || !still.Key || took < time.Second || took > time.Second+interval || asked.Load() != 2 {
			t.Errorf("the first: %v, %v after %v, asked %d times", still, err, took, asked.Load())
		}
		pass(30 * time.Second)
		if _, forgotten := newestNumber(cam); !forgotten {
			t.Fatal("nothing is forgotten")
		}
		if still, err = cam.Capture(t.Context(), capture.Request{}); !errors.Is(err, capture.ErrForgotten) || asked.Load() != 3 {
			t.Errorf("a forgotten one: %v, %v, asked %d times", still, err, asked.Load())
		}
		pass(5 * interval)
		want, _ := newestNumber(cam)
		if still, err = cam.Capture(t.Context(), capture.Request{}); err != nil || number(still) != want || asked.Load() != 3 {
			t.Errorf("the next, want picture %d: %v, %v, asked %d times", want, still, err, asked.Load())
		}
		served.Wait()
	})
}
