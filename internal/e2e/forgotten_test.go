package e2e_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// TestOneKeyPicture captures each tenth picture as it comes, of a stream with one key picture that is ten times what the History may remember. A
// Camera that was not asked for them meanwhile has forgotten the newest.
func TestOneKeyPicture(t *testing.T) {
	const units = 1500
	g := frametest.Clip{Frames: units, GOP: units}.GOPs(t)[0]
	if len(g) != units {
		t.Fatalf("a GOP of %d units", len(g))
	}
	cam := &capture.Camera{Decoder: new(ffmpeg.Decoder), Encoder: noFile{}, Warm: 1, History: frame.History{MaxBytes: 2 * g.Size() / 10}}
	next := make(chan frame.AccessUnit)
	var served sync.WaitGroup
	served.Go(func() {
		s := &frame.Stream{Name: "live/a", Units: func(yield func(frame.AccessUnit, error) bool) {
			for u := range next {
				yield(u, nil)
			}
		}}
		if err := cam.ServeStream(t.Context(), s); err != nil {
			t.Error(err)
		}
	})
	for n, u := range g {
		u.Time = time.Now()
		changed := cam.History.Changed()
		next <- u
		<-changed
		if n%10 != 9 {
			continue
		}
		still, err := cam.Capture(t.Context(), capture.Request{Tolerance: -1})
		if err != nil || still.Instead != nil {
			t.Fatalf("unit %d: %v, %v", n, still, err)
		}
		if shown, ok := frametest.Read(still.Picture.YCbCr); !ok || shown != n {
			t.Fatalf("unit %d: picture %d", n, shown)
		}
	}
	close(next)
	served.Wait()
	if forgotten := cam.History.GOPs()[0].Forgotten(); forgotten < units/2 {
		t.Errorf("%d units are forgotten", forgotten)
	}
	cold := &capture.Camera{Decoder: new(ffmpeg.Decoder), Encoder: noFile{}, History: frame.History{MaxBytes: cam.History.MaxBytes}}
	s := &frame.Stream{Name: "live/a", Units: func(yield func(frame.AccessUnit, error) bool) {
		for _, u := range g {
			u.Time = time.Now()
			yield(u, nil)
		}
	}}
	if err := cold.ServeStream(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if still, err := cold.Capture(t.Context(), capture.Request{Tolerance: -1}); !errors.Is(err, capture.ErrForgotten) {
		t.Errorf("%v, %v", still, err)
	}
}
