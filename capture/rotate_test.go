package capture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/turn"
)

// hung is the decoder of a camera that hangs so that its pictures are upright when they are turned clockwise by so many degrees.
type hung struct {
	*decoder
	degrees int
	made    map[time.Duration]*frame.Picture // by PTS, and given again to whoever wants them
}

func (d hung) Follow(ctx context.Context, us iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return func(yield func(frame.Latent, error) bool) {
		for l, err := range d.decoder.Follow(ctx, us) {
			develop := l.Develop
			l.Develop = func() (*frame.Picture, error) {
				if p := d.made[l.PTS]; p != nil {
					return p, nil
				}
				p, err := develop()
				if err == nil {
					p.YCbCr = turn.Picture(p.YCbCr, -d.degrees, false, image.NewYCbCr)
					p.Changes = frame.Squared
					d.made[l.PTS] = p
				}
				return p, err
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

func (d hung) Decode(ctx context.Context, g frame.GOP, from time.Time) iter.Seq2[*frame.Picture, error] {
	return func(yield func(*frame.Picture, error) bool) {
		for p, err := range d.decoder.Decode(ctx, g, from) {
			if err == nil {
				p.YCbCr = turn.Picture(p.YCbCr, -d.degrees, false, image.NewYCbCr)
				p.Changes = frame.Squared
			}
			if !yield(p, err) {
				return
			}
		}
	}
}

// What a Camera delivers is turned, whatever the Decoder and the moment, and so is all that its hooks see. The file is, too, and the still says it.
func TestRotate(t *testing.T) {
	for _, degrees := range []int{0, 90, 180, 270} {
		for _, whole := range []bool{false, true} {
			t.Run(fmt.Sprint(degrees, whole), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var d capture.Decoder = hung{new(decoder), degrees, map[time.Duration]*frame.Picture{}}
					if whole {
						d = plain{d}
					}
					m := &merger{places: []int{-2, -1}}
					cam := &capture.Camera{Decoder: d, Rotate: degrees, Enhancer: m}
					serve(t, cam, units(30, 10, true))
					for _, moment := range []capture.Moment{{}, capture.Ago(500 * time.Millisecond), capture.Keyframe(), capture.Best(time.Second, nil), {}} {
						still, err := cam.Capture(t.Context(), capture.Request{Moment: moment})
						if err != nil {
							t.Fatal(err)
						}
						want := int((still.PTS) / interval)
						if got := number(still); got != want || still.Picture.Rect != image.Rect(0, 0, 64, 32) {
							t.Errorf("%v: shows %d, want %d; %v", moment, got, want, still.Picture.Rect)
						}
						img, err := jpeg.Decode(bytes.NewReader(still.Data))
						if err != nil {
							t.Fatal(err)
						}
						if n, ok := frametest.Read(img.(*image.YCbCr)); !ok || n != want {
							t.Errorf("%v: the file shows %d", moment, n)
						}
						did := map[bool]string{true: "squared, turned", false: "squared"}[degrees != 0]
						for _, step := range still.Steps {
							if told := map[string]string{capture.StepDecode: did}[step.Name]; step.Did != told {
								t.Errorf("%v: %s did %q, want %q", moment, step.Name, step.Did, told)
							}
						}
						if p := still.Literal; p != nil && p.Rect != still.Picture.Rect {
							t.Errorf("%v: the literal one is %v", moment, p.Rect)
						}
						for _, r := range still.Ranked {
							if r.Picture != nil && r.Rect != still.Picture.Rect {
								t.Errorf("%v: one that was looked at is %v", moment, r.Rect)
							}
						}
					}
					m.mu.Lock()
					defer m.mu.Unlock()
					for _, b := range m.bursts {
						for _, n := range b.shown {
							if n < 0 {
								t.Errorf("a neighbour is not as it should be: %v", b)
							}
						}
					}
				})
			})
		}
	}
}

// Angles that there are not are an error that says so.
func TestRotateByNonsense(t *testing.T) {
	for _, degrees := range []int{1, 45, 360, -90, 1 << 40} {
		cam := &capture.Camera{Decoder: &decoder{}, Rotate: degrees}
		_, err := cam.Capture(t.Context(), capture.Request{})
		var typed *capture.Error
		want := fmt.Sprintf("capture: decode: camera is rotated by an angle that is none of 0, 90, 180, 270: %d", degrees)
		if !errors.Is(err, capture.ErrRotate) || !errors.As(err, &typed) || err.Error() != want {
			t.Errorf("%d: %v", degrees, err)
		}
	}
}

// What it takes to turn pictures is paid for: there is one more while it is turned, and one that lies on its side may need more chroma.
func TestRotateIsPaidFor(t *testing.T) {
	const picture, decoding = 64 * 32 * 3 / 2, 100_000 // a fourth of a Budget is for decoding
	for _, tt := range []struct {
		degrees int
		bytes   int64
	}{{0, 4 * decoding}, {180, 4 * (decoding + picture)}, {90, 4 * (decoding + picture)}} {
		for _, lacking := range []int64{0, 4} {
			synctest.Test(t, func(t *testing.T) {
				d := &costly{cost: frame.Cost{Picture: picture, Decoding: decoding}}
				cam := &capture.Camera{Decoder: d, Rotate: tt.degrees, Budget: &frame.Budget{Bytes: tt.bytes - lacking}}
				serve(t, cam, units(10, 10, false))
				_, err := cam.Capture(t.Context(), capture.Request{})
				if lacking == 0 && err != nil || lacking > 0 && !errors.Is(err, capture.ErrTooCostly) {
					t.Errorf("by %d degrees, %d bytes too few: %v", tt.degrees, lacking, err)
				}
			})
		}
	}
}
