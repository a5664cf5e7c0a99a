package capture_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

func TestHub(t *testing.T) {
	errName := errors.New("not this name")
	hub := func() *capture.Hub {
		return &capture.Hub{NewCamera: func(s *frame.Stream) (*capture.Camera, error) {
			if s.Name == "bad" {
				return nil, errName
			}
			return &capture.Camera{Decoder: &decoder{}}, nil
		}}
	}
	synctest.Test(t, func(t *testing.T) {
		h := hub()
		play := func(name string) error {
			return h.ServeStream(t.Context(), frametest.Live(t.Context(), name, units(10, 10, false)))
		}
		if err := play("bad"); !errors.Is(err, errName) || len(h.Streams()) != 0 {
			t.Errorf("a refused stream: %v, live: %v", err, h.Streams())
		}
		for _, name := range []string{"b", "a"} {
			go func() {
				if err := play(name); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		if got := h.Streams(); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("live: %v", got)
		}
		if err := play("a"); !errors.Is(err, capture.ErrLive) {
			t.Errorf("a second stream of a live name: %v", err)
		}
		if still, err := h.Capture(t.Context(), capture.Request{Stream: "a"}); err != nil || still.Stream != "a" {
			t.Errorf("%v, %v", still, err)
		}
		cam := h.Camera("b")
		time.Sleep(2 * time.Second)
		if _, err := h.Capture(t.Context(), capture.Request{Stream: "a"}); !errors.Is(err, capture.ErrNotLive) {
			t.Errorf("a stream that has ended: %v", err)
		}
		if still, err := cam.Capture(t.Context(), capture.Request{}); err != nil || number(still) != 9 {
			t.Errorf("its Camera still remembers: %v, %v", still, err)
		}
		if err := play("a"); err != nil {
			t.Errorf("the name is free again: %v", err)
		}
	})
}
