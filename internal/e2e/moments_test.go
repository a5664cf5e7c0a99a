package e2e_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// noFile is an Encoder for tests that look at the picture alone.
type noFile struct{}

func (noFile) Encode(context.Context, io.Writer, *frame.Picture) error { return nil }
func (noFile) Type() string                                            { return "nothing" }

// recall returns a Camera that remembers units, of one publisher each.
func recall(t *testing.T, publishers ...[]frame.AccessUnit) *capture.Camera {
	t.Helper()
	cam := &capture.Camera{Decoder: &ffmpeg.Decoder{}, Encoder: noFile{}, History: frame.History{MaxAge: time.Hour}}
	for _, units := range publishers {
		s := &frame.Stream{Name: "live/a", Units: func(yield func(frame.AccessUnit, error) bool) {
			for _, u := range units {
				if !yield(u, nil) {
					return
				}
			}
		}}
		if err := cam.ServeStream(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	return cam
}

// relive is recall of one publisher whose stream stays live until the test ends, so that each capture goes on where others have come to.
func relive(t *testing.T, units []frame.AccessUnit) *capture.Camera {
	t.Helper()
	cam := recall(t)
	ctx, end := context.WithCancel(t.Context())
	arrived, ended := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() {
		end()
		<-ended
	})
	go func() {
		defer close(ended)
		s := &frame.Stream{Name: "live/a", Units: func(yield func(frame.AccessUnit, error) bool) {
			for _, u := range units {
				yield(u, nil)
			}
			close(arrived)
			<-ctx.Done()
		}}
		if err := cam.ServeStream(ctx, s); err != nil {
			t.Error(err)
		}
	}()
	<-arrived
	return cam
}

// A tap is a capture, and the number that it must show.
type tap struct {
	moment capture.Moment
	want   int
}

// taps are captures of each picture at its first and its last instant, by both clocks. Those at the end of the stream are left out as long
// as a picture could still come that is shown before them.
func taps(units, shown []frame.AccessUnit) (all []tap) {
	last := units[len(units)-1]
	pts, at := last.DTS, last.Time.Add(last.DTS-last.PTS)
	add := func(n int, p time.Duration, t time.Time) {
		if p <= pts {
			all = append(all, tap{capture.AtPTS(p), n})
		}
		if !t.After(at) {
			all = append(all, tap{capture.At(t), n})
		}
	}
	for n, u := range shown {
		add(n, u.PTS, u.Time)
		if n+1 < len(shown) {
			add(n, shown[n+1].PTS-1, shown[n+1].Time.Add(-1))
		}
	}
	return all
}

// check makes a capture, which must be of the very picture.
func (p tap) check(t *testing.T, cam *capture.Camera, shown []frame.AccessUnit, clean film) {
	t.Helper()
	if !p.try(t, cam, shown, clean) {
		t.Errorf("frame %d, %v: no undamaged picture", p.want, p.moment)
	}
}

// try makes a capture, which must be of the very picture, or be refused as corrupt: then it returns false.
func (p tap) try(t *testing.T, cam *capture.Camera, shown []frame.AccessUnit, clean film) bool {
	t.Helper()
	still, err := cam.Capture(t.Context(), capture.Request{Moment: p.moment, Tolerance: -1})
	if errors.Is(err, capture.ErrCorrupt) {
		return false
	}
	if err != nil {
		t.Errorf("frame %d, %v: %v", p.want, p.moment, err)
		return true
	}
	got, ok := frametest.Read(still.Picture.YCbCr)
	u := &shown[p.want]
	if !ok || got != p.want || still.Instead != nil || still.PTS != u.PTS || !still.Time.Equal(u.Time) || still.Key != u.Key || still.Picture.Corrupt {
		t.Errorf("frame %d, %v: shows %d (%v), PTS %v, key %v, %v", p.want, p.moment, got, ok, still.PTS, still.Key, still.Instead)
	} else if !clean.has(still.Picture) {
		t.Errorf("frame %d, %v: differs from the clean decode", p.want, p.moment)
	}
	return true
}

// A film is the pictures of a stream that was decoded from its beginning to its end, by their presentation time.
type film map[time.Duration]*frame.Picture

func decodeAll(t *testing.T, units []frame.AccessUnit) film {
	t.Helper()
	pictures := make(film)
	for p, err := range new(ffmpeg.Decoder).Decode(t.Context(), units, time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		pictures[p.PTS] = p
	}
	return pictures
}

// has reports whether a picture looks as it must: no block of 64 by 64 is off by more than 30 dB.
//
//go:norace
func (f film) has(p *frame.Picture) bool {
	const side, most = 64, 65 // 255 squared, by a thousand
	want := f[p.PTS]
	if want == nil || want.Rect != p.Rect {
		return false
	}
	for y := 0; y < p.Rect.Dy(); y += side {
		for x := 0; x < p.Rect.Dx(); x += side {
			sum, n := 0, 0
			for by := y; by < min(y+side, p.Rect.Dy()); by++ {
				for bx := x; bx < min(x+side, p.Rect.Dx()); bx++ {
					d := int(p.Y[by*p.YStride+bx]) - int(want.Y[by*want.YStride+bx])
					sum, n = sum+d*d, n+1
				}
			}
			if sum > most*n {
				return false
			}
		}
	}
	return true
}

// TestEveryMoment captures each picture of streams in all codecs: one after the other, in any order, and all at once.
func TestEveryMoment(t *testing.T) {
	for _, r := range recordings() {
		t.Run(r.about, func(t *testing.T) {
			t.Parallel()
			units := r.units(t)
			shown := r.shown(t, units)
			all := taps(units, shown)
			cam, clean := recall(t, units), decodeAll(t, units)
			live := relive(t, units)
			for _, p := range all {
				p.check(t, cam, shown, clean)
				if p.want < momentFrames-momentGOP-8 { // of the newest GOP more may come, for which a capture waits
					p.check(t, live, shown, clean)
				}
			}
			rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for _, p := range all[:len(all)/2] {
				p.check(t, cam, shown, clean)
			}
			cam = recall(t, units)
			var atOnce sync.WaitGroup
			for _, p := range all {
				atOnce.Go(func() { p.check(t, cam, shown, clean) })
			}
			atOnce.Wait()
			cam = recall(t, units)
			newestKey := 0
			for n, u := range shown {
				if u.Key {
					newestKey = n
				}
			}
			tap{capture.Moment{}, momentFrames - 1}.check(t, cam, shown, clean)
			tap{capture.Keyframe(), newestKey}.check(t, cam, shown, clean)
			ago(t, cam, shown)
		})
	}
}

// ago captures pictures that were shown a time ago. Since that runs on, which one is due is told by what the still says was wanted.
func ago(t *testing.T, cam *capture.Camera, shown []frame.AccessUnit) {
	t.Helper()
	for _, n := range []int{0, 7, momentGOP - 1, momentGOP, momentFrames - 10} {
		var asked, wanted time.Time
		var still *capture.Still
		err := context.DeadlineExceeded
		for errors.Is(err, context.DeadlineExceeded) { // it asked so late that it waits for what is after the end
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			wanted, asked = shown[n].Time.Add(time.Millisecond), time.Now()
			still, err = cam.Capture(ctx, capture.Request{Moment: capture.Ago(asked.Sub(wanted)), Tolerance: -1})
			cancel()
		}
		if err != nil {
			t.Errorf("frame %d, a time ago: %v", n, err)
			continue
		}
		want := 0
		for i, u := range shown {
			if !u.Time.After(still.Wanted) {
				want = i
			}
		}
		if got, _ := frametest.Read(still.Picture.YCbCr); got != want || still.Instead != nil || still.Wanted.Before(wanted) || still.Wanted.After(wanted.Add(time.Since(asked))) {
			t.Errorf("frame %d, a time ago: shows %d, wanted %v after it", want, got, still.Wanted.Sub(wanted))
		}
	}
}
