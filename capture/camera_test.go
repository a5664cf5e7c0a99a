package capture_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// steps records in which order the hooks of a Camera ran. Each fails if its name is in fail.
type steps struct {
	ran  []string
	fail string
}

var errHook = errors.New("hook failed")

func (s *steps) run(name string) error {
	s.ran = append(s.ran, name)
	if s.fail == name {
		return errHook
	}
	return nil
}

type encoder struct{ *steps }

func (e encoder) Type() string { return "image/x-test" }
func (e encoder) Encode(_ context.Context, w io.Writer, _ *frame.Picture) error {
	if _, err := w.Write([]byte("half a file")); err != nil {
		return err
	}
	return e.run("encode")
}

func (s *steps) camera() *capture.Camera {
	return &capture.Camera{
		Policy:  capture.PolicyFunc(func(context.Context, capture.Request) error { return s.run("policy") }),
		Decoder: &decoder{},
		Enhancer: capture.EnhancerFunc(func(_ context.Context, b *frame.Burst) (*frame.Picture, error) {
			return b.Picture(), s.run("enhance")
		}),
		Moderator: capture.ModeratorFunc(func(context.Context, capture.Request, *frame.Picture) error { return s.run("moderate") }),
		Finisher: capture.FinisherFunc(func(_ context.Context, _ capture.Request, p *frame.Picture) (*frame.Picture, error) {
			return p, s.run("finish")
		}),
		Encoder: encoder{s},
		Sealer:  capture.SealerFunc(func(_ context.Context, still *capture.Still) ([]byte, error) { return still.Data, s.run("seal") }),
		Store:   capture.StoreFunc(func(context.Context, *capture.Still) (string, error) { return "shelf 3", s.run("store") }),
		Notifier: capture.NotifierFunc(func(_ context.Context, e capture.Event) {
			if (e.Err == nil) == (e.Still == nil) || e.Request.By != "bob" || e.Request.ID == "" {
				s.ran = append(s.ran, "a wrong event")
			}
			_ = s.run("notify")
		}),
	}
}

func TestStepsRunInOrderAndStopAtTheFirstThatFails(t *testing.T) {
	all := []string{"policy", "enhance", "moderate", "finish", "encode", "seal", "store"}
	for n, fail := range append(slices.Clone(all), "") {
		synctest.Test(t, func(t *testing.T) {
			s := &steps{fail: fail}
			cam := s.camera()
			serve(t, cam, units(10, 10, false))
			still, err := cam.Capture(t.Context(), capture.Request{By: "bob"})
			want := append(slices.Clone(all[:min(n+1, len(all))]), "notify")
			if !slices.Equal(s.ran, want) {
				t.Errorf("%q fails: ran %v, want %v", fail, s.ran, want)
			}
			if fail == "" {
				var names []string
				for _, step := range still.Steps {
					names = append(names, step.Name)
				}
				if err != nil || still.Location != "shelf 3" || string(still.Data) != "half a file" || still.Type != "image/x-test" {
					t.Errorf("%+v, %v", still, err)
				}
				if got := strings.Join(names, " "); got != "policy wait decode enhance moderate finish encode seal store" {
					t.Errorf("steps of the still: %s", got)
				}
				return
			}
			var typed *capture.Error
			if still != nil || !errors.As(err, &typed) || typed.Step != fail || typed.Stream != "live/a" || !errors.Is(err, errHook) {
				t.Errorf("%q fails: %v, %v", fail, still, err)
			}
		})
	}
}

func TestDenyTellsWhy(t *testing.T) {
	cam := &capture.Camera{Decoder: &decoder{}, Policy: capture.PolicyFunc(func(_ context.Context, r capture.Request) error {
		if r.By != "bob" {
			return capture.Deny("only bob may")
		}
		return nil
	})}
	_, err := cam.Capture(t.Context(), capture.Request{By: "eve"})
	if !errors.Is(err, capture.ErrDenied) || !strings.Contains(err.Error(), "only bob may") {
		t.Error(err)
	}
}

func TestCameraWithoutDecoderSaysSo(t *testing.T) {
	if _, err := new(capture.Camera).Capture(t.Context(), capture.Request{}); !errors.Is(err, capture.ErrDecoder) {
		t.Error(err)
	}
}

