package capture_test

import (
	"context"
	"errors"
	"image"
	"io"
	"iter"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
)

// harm is what a hook does when it is to: panic, end its goroutine, or return a picture that is none.
type harm func() *frame.Picture

// rogue is every hook. It does harm where it is told to.
type rogue struct {
	decoder
	harm  harm
	where string
}

func (r *rogue) do(where string) {
	if r.where == where {
		r.harm()
	}
}

func (r *rogue) Allow(context.Context, capture.Request) error { r.do("policy"); return nil }

func (r *rogue) Moderate(context.Context, capture.Request, *frame.Picture) error {
	r.do("moderate")
	return nil
}

func (r *rogue) Put(context.Context, *capture.Still) (string, error) { r.do("store"); return "", nil }

func (r *rogue) Notify(context.Context, capture.Event) { r.do("notify") }

func (r *rogue) Type() string { return "image/x-test" }

func (r *rogue) Encode(io.Writer, *frame.Picture) error { r.do("encode"); return nil }

func (r *rogue) Neighbours([]frame.GOP, int, int) [][]int { r.do("neighbours"); return nil }

func (r *rogue) Enhance(_ context.Context, b *frame.Burst) (*frame.Picture, error) {
	if r.where == "enhance" {
		return r.harm(), nil
	}
	return b.Picture(), nil
}

func (r *rogue) Reserve(ctx context.Context, stream string) (frame.Place, error) {
	r.do("reserve")
	p, err := r.decoder.Reserve(ctx, stream)
	if r.where == "release" {
		p = roguePlace{p, r.harm}
	}
	return p, err
}

func (r *rogue) Cost(frame.AccessUnit) frame.Cost { r.do("cost"); return frame.Cost{} }

// roguePlace does harm once it is given back.
type roguePlace struct {
	frame.Place
	harm harm
}

func (p roguePlace) Release() {
	p.Place.Release()
	p.harm()
}

func (r *rogue) Follow(ctx context.Context, us iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return func(yield func(frame.Latent, error) bool) {
		r.do("follow")
		for l, err := range r.decoder.Follow(ctx, us) {
			r.do("between")
			if r.where == "develop" {
				l.Develop = func() (*frame.Picture, error) { return r.harm(), nil }
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// TestHarmIsContained has each hook do harm in each way. The capture fails with an Error of the step, where it returns at all; the next
// works, with another camera of the same decoder beside it.
func TestHarmIsContained(t *testing.T) {
	steps := map[string]string{
		"policy": "policy", "reserve": "decode", "follow": "decode", "between": "decode", "develop": "decode", "neighbours": "decode",
		"cost": "decode", "release": "enhance",
		"enhance": "enhance", "moderate": "moderate", "encode": "encode", "store": "store", "notify": "notify",
	}
	ours := map[string]bool{"policy": true, "cost": true, "neighbours": true, "moderate": true, "store": true, "notify": true} // on the caller's goroutine
	for about, harm := range map[string]harm{
		"panics":           func() *frame.Picture { panic(errHook) },
		"calls Goexit":     func() *frame.Picture { runtime.Goexit(); return nil },
		"makes no picture": func() *frame.Picture { return nil },
		"makes no pixels":  func() *frame.Picture { return new(frame.Picture) },
		"makes a hollow image": func() *frame.Picture {
			return &frame.Picture{YCbCr: &image.YCbCr{Rect: image.Rect(0, 0, 64, 32), YStride: 64, CStride: 32}}
		},
		"makes an empty image": func() *frame.Picture { return &frame.Picture{YCbCr: new(image.YCbCr)} },
		"makes a strange image": func() *frame.Picture {
			return &frame.Picture{YCbCr: &image.YCbCr{Rect: image.Rect(-9, -9, 9, 9), SubsampleRatio: 77}}
		},
	} {
		picture := about != "panics" && about != "calls Goexit"
		for where, step := range steps {
			if picture && where != "develop" && where != "enhance" {
				continue
			}
			t.Run(where+" "+about, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := &rogue{harm: harm, where: where}
					r.places = make(chan struct{}, 1)
					cam := &capture.Camera{Policy: r, Decoder: r, Enhancer: r, Moderator: r, Encoder: r, Store: r, Notifier: r}
					serve(t, cam, units(30, 10, false))
					var still *capture.Still
					err := errors.New("Capture did not return")
					done := make(chan struct{})
					go func() {
						defer close(done)
						still, err = cam.Capture(t.Context(), capture.Request{})
					}()
					<-done
					var failed *capture.Error
					exits := about == "calls Goexit" && ours[where]
					if !exits && (still != nil || !errors.As(err, &failed) || failed.Step != step) {
						t.Errorf("%v, %v; want an Error of step %s", still, err, step)
					}
					var p *capture.PanicError
					if about == "panics" && (!errors.As(err, &p) || !errors.Is(p, errHook) || len(p.Stack) == 0 || !errors.Is(err, errHook)) {
						t.Errorf("%v does not tell the panic", err)
					}
					r.where = ""
					if picture {
						pass(time.Second) // that the Decoder has none is remembered for a while
					}
					if still, err := cam.Capture(t.Context(), capture.Request{}); err != nil || number(still) != 29 {
						t.Errorf("the next capture: %v", err)
					}
					if n := cam.Stats().Captures; n != 0 {
						t.Errorf("%d captures are under way", n)
					}
				})
			})
		}
	}
}

// TestAScoreThatPanics fails its capture.
func TestAScoreThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &capture.Camera{Decoder: new(decoder), Encoder: encoder{&steps{}}}
		serve(t, cam, units(30, 10, false))
		_, err := cam.Capture(t.Context(), capture.Request{Moment: capture.Best(time.Second, func(*frame.Picture) float64 { panic("score") })})
		var p *capture.PanicError
		if !errors.As(err, &p) || p.Value != "score" {
			t.Error(err)
		}
	})
}

