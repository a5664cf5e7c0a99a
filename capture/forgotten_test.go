package capture_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
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
// several times. A Camera that is kept warm delivers it, whatever is forgotten. Another says that it is forgotten: the key picture stands in for it only
// if that is near.
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