func TestNilEncoderMakesJPEG(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &capture.Camera{Decoder: &decoder{}}
		serve(t, cam, units(10, 10, false))
		still, err := cam.Capture(t.Context(), capture.Request{})
		if err != nil || still.Type != "image/jpeg" {
			t.Fatal(still, err)
		}
		img, err := jpeg.Decode(bytes.NewReader(still.Data))
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := frametest.Read(img.(*image.YCbCr)); n != 9 || !ok {
			t.Errorf("the file shows picture %d", n)
		}
	})
}

type invert struct{}

func (invert) Apply(_ context.Context, img *image.YCbCr) error {
	for i := range img.Y {
		img.Y[i] = 255 - img.Y[i]
	}
	return nil
}

func TestApplyLeavesTheDecodedPictureAlone(t *testing.T) {
	img := image.NewYCbCr(image.Rect(0, 0, 64, 32), image.YCbCrSubsampleRatio420)
	frametest.Draw(img, 5)
	before := &frame.Picture{YCbCr: img, PTS: 7, Key: true}
	after, err := capture.Apply(invert{}).Enhance(t.Context(), &frame.Burst{Pictures: []*frame.Picture{before}})
	if n, _ := frametest.Read(before.YCbCr); err != nil || n != 5 || after.PTS != 7 || !after.Key {
		t.Errorf("the picture before reads %d, %v", n, err)
	}
	if n, _ := frametest.Read(after.YCbCr); n != 65535-5 {
		t.Errorf("the picture after reads %d", n)
	}
}

// TestDamage captures picture 15 of a stream whose GOPs are ten pictures long, and looks at what stands in for it.
func TestDamage(t *testing.T) {
	for _, test := range []struct {
		about     string
		damage    func(us []frame.AccessUnit)
		tolerance time.Duration
		want      int // -1 for ErrCorrupt
	}{
		{"none", func([]frame.AccessUnit) {}, 0, 15},
		{"the picture itself is damaged", func(us []frame.AccessUnit) { us[15].Data = []byte{1} }, 0, 14},
		{"one that it refers to is damaged", func(us []frame.AccessUnit) { us[12].Data = []byte{1} }, 0, 11},
		{"the next GOP is nearer than what is left of this one", func(us []frame.AccessUnit) { us[11].Data = []byte{1} }, 0, 10},
		{"this GOP is damaged from the start", func(us []frame.AccessUnit) { us[10].Data = []byte{1} }, 0, 20},
		{"the decoder fails at it", func(us []frame.AccessUnit) { us[15].Data = []byte{2} }, 0, 14},
		{"data was lost", func(us []frame.AccessUnit) { us[13].Lost = true }, 0, 12},
		{"a loss later does not matter", func(us []frame.AccessUnit) { us[16].Lost = true }, -1, 15},
		{"damage, and nothing else will do", func(us []frame.AccessUnit) { us[15].Data = []byte{1} }, -1, -1},
		{"damage, and the nearest is too far", func(us []frame.AccessUnit) { us[10].Data = []byte{1} }, 400 * time.Millisecond, -1},
		{"all is damaged", func(us []frame.AccessUnit) {
			for i := range us {
				us[i].Data = []byte{2}
			}
		}, 0, -1},
	} {
		t.Run(test.about, eachDecoder(func(t *testing.T, d capture.Decoder) {
			t.Helper()
			synctest.Test(t, func(t *testing.T) {
				cam := &capture.Camera{Decoder: d}
				us := units(40, 10, false)
				test.damage(us)
				start := time.Now()
				serve(t, cam, us)
				still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.At(start.Add(15 * interval)), Tolerance: test.tolerance})
				if test.want < 0 {
					if !errors.Is(err, capture.ErrCorrupt) {
						t.Errorf("%v, %v; want ErrCorrupt", still, err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if n := number(still); n != test.want {
					t.Errorf("picture %d, want %d", n, test.want)
				}
				if still.Off != test.want-15 {
					t.Errorf("says it is %d pictures off, it is %d", still.Off, test.want-15)
				}
				if told := still.Instead; (told == nil) != (test.want == 15) || told != nil && !errors.Is(told, capture.ErrCorrupt) {
					t.Errorf("says: %v", told)
				}
				if !still.Wanted.Equal(start.Add(15*interval)) || !still.Time.Equal(start.Add(time.Duration(test.want)*interval)) {
					t.Errorf("wanted %v, delivered %v", still.Wanted.Sub(start), still.Time.Sub(start))
				}
			})
		}))
	}
}

// TestBlank captures from a stream whose first two pictures are black.
func TestBlank(t *testing.T) {
	for _, test := range []struct {
		at        time.Duration
		tolerance time.Duration
		want      int // -1: the black one
	}{
		{0, 0, 2}, {interval, 0, 2}, {2 * interval, 0, 2}, {interval, -1, -1}, {0, interval, -1},
	} {
		synctest.Test(t, func(t *testing.T) {
			cam := &capture.Camera{Decoder: &decoder{}}
			us := units(20, 10, false)
			us[0].Data, us[1].Data = []byte{3}, []byte{3}
			start := time.Now()
			serve(t, cam, us)
			still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.At(start.Add(test.at)), Tolerance: test.tolerance})
			if err != nil {
				t.Fatal(err)
			}
			instead := test.want > 0 && test.want != int(test.at/interval)
			if still.Blank != (test.want < 0) || errors.Is(still.Instead, capture.ErrBlank) != instead || number(still) != test.want {
				t.Errorf("at %v: picture %d, blank %v, instead %v", test.at, number(still), still.Blank, still.Instead)
			}
		})
	}
}