// TestWarmIsContained has a Decoder panic that nobody captures with: the stream goes on, and so do captures once it is well.
func TestWarmIsContained(t *testing.T) {
	for _, where := range []string{"cost", "reserve", "release", "follow", "between"} {
		synctest.Test(t, func(t *testing.T) {
			r := &rogue{harm: func() *frame.Picture { panic(errHook) }, where: where}
			cam := &capture.Camera{Decoder: r, Warm: 1}
			serve(t, cam, units(30, 10, false))
			r.where = ""
			if still, err := cam.Capture(t.Context(), capture.Request{}); err != nil || number(still) != 29 {
				t.Errorf("%s: %v", where, err)
			}
		})
	}
}

// TestPicturesWithOddPlanes: planes may be longer than they need be, each by something else, but no line shorter than the picture.
func TestPicturesWithOddPlanes(t *testing.T) {
	for _, test := range []struct {
		about  string
		odd    func(img *image.YCbCr)
		refuse bool
	}{
		{"more behind Cb than behind Cr", func(img *image.YCbCr) { img.Cb = append(img.Cb, make([]byte, 1000)...) }, false},
		{"a part of a picture", func(img *image.YCbCr) { *img = *img.SubImage(image.Rect(16, 8, 48, 24)).(*image.YCbCr) }, false},
		{"lines of chroma that overlap", func(img *image.YCbCr) { img.CStride = 1 }, true},
		{"lines of luma that overlap", func(img *image.YCbCr) { img.YStride = 1 }, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := &rogue{where: "develop", harm: func() *frame.Picture {
				img := image.NewYCbCr(image.Rect(0, 0, 64, 32), image.YCbCrSubsampleRatio420)
				test.odd(img)
				return &frame.Picture{YCbCr: img}
			}}
			cam := &capture.Camera{Decoder: r}
			serve(t, cam, units(30, 10, false))
			if _, err := cam.Capture(t.Context(), capture.Request{}); (err != nil) != test.refuse || err != nil && !errors.Is(err, capture.ErrCorrupt) {
				t.Errorf("%s: %v", test.about, err)
			}
		})
	}
}
