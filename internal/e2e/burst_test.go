package e2e_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

var _ capture.Merger = enhance.Fuse{}

// bursts is a Merger that wants what Fuse does, and has each Burst looked at in place of merging it.
type bursts struct {
	enhance.Fuse
	look func(b *frame.Burst)
}

func (m bursts) Enhance(_ context.Context, b *frame.Burst) (*frame.Picture, error) {
	m.look(b)
	return b.Picture(), nil
}

// TestBursts looks at the neighbours of pictures of streams in all codecs: each must be the very one that its presentation time says.
func TestBursts(t *testing.T) {
	for _, r := range recordings() {
		t.Run(r.about, func(t *testing.T) {
			t.Parallel()
			units := r.units(t)
			shown := r.shown(t, units)
			numbers := make(map[time.Duration]int)
			for n, u := range shown {
				numbers[u.PTS] = n
			}
			clean := decodeAll(t, units)
			cam := recall(t, units)
			cam.Enhancer = bursts{look: func(b *frame.Burst) {
				for i, p := range b.Pictures {
					want, known := numbers[p.PTS]
					if got, ok := frametest.Read(p.YCbCr); !known || !ok || got != want || p.Corrupt || !clean.has(p) {
						t.Errorf("neighbour at %v shows %d, not %d, or not as a clean decode", p.PTS, got, want)
					}
					if i > 0 && p.PTS <= b.Pictures[i-1].PTS {
						t.Errorf("picture at %v comes after that at %v", p.PTS, b.Pictures[i-1].PTS)
					}
				}
			}}
			var atOnce sync.WaitGroup
			for _, n := range []int{0, 1, momentGOP - 1, momentGOP, momentGOP + 7, 2*momentGOP - 1, 2 * momentGOP, momentFrames - 5} {
				check := func() {
					still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.AtPTS(shown[n].PTS), Tolerance: -1})
					if err != nil {
						t.Error(err)
						return
					}
					if got, _ := frametest.Read(still.Picture.YCbCr); got != n || still.PTS != shown[n].PTS || still.Merged < 2 {
						t.Errorf("frame %d: shows %d, made of %d", n, got, still.Merged)
					}
				}
				check()
				atOnce.Go(check)
			}
			atOnce.Wait()
		})
	}
}

// TestRefineLive refines the newest picture of a publisher that sends in real time.
func TestRefineLive(t *testing.T) {
	for _, bframes := range []int{0, 3} {
		var cam *capture.Camera
		begun := make(chan bool, 1)
		var start time.Duration
		var pts []time.Duration // of the newest burst
		hub := &capture.Hub{NewCamera: func(*frame.Stream) (*capture.Camera, error) {
			cam = camera()
			cam.Enhancer = bursts{look: func(b *frame.Burst) {
				pts = nil
				for _, p := range b.Pictures {
					pts = append(pts, p.PTS)
				}
			}}
			return cam, nil
		}}
		url := listen(t, frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
			s.Units = beforeEach(s.Units, func(n int) {
				if n == 40 {
					start = cam.History.GOPs()[0][0].PTS
					begun <- true
				}
			})
			return hub.ServeStream(ctx, s)
		}))
		publisher := frametest.Clip{Frames: rounds, GOP: rounds, BFrames: bframes}.Loop(t, url+"a")
		<-begun
		for ahead := 0; ahead < 3; { // if the publisher stalls there are fewer in time: then it is tried again
			first := -1
			for still, err := range hub.Refine(t.Context(), capture.Request{Stream: "live/a", Lookahead: 100 * time.Millisecond}) {
				if err != nil {
					t.Fatal(err)
				}
				n, last := number(t, still), frameOf(pts[len(pts)-1], start)
				switch {
				case !still.Refined:
					first = n
					if n != last%rounds || still.Merged != 1 {
						t.Errorf("first: frame %d of %d", n, still.Merged)
					}
				case n != first || still.Merged != len(pts):
					t.Errorf("refined: frame %d instead of %d, of %d", n, first, still.Merged)
				}
				ahead = last - frameOf(still.PTS, start)
			}
		}
		publisher.Kill()
	}
}