func TestDegradedHistoryTellsTheTruth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &capture.Camera{Decoder: &decoder{}, History: frame.History{MaxBytes: 15}}
		start := time.Now()
		serve(t, cam, units(30, 100, false))
		if still, err := cam.Capture(t.Context(), capture.Request{}); !errors.Is(err, capture.ErrForgotten) {
			t.Errorf("newest: %+v, %v", still, err)
		}
		still, err := cam.Capture(t.Context(), capture.Request{Tolerance: time.Minute})
		if err != nil || number(still) != 0 || !errors.Is(still.Instead, capture.ErrForgotten) || still.Age != 29*interval || still.Off != -29 {
			t.Errorf("newest, or what is near: %+v, %v", still, err)
		}
		still, err = cam.Capture(t.Context(), capture.Request{Moment: capture.Keyframe()})
		if err != nil || number(still) != 0 || still.Instead != nil || still.Age != 29*interval {
			t.Errorf("the key picture: %+v, %v", still, err)
		}
		still, err = cam.Capture(t.Context(), capture.Request{Moment: capture.At(start.Add(5 * interval))})
		if err != nil || number(still) != 0 || !errors.Is(still.Instead, capture.ErrForgotten) {
			t.Errorf("a forgotten picture near the key picture: %+v, %v", still, err)
		}
		if _, err = cam.Capture(t.Context(), capture.Request{Moment: capture.At(start.Add(20 * interval))}); !errors.Is(err, capture.ErrForgotten) {
			t.Errorf("a forgotten picture far from it: %v", err)
		}
	})
}

func TestCameraServesOneStreamAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &capture.Camera{Decoder: &decoder{}}
		go serve(t, cam, units(10, 10, false))
		synctest.Wait()
		ranged := false
		second := &frame.Stream{Name: "live/b", Units: func(func(frame.AccessUnit, error) bool) { ranged = true }}
		if err := cam.ServeStream(t.Context(), second); !errors.Is(err, capture.ErrLive) || ranged {
			t.Errorf("%v; ranged %v", err, ranged)
		}
		pass(2 * time.Second)
		broken := &frame.Stream{Name: "live/c", Units: func(yield func(frame.AccessUnit, error) bool) { yield(frame.AccessUnit{}, io.ErrUnexpectedEOF) }}
		if err := cam.ServeStream(t.Context(), broken); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a stream that breaks: %v", err)
		}
	})
}

// TestPublishersDoNotMix lets a second stream begin in the middle of a GOP: its pictures must not decode onto the first one's.
func TestPublishersDoNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &capture.Camera{Decoder: &decoder{}}
		serve(t, cam, units(15, 10, false))
		serve(t, cam, units(100, 10, false)[95:])
		if still, err := cam.Capture(t.Context(), capture.Request{}); err != nil || number(still) != 14 {
			t.Errorf("%+v, %v", still, err)
		}
	})
}

// TestNoKeyUnit captures from a stream that never sends what decoding could begin with.
func TestNoKeyUnit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &capture.Camera{Decoder: &decoder{}}
		go serve(t, cam, units(100, 1000, false)[1:])
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var typed *capture.Error
		if _, err := cam.Capture(ctx, capture.Request{}); !errors.As(err, &typed) || typed.Step != "wait" ||
			!errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if n := cam.History.Size(); n != 0 {
			t.Errorf("%d bytes are remembered that nothing can decode", n)
		}
	})
}
