package e2e_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// TestSecondPublisher lets a second ffmpeg publish a name that is live.
func TestSecondPublisher(t *testing.T) {
	for _, takeOver := range []bool{false, true} {
		hub := &capture.Hub{TakeOver: takeOver, NewCamera: func(*frame.Stream) (*capture.Camera, error) { return camera(), nil }}
		begun, ends := make(chan bool, 2), make(chan error, 2)
		url := listen(t, frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
			s.Units = beforeEach(s.Units, func(n int) {
				if n == 2 {
					begun <- true
				}
			})
			err := hub.ServeStream(ctx, s)
			ends <- err
			return err
		}))
		first := frametest.Clip{Frames: rounds}.Loop(t, url+"name")
		<-begun
		before := hub.Camera("live/name")
		second := frametest.Clip{Frames: rounds}.Loop(t, url+"name")
		if !takeOver {
			if err := <-ends; !errors.Is(err, capture.ErrLive) {
				t.Errorf("the second publisher ends with %v", err)
			}
			if out, err := second.Wait(); err == nil || !strings.Contains(out, "live already") {
				t.Errorf("ffmpeg is told %q, %v", out, err)
			}
			if hub.Camera("live/name") != before {
				t.Error("the first publisher lost its name")
			}
			first.Kill()
			continue
		}
		<-begun
		if err := <-ends; !errors.Is(err, capture.ErrTakenOver) {
			t.Errorf("the first publisher ends with %v", err)
		}
		if out, err := first.Wait(); err == nil {
			t.Errorf("the first ffmpeg noticed nothing: %s", out)
		}
		still, err := hub.Capture(t.Context(), capture.Request{Stream: "live/name"})
		if err != nil {
			t.Fatal(err)
		}
		start, last := time.Duration(0), time.Duration(0)
		for _, g := range before.History.GOPs() { // the second publisher goes on with the Camera, and counts anew
			if g[0].DTS < last {
				start = g[0].PTS
			}
			last = g[len(g)-1].DTS
		}
		if n := number(t, still); hub.Camera("live/name") != before || n != frameOf(still.PTS, start)%rounds {
			t.Errorf("frame %d at %v of the second publisher, whose first unit is at %v", n, still.PTS, start)
		}
		second.Kill()
	}
}
