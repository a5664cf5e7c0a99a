package capture_test

import (
	"errors"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/fakeclock"
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
		refined := func(name string) (stills int, err error) {
			for still, e := range h.Refine(t.Context(), capture.Request{Stream: name}) {
				if err = e; still != nil && still.Stream == name {
					stills++
				}
			}
			return stills, err
		}
		if n, err := refined("a"); n != 1 || err != nil {
			t.Errorf("refined: %d stills, %v; no Enhancer makes it better", n, err)
		}
		if n, err := refined("c"); n != 0 || !errors.Is(err, capture.ErrNotLive) {
			t.Errorf("refined, but not live: %d stills, %v", n, err)
		}
		cam := h.Camera("b")
		pass(2 * time.Second)
		if still, err := h.Capture(t.Context(), capture.Request{Stream: "a"}); err != nil || number(still) != 9 {
			t.Errorf("a stream that has just ended: %v, %v", still, err)
		}
		if still, err := cam.Capture(t.Context(), capture.Request{}); err != nil || number(still) != 9 {
			t.Errorf("its Camera still remembers: %v, %v", still, err)
		}
		if err := play("a"); err != nil {
			t.Errorf("the name is free again: %v", err)
		}
	})
}

func TestHubTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &capture.Hub{TakeOver: true, NewCamera: func(*frame.Stream) (*capture.Camera, error) {
			return &capture.Camera{Decoder: &decoder{}}, nil
		}}
		ends := make(chan error, 2)
		for range 2 {
			go func() { ends <- h.ServeStream(t.Context(), frametest.Live(t.Context(), "a", units(100, 10, false))) }()
			pass(1050 * time.Millisecond)
		}
		if err := <-ends; !errors.Is(err, capture.ErrTakenOver) {
			t.Errorf("the first publisher: %v", err)
		}
		if still, err := h.Capture(t.Context(), capture.Request{Stream: "a"}); err != nil || number(still) != 10 {
			t.Errorf("after the take-over: %v, %v; want picture 10 of the second publisher", still, err)
		}
		gops := h.Camera("a").History.GOPs() // ten units and one of each
		if len(gops) != 4 || slices.Concat(gops...).Size() != 22 || h.Camera("a").History.Before(gops[2]) != nil {
			t.Errorf("the Camera remembers %d GOPs of %d bytes; those of the two are joined or lost", len(gops), slices.Concat(gops...).Size())
		}
		if err := <-ends; err != nil {
			t.Errorf("the second publisher: %v", err)
		}
		if got := h.Streams(); len(got) != 0 {
			t.Errorf("live: %v", got)
		}
	})
}

// Who is refused by NewCamera, even after a while, neither takes a live name over nor has a free one meanwhile.
func TestHubRefusesBeforeItTakesOver(t *testing.T) {
	for _, takeOver := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			errToken := errors.New("wrong token")
			h := &capture.Hub{TakeOver: takeOver, NewCamera: func(s *frame.Stream) (*capture.Camera, error) {
				if s.Query.Get("token") != "right" {
					fakeclock.Pass(time.Second) // it asks someone else
					return nil, errToken
				}
				return &capture.Camera{Decoder: &decoder{}}, nil
			}}
			play := func(token string) error {
				s := frametest.Live(t.Context(), "a", units(30, 10, false))
				s.Query = url.Values{"token": {token}}
				return h.ServeStream(t.Context(), s)
			}
			refused, played := make(chan error, 2), make(chan error, 1)
			go func() { refused <- play("wrong") }()
			synctest.Wait()
			go func() { played <- play("right") }()
			synctest.Wait()
			if got := h.Streams(); !slices.Equal(got, []string{"a"}) {
				t.Errorf("take over %v: live beside one that is not let in: %v", takeOver, got)
			}
			go func() { refused <- play("wrong") }()
			if err := <-played; err != nil {
				t.Errorf("take over %v: %v, want the stream to go on to its end", takeOver, err)
			}
			for range 2 {
				if err := <-refused; err == nil {
					t.Errorf("take over %v: let in with a wrong token", takeOver)
				}
			}
		})
	}
}
