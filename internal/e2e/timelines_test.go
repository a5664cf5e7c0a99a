package e2e_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/fakeclock"
)

// irregular returns units at irregular times: each frame is shown for 10 to 90 ms, every tenth for three seconds.
func irregular(units []frame.AccessUnit) []frame.AccessUnit {
	const tick = time.Second / 30
	shown := make([]time.Duration, momentFrames+20)
	for n := range shown[1:] {
		shown[n+1] = shown[n] + time.Duration(10+n*37%80)*time.Millisecond
		if n%10 == 9 {
			shown[n+1] += 3 * time.Second
		}
	}
	first := units[0].PTS
	units = append([]frame.AccessUnit{}, units...)
	for i := range units {
		u := &units[i]
		n := int((u.PTS-first).Seconds()/tick.Seconds() + 0.5)
		u.DTS = shown[i]
		u.PTS = shown[n+int((units[0].PTS-units[0].DTS+tick/2)/tick)]
		u.Time = frametest.Epoch.Add(u.PTS)
	}
	return units
}

// TestIrregularFrameRate captures each picture of streams whose pictures come as they please, with pauses of seconds.
func TestIrregularFrameRate(t *testing.T) {
	for _, r := range recordings() {
		switch r.about {
		case "H.264", "H.264, a pyramid of B-frames", "H.264, open GOPs", "MJPEG", "AV1":
		default:
			continue
		}
		t.Run(r.about, func(t *testing.T) {
			t.Parallel()
			units := irregular(r.units(t))
			shown := r.shown(t, units)
			cam, clean := recall(t, units), decodeAll(t, units)
			for _, p := range taps(units, shown) {
				p.check(t, cam, shown, clean)
			}
			tap{capture.Moment{}, momentFrames - 1}.check(t, cam, shown, clean)
		})
	}
}

// TestFutureMoments has captures wait for pictures of a live stream, one each and all at once, on a clock that stands still while they decode.
func TestFutureMoments(t *testing.T) {
	for _, r := range recordings() {
		units := r.units(t)
		shown := r.shown(t, units)
		clean := decodeAll(t, units)
		t.Run(r.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cam := &capture.Camera{Decoder: &ffmpeg.Decoder{}, Encoder: noFile{}, History: frame.History{MaxAge: time.Hour}}
				start := time.Now()
				live := make([]frame.AccessUnit, len(shown))
				for n, u := range shown {
					live[n] = u
					live[n].Time = start.Add(u.PTS)
				}
				ctx, stop := context.WithCancel(t.Context())
				var running sync.WaitGroup
				running.Go(func() { _ = cam.ServeStream(ctx, frametest.Live(ctx, "live/a", units)) })
				for n := range shown[:momentFrames-8] {
					running.Go(func() {
						tap{capture.AtPTS(shown[n].PTS + 1), n}.check(t, cam, live, clean)
						if n%5 == 0 {
							tap{capture.At(live[n+1].Time.Add(-1)), n}.check(t, cam, live, clean)
						}
					})
				}
				for n := 1; n < momentFrames-9; n += 4 {
					fakeclock.Pass(time.Until(live[n].Time.Add(time.Millisecond)))
					tap{capture.At(live[n+1].Time.Add(time.Millisecond)), n + 1}.check(t, cam, live, clean)
				}
				running.Wait()
				stop()
				fakeclock.Pass(2 * time.Second) // for the Camera to forget what it decoded
			})
		})
	}
}

// TestASecondPublisher begins to count anew: presentation times mean its own pictures, wall-clock times those of both. Its open GOPs do
// not refer to the first one's.
func TestASecondPublisher(t *testing.T) {
	for _, r := range recordings() {
		switch r.about {
		case "H.264", "H.264, open GOPs", "H.265, open GOPs", "MPEG-4, B-frames":
		default:
			continue
		}
		t.Run(r.about, func(t *testing.T) {
			t.Parallel()
			first := r.units(t)
			begin := 1
			for !first[begin].Key {
				begin++
			}
			second := append([]frame.AccessUnit{}, first[begin:]...)
			for i := range second {
				second[i].PTS -= first[begin].DTS // it counts from where it begins
				second[i].DTS -= first[begin].DTS
				second[i].Time = second[i].Time.Add(time.Minute)
			}
			cam := recall(t, first, second)
			shown := r.shown(t, first)
			clean := decodeAll(t, first)
			for n, u := range shown[:momentFrames-8] {
				tap{capture.At(u.Time), n}.check(t, cam, shown, clean)
			}
			refused := 0
			for n, u := range shown[momentGOP-3 : momentFrames-8] {
				n += momentGOP - 3
				still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.AtPTS(u.PTS - first[begin].DTS), Tolerance: -1})
				if err != nil {
					refused++
					continue
				}
				if got, _ := frametest.Read(still.Picture.YCbCr); got != n || !still.Time.Equal(u.Time.Add(time.Minute)) {
					t.Errorf("frame %d: shows %d, at %v", n, got, still.Time)
				}
			}
			if refused > 8 {
				t.Errorf("%d captures are refused", refused)
			}
		})
	}
}
