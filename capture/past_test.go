package capture_test

import (
	"context"
	"errors"
	"image"
	"iter"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/fakeclock"
	"github.com/livestill/livestill/internal/publishers"
)

// simple is a Decoder that makes a picture of each unit, in no time.
type simple struct{}

func (simple) Decode(_ context.Context, g frame.GOP, from time.Time) iter.Seq2[*frame.Picture, error] {
	return func(yield func(*frame.Picture, error) bool) {
		for i := range g {
			p := &frame.Picture{PTS: g[i].PTS, Time: g[i].Time, YCbCr: image.NewYCbCr(image.Rect(0, 0, 64, 32), image.YCbCrSubsampleRatio420)}
			frametest.Draw(p.YCbCr, 1)
			if !g[i].Time.Before(from) && !yield(p, nil) {
				return
			}
		}
	}
}

// stamped returns the units of a publisher that begins at a time, as a Clock has them, and the number of each picture by its Time.
func stamped(p *publishers.Publisher, begin time.Time) (units []frame.AccessUnit, pictures map[time.Time]int) {
	pictures = make(map[time.Time]int)
	var clock frame.Clock
	var key, last, shift time.Duration
	for i, from := range p.Units {
		if from.DTS+shift < last { // where timestamps step back, sources go on
			shift = last + time.Duration(float64(time.Second)/p.FPS) - from.DTS
		}
		last = from.DTS + shift
		u := frame.AccessUnit{Codec: frame.VP9, PTS: from.PTS + shift, DTS: last, Data: []byte{0x84}}
		if i == 0 || from.Key && from.Arrival-key >= time.Second {
			u.Key, u.Data, key = true, []byte{0x80}, from.Arrival
		}
		clock.Stamp(&u, begin.Add(from.Arrival))
		units, pictures[u.Time] = append(units, u), from.Picture
	}
	return units, pictures
}

// publish serves the units of a publisher to a Camera. It is silent for a while after the last one, and then the stream ends.
func publish(ctx context.Context, cam *capture.Camera, p *publishers.Publisher, units []frame.AccessUnit, silent time.Duration) error {
	begin := time.Now()
	return cam.ServeStream(ctx, &frame.Stream{Name: "live/a", Units: func(yield func(frame.AccessUnit, error) bool) {
		for i, u := range units {
			fakeclock.Pass(time.Until(begin.Add(p.Units[i].Arrival)))
			if !yield(u, nil) {
				return
			}
		}
		fakeclock.Pass(silent)
	}})
}

// TestThePastIsDecided captures what publishers of all kinds have shown a while ago, by Ago and by At: while they send, while they are silent, and
// when they have ended. It is known at once, or after what the picture may be late; it is a picture that a viewer saw then, give or take 150 ms;
// and it says how long ago that was, at least.
func TestThePastIsDecided(t *testing.T) {
	seed := uint64(0)
	for p := range publishers.All(4, 25*time.Second) {
		seed++
		synctest.Test(t, func(t *testing.T) {
			const silent, left = 3 * time.Second, 3 * time.Second
			r := rand.New(rand.NewPCG(seed, 3))
			cam := &capture.Camera{Decoder: simple{}}
			begin := time.Now()
			units, pictures := stamped(p, begin)
			go func() {
				if err := publish(t.Context(), cam, p, units, silent); err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
			ends := p.Units[len(p.Units)-1].Arrival + silent
			for time.Since(begin) < ends+left {
				pass(time.Duration(r.Int64N(int64(600 * time.Millisecond))))
				asked, ago := time.Now(), time.Duration(r.Int64N(int64(4*time.Second)))
				at := asked.Add(-ago)
				from, to, ok := p.Saw(at.Sub(begin), 150*time.Millisecond)
				if !ok {
					continue // the stream begins
				}
				m := capture.Ago(ago)
				if r.IntN(2) == 0 {
					m = capture.At(at)
				}
				still, err := cam.Capture(t.Context(), capture.Request{Moment: m, Tolerance: -1})
				if waited := time.Since(asked); waited > max(0, frame.MaxLate-ago) {
					t.Errorf("%s: %v of %v, %v after the begin, waited %v", p.About, m, ago, asked.Sub(begin), waited)
					break
				}
				if errors.Is(err, capture.ErrNotLive) && at.Sub(begin) >= ends {
					continue
				}
				if err != nil {
					t.Errorf("%s: %v of %v, %v after the begin: %v", p.About, m, ago, asked.Sub(begin), err)
					break
				}
				if n := pictures[still.Time]; n < from || n > to || still.Instead != nil {
					t.Errorf("%s: %v of %v, %v after the begin: picture %d, to a viewer %d to %d", p.About, m, ago, asked.Sub(begin), n, from, to)
					break
				}
				if still.Age < ago || still.Age-still.Backlog != asked.Sub(still.Time) {
					t.Errorf("%s: %v: it says it is %v old, its backlog %v", p.About, m, still.Age, still.Backlog)
				}
			}
			pass(time.Minute) // until the stream has ended
		})
	}
}
