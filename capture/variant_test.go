package capture_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"iter"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/frame"
)

// sized is an Encoder whose files say how large the picture is, what its first pixel is, and with what quality they were asked for.
type sized struct {
	media   string // type
	lacking bool   // it is not there
	n       *atomic.Int64
}

func (s sized) Type() string { return s.media }

func (s sized) Encode(ctx context.Context, w io.Writer, p *frame.Picture) error {
	return s.EncodeQuality(ctx, w, p, 0)
}

func (s sized) EncodeQuality(_ context.Context, w io.Writer, p *frame.Picture, quality int) error {
	if s.n != nil {
		s.n.Add(1)
	}
	if s.lacking {
		return fmt.Errorf("%w: no %s here", frame.ErrUnsupported, s.media)
	}
	_, err := fmt.Fprintf(w, "%v %d q%d", p.Rect.Max, p.Y[0], quality)
	return err
}

// bands is an Enhancer whose pictures are of these bands, side by side, of twenty pixels each.
type bands []uint8

func (b bands) Enhance(_ context.Context, burst *frame.Burst) (*frame.Picture, error) {
	p := *burst.Picture()
	p.YCbCr = image.NewYCbCr(image.Rect(0, 0, 20*len(b), 40), image.YCbCrSubsampleRatio420)
	for i := range p.Y {
		p.Y[i] = b[i%p.YStride/20]
	}
	for i := range p.Cb {
		p.Cb[i], p.Cr[i] = 128, 128
	}
	return &p, nil
}

// small returns a Camera with two Variants, whose decoded pictures are of 64 by 32, and enhanced ones of 60 by 40.
func small() *capture.Camera {
	return &capture.Camera{
		Decoder: &decoder{}, Enhancer: bands{50, 128, 200}, Encoder: sized{media: "image/x-test"}, Encoders: []capture.Encoder{nil, sized{media: "image/x-other"}},
		Variants: []capture.Variant{{Name: "thumb", Width: 30}, {Name: "raw", Plain: true, Type: "image/x-other", Quality: 7}},
	}
}

func capturedBy(t *testing.T, cam *capture.Camera, r capture.Request) (*capture.Still, error) {
	t.Helper()
	serve(t, cam, units(10, 10, false))
	return cam.Capture(t.Context(), r)
}

// describe says which files a still has.
func describe(s *capture.Still) string {
	var files []string
	for _, s := range append([]*capture.Still{s}, s.Variants...) {
		switch {
		case s.Err != nil:
			files = append(files, s.Variant+": "+s.Err.Error())
		case s.Data != nil:
			files = append(files, fmt.Sprintf("%s: %s %s", s.Variant, s.Type, s.Data))
		}
	}
	return strings.Join(files, "; ")
}

// TestWhichVariants asks for some of a Camera's, and for the asker's own.
func TestWhichVariants(t *testing.T) {
	const main, thumb, raw = ": image/x-test (60,40) 50 q0", "thumb: image/x-test (30,20) 50 q0", "raw: image/x-other (64,32) 32 q7"
	for _, test := range []struct {
		request  string
		want     string
		enhanced bool
	}{
		{`{}`, main + "; " + thumb + "; " + raw, true},
		{`{"variants":null}`, main + "; " + thumb + "; " + raw, true},
		{`{"variants":[""]}`, main, true},
		{`{"variants":["thumb"]}`, thumb, true},
		{`{"variants":["raw","raw"]}`, raw, false},
		{`{"variants":["raw",""]}`, main + "; " + raw, true},
		{`{"variants":[],"own":[{"name":"mine","width":10,"height":10,"fit":"fill","quality":3}]}`, "mine: image/x-test (10,10) 50 q3", true},
		{`{"variants":[""],"own":[{"name":"a","type":"IMAGE/X-Other","plain":true},{"name":"b","crop":{"x":20,"y":4,"width":8,"height":4}}]}`,
			main + "; a: image/x-other (64,32) 32 q0; b: image/x-test (8,4) 128 q0", true},
		{`{"own":[{"name":"a","width":640,"enlarge":true},{"name":"b","width":640}]}`, main + "; " + thumb + "; " + raw +
			"; a: image/x-test (640,427) 50 q0; b: image/x-test (60,40) 50 q0", true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var r capture.Request
			if err := json.Unmarshal([]byte(test.request), &r); err != nil {
				t.Fatal(err)
			}
			cam := small()
			shelf := &store.Mem{}
			cam.Store = shelf
			still, err := capturedBy(t, cam, r)
			if err != nil {
				t.Fatalf("%s: %v", test.request, err)
			}
			if got := describe(still); got != test.want {
				t.Errorf("%s:\n%s, want\n%s", test.request, got, test.want)
			}
			if slices.ContainsFunc(still.Steps, func(s capture.Step) bool { return s.Name == capture.StepEnhance }) != test.enhanced {
				t.Errorf("%s: %v", test.request, still.Steps)
			}
			stores := slices.ContainsFunc(still.Steps, func(s capture.Step) bool { return s.Name == capture.StepStore })
			if stores != (still.Data != nil) {
				t.Errorf("%s: of %d bytes: %v", test.request, len(still.Data), still.Steps)
			}
			if (still.Picture != nil) != (still.Data != nil) {
				t.Errorf("%s: the still has a picture %v, and %d bytes", test.request, still.Picture, len(still.Data))
			}
			var stored []string
			for s, err := range shelf.List(t.Context(), capture.Selection{ID: still.ID}) {
				if err != nil {
					t.Fatal(err)
				}
				stored = append(stored, s.Variant)
			}
			if n := strings.Count(test.want, ";") + 1; len(stored) != n {
				t.Errorf("%s: %d files are stored, want %d: %q", test.request, len(stored), n, stored)
			}
			for _, v := range still.Variants {
				opened, err := shelf.Open(t.Context(), v.Location)
				if err != nil {
					t.Fatal(err)
				}
				data, err := io.ReadAll(opened)
				if err != nil || string(data) != string(v.Data) || opened.Still.Variant != v.Variant || opened.Still.ID != still.ID || opened.Still.PTS != still.PTS {
					t.Errorf("%s: %s has %q of %v, %v", v.Location, v.Variant, data, opened.Still, err)
				}
			}
			if n, err := shelf.Delete(t.Context(), capture.Selection{ID: still.ID}); err != nil || n != len(stored) {
				t.Errorf("%s: deleted %d, %v", test.request, n, err)
			}
		})
	}
}

// TestVariantSizes makes pictures of all sizes of one of 60 by 40, whose thirds are dark, grey and bright.
func TestVariantSizes(t *testing.T) {
	for _, test := range []struct {
		v    capture.Variant
		size image.Point
		row  string // the middle row: b for black, 1 to 3 for the bands, a run of each as one
	}{
		{capture.Variant{}, image.Pt(60, 40), "123"},
		{capture.Variant{Width: 30}, image.Pt(30, 20), "123"},
		{capture.Variant{Height: 13}, image.Pt(20, 13), "123"},
		{capture.Variant{Width: 30, Height: 30}, image.Pt(30, 20), "123"},
		{capture.Variant{Width: 50, Height: 10}, image.Pt(15, 10), "123"},
		{capture.Variant{Width: 1, Height: 1}, image.Pt(1, 1), ""},
		{capture.Variant{Width: 600}, image.Pt(60, 40), "123"},
		{capture.Variant{Width: 90, Enlarge: true}, image.Pt(90, 60), "123"},
		{capture.Variant{Width: 90, Height: 80, Enlarge: true}, image.Pt(90, 60), "123"},
		{capture.Variant{Width: 30, Height: 30, Fit: capture.Fill}, image.Pt(30, 30), "123"},
		{capture.Variant{Width: 10, Height: 40, Fit: capture.Fill}, image.Pt(10, 40), "2"},
		{capture.Variant{Width: 80, Height: 80, Fit: capture.Fill}, image.Pt(40, 40), "123"},
		{capture.Variant{Width: 80, Height: 80, Fit: capture.Fill, Enlarge: true}, image.Pt(80, 80), "123"},
		{capture.Variant{Width: 30, Height: 30, Fit: capture.Pad}, image.Pt(30, 30), "123"},
		{capture.Variant{Width: 60, Height: 20, Fit: capture.Pad}, image.Pt(60, 20), "b123b"},
		{capture.Variant{Width: 81, Height: 41, Fit: capture.Pad}, image.Pt(81, 41), "b123b"},
		{capture.Variant{Width: 80, Height: 50, Fit: capture.Pad, Enlarge: true}, image.Pt(80, 50), "b123b"},
		{capture.Variant{Width: 20, Height: 30, Fit: capture.Stretch}, image.Pt(20, 30), "123"},
		{capture.Variant{Width: 80, Height: 30, Fit: capture.Stretch}, image.Pt(60, 30), "123"},
		{capture.Variant{Width: 80, Height: 90, Fit: capture.Stretch, Enlarge: true}, image.Pt(80, 90), "123"},
		{capture.Variant{Crop: capture.Crop{X: 20, Y: 3, Width: 20, Height: 9}}, image.Pt(20, 9), "2"},
		{capture.Variant{Crop: capture.Crop{X: 39, Y: 39, Width: 21, Height: 1}}, image.Pt(21, 1), "23"},
		{capture.Variant{Crop: capture.Crop{X: 40, Width: 20, Height: 40}, Width: 10}, image.Pt(10, 20), "3"},
		{capture.Variant{Crop: capture.Crop{X: 5, Width: 10, Height: 40}, Width: 10, Height: 10, Fit: capture.Fill}, image.Pt(10, 10), "1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			cam := small()
			test.v.Name = "v"
			cam.Variants = []capture.Variant{test.v}
			still, err := capturedBy(t, cam, capture.Request{Variants: []string{"v"}})
			if err != nil {
				t.Fatalf("%+v: %v", test.v, err)
			}
			p := still.Variants[0].Picture
			if p.Rect != (image.Rectangle{Max: test.size}) {
				t.Errorf("%+v: it is %v, want %v", test.v, p.Rect, test.size)
			}
			row := ""
			for x := range p.Rect.Dx() {
				c := p.YCbCrAt(x, p.Rect.Dy()/2)
				for name, luma := range map[string]uint8{"b": 0, "1": 50, "2": 128, "3": 200} {
					if max(c.Y, luma)-min(c.Y, luma) <= 2 && c.Cb == 128 && c.Cr == 128 && !strings.HasSuffix(row, name) {
						row += name
					}
				}
			}
			if row != test.row {
				t.Errorf("%+v: its row is %s, want %s", test.v, row, test.row)
			}
			steps := still.Variants[0].Steps
			i := slices.IndexFunc(steps, func(s capture.Step) bool { return s.Name == capture.StepScale })
			did := fmt.Sprintf("%dx%d", test.size.X, test.size.Y)
			if test.v.Crop == (capture.Crop{}) && test.size == image.Pt(60, 40) {
				did = "" // nothing was scaled
			}
			if i < 0 || steps[i].Did != did {
				t.Errorf("%+v: %v", test.v, steps)
			}
		})
	}
}

// TestOneSideIsExact: of a Variant with a Width or a Height alone that side is as asked for, and the other follows, with no bars and nothing cut off.
func TestOneSideIsExact(t *testing.T) {
	for _, picture := range []image.Point{{1280, 720}, {720, 1280}, {1920, 1080}, {640, 480}, {1001, 17}, {3, 1000}, {1, 1}} {
		for _, crop := range []capture.Crop{{}, {X: picture.X / 3, Y: picture.Y / 4, Width: (picture.X + 1) / 2, Height: (picture.Y + 2) / 3}} {
			part := image.Rectangle{Max: picture}
			if crop != (capture.Crop{}) {
				part = image.Rect(crop.X, crop.Y, crop.X+crop.Width, crop.Y+crop.Height)
			}
			for fit := capture.Within; fit <= capture.Stretch; fit++ {
				for side := 1; side <= 1400; side++ {
					for _, v := range []capture.Variant{{Width: side}, {Height: side}} {
						v.Name, v.Fit, v.Crop, v.Enlarge = "v", fit, crop, true
						checkOneSide(t, v, picture, part)
						if v.Enlarge = false; v.Width <= part.Dx() && v.Height <= part.Dy() {
							checkOneSide(t, v, picture, part)
						}
					}
				}
			}
		}
	}
}

func checkOneSide(t *testing.T, v capture.Variant, picture image.Point, part image.Rectangle) {
	t.Helper()
	rounded := func(a, b, c int) int { return max(1, int(math.Round(float64(a)*float64(b)/float64(c)))) }
	want := image.Pt(v.Width, rounded(v.Width, part.Dy(), part.Dx()))
	if v.Width == 0 {
		want = image.Pt(rounded(v.Height, part.Dx(), part.Dy()), v.Height)
	}
	from, size, to, err := v.Layout(picture)
	if max(want.X, want.Y) > 1<<14 {
		return // it is too large
	}
	if err != nil || size != want || from != part || to != (image.Rectangle{Max: size}) {
		t.Fatalf("%+v of %v: %v becomes %v of %v, %v; want %v", v, picture, from, to, size, err, want)
	}
}

// TestBadVariants: what cannot be made is an ErrVariant that says so, and what to do, and nothing is decoded but for what needs the picture.
func TestBadVariants(t *testing.T) {
	big := 100_000
	for _, test := range []struct {
		name string
		cam  []capture.Variant
		r    capture.Request
		want string
	}{
		{"no name", []capture.Variant{{}}, capture.Request{}, "take 1 to 64 letters"},
		{"a slash", []capture.Variant{{Name: "a/b"}}, capture.Request{}, "take 1 to 64 letters"},
		{"a dot in front", []capture.Variant{{Name: ".."}}, capture.Request{}, "without a dot in front"},
		{"a long name", []capture.Variant{{Name: strings.Repeat("x", 65)}}, capture.Request{}, "take 1 to 64 letters"},
		{"two of a name", []capture.Variant{{Name: "a"}, {Name: "a", Width: 3}}, capture.Request{}, "two of the name a"},
		{"two of a name asked for", []capture.Variant{{Name: "a"}, {Name: "a"}}, capture.Request{Variants: []string{"a"}}, "two of the name a"},
		{"a negative width", []capture.Variant{{Name: "a", Width: -1}}, capture.Request{}, "ask for 1 to 16384"},
		{"a huge height", []capture.Variant{{Name: "a", Height: big}}, capture.Request{}, "ask for 1 to 16384"},
		{"many pixels", []capture.Variant{{Name: "a", Width: 16384, Height: 16384}}, capture.Request{}, "ask for 67108864 pixels at most"},
		{"no fit", []capture.Variant{{Name: "a", Fit: 9}}, capture.Request{}, "ask for one of [within fill pad stretch]"},
		{"an empty crop", []capture.Variant{{Name: "a", Crop: capture.Crop{X: 3}}}, capture.Request{}, "with a width and a height"},
		{"a negative crop", []capture.Variant{{Name: "a", Crop: capture.Crop{X: -3, Width: 9, Height: 9}}}, capture.Request{}, "ask for a part of the picture"},
		{"an absurd crop", []capture.Variant{{Name: "a", Crop: capture.Crop{X: 1, Width: 1<<63 - 1, Height: 9}}}, capture.Request{}, "ask for a part of the picture"},
		{"a crop outside", []capture.Variant{{Name: "a", Crop: capture.Crop{X: 50, Width: 11, Height: 9}}}, capture.Request{}, "of a picture of 60x40: ask for a part of it"},
		{"a tall one", []capture.Variant{{Name: "a", Width: 3000, Enlarge: true, Crop: capture.Crop{Width: 1, Height: 40}}}, capture.Request{}, "it would be 3000x120000"},
		{"a quality", []capture.Variant{{Name: "a", Quality: 101}}, capture.Request{}, "ask for 1 to 100"},
		{"a quality that is not taken", []capture.Variant{{Name: "a", Quality: 10, Encoder: encoder{&steps{}}}}, capture.Request{}, "leave Quality zero"},
		{"no such type", []capture.Variant{{Name: "a", Type: "image/x"}}, capture.Request{}, "there are image/x-test, image/x-other"},
		{"a type that is not its Encoder's", []capture.Variant{{Name: "a", Type: "image/jpeg", Encoder: sized{media: "image/png"}}}, capture.Request{},
			`a as "image/jpeg" by an Encoder of image/png: leave Type empty`},
		{"two that differ by case", []capture.Variant{{Name: "a"}, {Name: "A"}}, capture.Request{}, "two of the name a, case aside"},
		{"two that differ by case, one asked for", []capture.Variant{{Name: "a"}, {Name: "A"}}, capture.Request{Variants: []string{"A"}}, "two of the name A"},
		{"an own one that differs by case", []capture.Variant{{Name: "a"}}, capture.Request{Variants: []string{""}, Own: []capture.Variant{{Name: "A"}}}, "two of the name A"},
		{"two own ones that differ by case", nil, capture.Request{Own: []capture.Variant{{Name: "a"}, {Name: "A"}}}, "two of the name A"},
		{"no such name", []capture.Variant{{Name: "a"}}, capture.Request{Variants: []string{"b"}}, `there are "", "a"`},
		{"no file", []capture.Variant{{Name: "a"}}, capture.Request{Variants: []string{}}, "no file is asked for"},
		{"an own one of a name that is there", []capture.Variant{{Name: "a"}}, capture.Request{Variants: []string{""}, Own: []capture.Variant{{Name: "a"}}}, "two of the name a"},
		{"two own ones", nil, capture.Request{Own: []capture.Variant{{Name: "a"}, {Name: "a"}}}, "two of the name a"},
		{"many own ones", nil, capture.Request{Own: make([]capture.Variant, 17)}, "ask for 16 at most"},
	} {
		synctest.Test(t, func(t *testing.T) {
			cam := small()
			cam.Variants = test.cam
			cam.Store = &store.Mem{}
			still, err := capturedBy(t, cam, test.r)
			var failed *capture.Error
			if still != nil || !errors.Is(err, capture.ErrVariant) || !errors.As(err, &failed) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, %v; want %s", test.name, still, err, test.want)
			}
			if stats := cam.Store.(*store.Mem).Stats(); stats.Put != 0 {
				t.Errorf("%s: %d are stored", test.name, stats.Put)
			}
		})
	}
}

// TestVariantsShareTheWork has many capture the same moment: each picture is made once, and each file.
func TestVariantsShareTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var encoded, stored atomic.Int64
		cam := small()
		cam.Decoder = &decoder{took: time.Millisecond}
		cam.Encoder = sized{"image/x-test", false, &encoded}
		cam.Variants = []capture.Variant{{Name: "a", Width: 30}, {Name: "b", Width: 20}, {Name: "c", Plain: true}, {Name: "d", Quality: 3}, {Name: "e"}, {Name: "f", Width: 10}}
		cam.Store = capture.StoreFunc(func(context.Context, *capture.Still) (string, error) { stored.Add(1); return "", nil })
		serve(t, cam, units(10, 10, false))
		var taps sync.WaitGroup
		for i := range 100 {
			taps.Go(func() {
				r := capture.Request{Own: []capture.Variant{{Name: fmt.Sprint("mine", i), Width: 40}}}
				if still, err := cam.Capture(t.Context(), r); err != nil || len(still.Variants) != 7 {
					t.Errorf("%v, %v", still, err)
				}
			})
		}
		taps.Wait()
		if encoded.Load() != 8 || stored.Load() != 800 {
			t.Errorf("encoded %d times, stored %d times", encoded.Load(), stored.Load())
		}
	})
}

// TestHooksOfVariants: the Moderator sees each picture that files are made of, the Finisher and the Sealer have each file.
func TestHooksOfVariants(t *testing.T) {
	for _, refused := range []string{"", "(60,40)", "(64,32)"} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var seen, finished []string
			cam := small()
			cam.Moderator = capture.ModeratorFunc(func(_ context.Context, _ capture.Request, p *frame.Picture) error {
				if seen = append(seen, p.Rect.Max.String()); p.Rect.Max.String() == refused {
					return capture.ErrDenied
				}
				return nil
			})
			cam.Finisher = capture.FinisherFunc(func(ctx context.Context, _ capture.Request, p *frame.Picture) (*frame.Picture, error) {
				mu.Lock()
				defer mu.Unlock()
				finished = append(finished, capture.VariantOf(ctx)+p.Rect.Max.String())
				p = p.Clone()
				p.Y[0] = 9
				return p, nil
			})
			cam.Sealer = capture.SealerFunc(func(_ context.Context, s *capture.Still) ([]byte, error) {
				if s.Variants != nil {
					t.Errorf("%s is given with others", s.Variant)
				}
				return fmt.Appendf(nil, "%s sealed as %s", s.Data, s.Variant), nil
			})
			shelf := &store.Mem{}
			cam.Store = shelf
			still, err := capturedBy(t, cam, capture.Request{})
			if refused != "" {
				if !errors.Is(err, capture.ErrDenied) || len(finished) > 0 || shelf.Stats().Put > 0 {
					t.Errorf("refused %s: %v, finished %v", refused, err, finished)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(finished)
			if !slices.Equal(seen, []string{"(60,40)", "(64,32)"}) || !slices.Equal(finished, []string{"(60,40)", "raw(64,32)", "thumb(30,20)"}) {
				t.Errorf("seen %v, finished %v", seen, finished)
			}
			if got, want := describe(still), ": image/x-test (60,40) 9 q0 sealed as ; thumb: image/x-test (30,20) 9 q0 sealed as thumb; "+
				"raw: image/x-other (64,32) 9 q7 sealed as raw"; got != want {
				t.Errorf("%s, want %s", got, want)
			}
			var steps []string
			for _, s := range append([]*capture.Still{still}, still.Variants...) {
				for _, step := range s.Steps {
					steps = append(steps, step.Name)
				}
			}
			const before = "policy wait decode enhance moderate "
			want := strings.ReplaceAll("wait decode enhance moderate finish encode variants seal store wait decode enhance moderate scale finish encode seal store "+
				"wait decode moderate scale finish encode seal store", before, "")
			if got := strings.Join(steps, " "); got != want {
				t.Errorf("steps %s, want %s", got, want)
			}
		})
	}
}

// TestVariantFails: a file that fails fails the capture, whose error names it. The others may be stored then, but never the still itself; under the
// same ID another capture completes them.
func TestVariantFails(t *testing.T) {
	for _, where := range []string{capture.StepFinish, capture.StepEncode, capture.StepSeal, capture.StepStore} {
		for how, do := range map[string]func(){"fails": nil, "panics": func() { panic("rogue") }, "exits": runtime.Goexit} {
			synctest.Test(t, func(t *testing.T) {
				healed := false
				fail := func(at, variant string) error {
					switch {
					case healed || at != where || variant != "thumb":
						return nil
					case do != nil:
						do()
					}
					return errHook
				}
				shelf := &store.Mem{}
				cam := small()
				cam.Finisher = capture.FinisherFunc(func(ctx context.Context, _ capture.Request, p *frame.Picture) (*frame.Picture, error) {
					return p, fail(capture.StepFinish, capture.VariantOf(ctx))
				})
				cam.Variants[0].Encoder = failing{func() error { return fail(capture.StepEncode, "thumb") }}
				cam.Sealer = capture.SealerFunc(func(_ context.Context, s *capture.Still) ([]byte, error) {
					return s.Data, fail(capture.StepSeal, s.Variant)
				})
				cam.Store = capture.StoreFunc(func(ctx context.Context, s *capture.Still) (string, error) {
					if err := fail(capture.StepStore, s.Variant); err != nil {
						return "", err
					}
					return shelf.Put(ctx, s)
				})
				_, err := capturedBy(t, cam, capture.Request{ID: "id"})
				var failed *capture.Error
				if !errors.As(err, &failed) || failed.Variant != "thumb" || failed.Step != where || failed.ID != "id" || how == "fails" && !errors.Is(err, errHook) {
					t.Errorf("%s %s: %v", where, how, err)
				}
				for s, err := range shelf.List(t.Context(), capture.Selection{}) {
					if err != nil || s.Variant != "raw" || where != capture.StepStore {
						t.Errorf("%s %s: %q is stored", where, how, s.Variant)
					}
				}
				healed = true
				if _, err := cam.Capture(t.Context(), capture.Request{ID: "id"}); err != nil {
					t.Fatal(err)
				}
				if n, err := shelf.Delete(t.Context(), capture.Selection{ID: "id"}); n != 3 || err != nil {
					t.Errorf("%s %s: then %d are stored, %v", where, how, n, err)
				}
			})
		}
	}
}

// TestErrorTellsID: who asked for no ID learns by which one files may be in the Store.
func TestErrorTellsID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := &store.Mem{}
		cam := small()
		cam.Store = capture.StoreFunc(func(ctx context.Context, s *capture.Still) (string, error) {
			if s.Variant == "" {
				return "", errHook
			}
			return shelf.Put(ctx, s)
		})
		cam.Notifier = capture.NotifierFunc(func(context.Context, capture.Event) { panic("rogue") })
		_, err := capturedBy(t, cam, capture.Request{})
		var failed *capture.Error
		if !errors.As(err, &failed) || failed.ID == "" || failed.Step != capture.StepStore {
			t.Fatalf("%+v", err)
		}
		if n, err := shelf.Delete(t.Context(), capture.Selection{ID: failed.ID}); n != 2 || err != nil {
			t.Errorf("%d files of %q were stored, %v", n, failed.ID, err)
		}
	})
}

// failing is an Encoder that does something first.
type failing struct{ do func() error }

func (failing) Type() string { return "image/x-test" }
func (f failing) Encode(_ context.Context, w io.Writer, _ *frame.Picture) error {
	_, err := w.Write([]byte("file"))
	return errors.Join(err, f.do())
}

// TestMissingEncoder: the other files still come, and the still says which does not, and why; but if none comes, the capture fails.
func TestMissingEncoder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := &store.Mem{}
		cam := small()
		cam.Store = shelf
		cam.Variants = append(cam.Variants, capture.Variant{Name: "new", Encoder: sized{media: "image/x-new", lacking: true}})
		still, err := capturedBy(t, cam, capture.Request{})
		if err != nil || len(still.Variants) != 3 || shelf.Stats().Put != 3 {
			t.Fatalf("%v, %v, stored %d", still, err, shelf.Stats().Put)
		}
		lacks := still.Variants[2]
		var failed *capture.Error
		if !errors.Is(lacks.Err, capture.ErrUnsupported) || !errors.As(lacks.Err, &failed) || failed.Variant != "new" || lacks.Location != "" || lacks.Data != nil {
			t.Errorf("%+v: %v", lacks, lacks.Err)
		}
		if !strings.Contains(lacks.Err.Error(), "encode of variant new") || !strings.Contains(lacks.Err.Error(), "no image/x-new here") {
			t.Error(lacks.Err)
		}
		b, err := json.Marshal(still)
		var again capture.Still
		if err := errors.Join(err, json.Unmarshal(b, &again)); err != nil || len(again.Variants) != 3 || !errors.Is(again.Variants[2].Err, capture.ErrUnsupported) {
			t.Errorf("%s, %v", b, err)
		}
		if _, err := cam.Capture(t.Context(), capture.Request{Variants: []string{"new"}}); !errors.Is(err, capture.ErrUnsupported) {
			t.Errorf("alone: %v", err)
		}
		cam.Encoder = sized{media: "image/x-test", lacking: true}
		if _, err := cam.Capture(t.Context(), capture.Request{Moment: capture.AtPTS(0)}); !errors.Is(err, capture.ErrUnsupported) {
			t.Errorf("without the still itself: %v", err)
		}
	})
}

// TestRefineVariants refines all files, and deletes all.
func TestRefineVariants(t *testing.T) {
	for _, deleted := range []bool{false, true} {
		for _, names := range [][]string{nil, {"thumb"}, {"raw"}} {
			synctest.Test(t, func(t *testing.T) {
				shelf := &store.Mem{}
				cam := small()
				cam.Store, cam.Enhancer = shelf, &merger{places: span(-3, 3)}
				go serve(t, cam, units(100, 10, false))
				pass(3550 * time.Millisecond)
				n := 0
				for still, err := range cam.Refine(t.Context(), capture.Request{Lookahead: 2 * interval, Variants: names}) {
					if n++; n == 2 && deleted {
						if !errors.Is(err, capture.ErrDeleted) {
							t.Errorf("%q: %v, %v", names, still, err)
						}
						continue
					}
					if err != nil {
						t.Fatal(err)
					}
					if len(still.Variants) != len(names) && names != nil || names == nil && len(still.Variants) != 2 || still.Refined != (n == 2) {
						t.Errorf("%q: %s", names, describe(still))
					}
					for _, v := range still.Variants {
						if v.Refined != still.Refined || v.ID != still.ID || v.Location == "" {
							t.Errorf("%+v", v)
						}
					}
					if deleted {
						if _, err := shelf.Delete(t.Context(), capture.Selection{ID: still.ID}); err != nil {
							t.Error(err)
						}
					}
				}
				if want := 2; n != want && !slices.Equal(names, []string{"raw"}) {
					t.Errorf("%q: %d stills", names, n)
				}
				for s, err := range shelf.List(t.Context(), capture.Selection{}) {
					if deleted || err != nil {
						t.Errorf("%q: %v is there, %v", names, s, err)
					}
				}
			})
		}
	}
}

// TestVariantsTakeMemory: the Budget knows of the pictures of Variants.
func TestVariantsTakeMemory(t *testing.T) {
	const picture = 64 * 32 * 3 / 2
	told444 := []byte{0xa2, 0x49, 0x83, 0x42, 0x20, 0, 0x7e, 0, 0x3e, 0, 0, 0}
	told := []byte{0x82, 0x49, 0x83, 0x42, 0x20, 0x03, 0xf0, 0x01, 0xf0, 0, 0, 0}  // the header of a key frame of VP9 of 64x32
	wrong := []byte{0x82, 0x49, 0x83, 0x42, 0x20, 0x01, 0xf0, 0x03, 0xf0, 0, 0, 0} // of 32x64
	for _, test := range []struct {
		v      []capture.Variant
		want   int64
		rotate int
		key    []byte // nil is of one that does not tell its size
	}{
		{nil, 2 * picture, 0, nil},
		{[]capture.Variant{{Name: "a", Width: 4, Height: 4}}, 2*picture + 24, 0, nil},
		{[]capture.Variant{{Name: "a"}, {Name: "b", Width: 9999}}, 4 * picture, 0, nil},
		{[]capture.Variant{{Name: "a", Width: 1000, Height: 1000, Fit: capture.Pad}}, 2*picture + 1_500_000, 0, nil},
		{[]capture.Variant{{Name: "a", Width: 1000, Height: 1000, Fit: capture.Pad}}, 2*picture + 3_000_000, 0, told444},
		{[]capture.Variant{{Name: "a", Height: 1000, Fit: capture.Pad}}, 2*picture + 3_000_000, 0, nil}, // it is wider than expected
		{[]capture.Variant{{Name: "a", Height: 1000, Fit: capture.Pad}}, 2*picture + 3_000_000, 0, told},
		{[]capture.Variant{{Name: "a", Height: 1000, Fit: capture.Pad}}, 2*picture + 6_000_000, 0, told444},
		{[]capture.Variant{{Name: "a", Width: 1000, Fit: capture.Pad}}, 2*picture + 750_000, 0, told},
		{[]capture.Variant{{Name: "a", Width: 1000, Fit: capture.Pad}}, 2*picture + 750_000, 180, told},
		{[]capture.Variant{{Name: "a", Width: 1000, Fit: capture.Pad}}, 3*picture + 3_000_000, 90, told},
		{[]capture.Variant{{Name: "a", Width: 1000, Fit: capture.Pad}}, 3*picture + 3_000_000, 270, nil},
		{[]capture.Variant{{Name: "a", Width: 1000, Fit: capture.Pad}}, 2*picture + 3_000_000, 0, wrong}, // as if it were turned within the GOP
		{[]capture.Variant{{Name: "a", Width: 10}}, 2*picture + 75, 0, told},
		{[]capture.Variant{{Name: "a", Height: 1000, Fit: capture.Pad, Crop: capture.Crop{Width: 8, Height: 32}}}, 2*picture + 375_000, 0, told},
		{[]capture.Variant{{Name: "a", Height: 500, Fit: capture.Pad, Crop: capture.Crop{Width: 60, Height: 10}}}, 2*picture + 2_250_000, 0, nil},
		{[]capture.Variant{{Name: "a", Width: 1000, Enlarge: true, Crop: capture.Crop{Width: 60, Height: 12}}}, 2*picture + 300_000, 0, told},
	} {
		synctest.Test(t, func(t *testing.T) {
			cam := small()
			cam.Variants, cam.Budget, cam.Rotate = test.v, &frame.Budget{Bytes: 100 << 20}, test.rotate
			cam.Decoder = &costly{cost: frame.Cost{Picture: picture}}
			cam.Moderator = capture.ModeratorFunc(func(context.Context, capture.Request, *frame.Picture) error {
				if got := cam.Budget.Stats().Reserved; got != test.want {
					t.Errorf("%+v: %d bytes, want %d", test.v, got, test.want)
				}
				return nil
			})
			us := units(10, 10, false)
			if test.key != nil {
				us[0].Data = test.key
			}
			serve(t, cam, us)
			if _, err := cam.Capture(t.Context(), capture.Request{}); err != nil {
				t.Error(err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		cam := small()
		cam.Variants, cam.Budget = []capture.Variant{{Name: "a", Width: 8000, Height: 8000, Enlarge: true}}, &frame.Budget{Bytes: 100 << 20}
		if _, err := capturedBy(t, cam, capture.Request{}); !errors.Is(err, capture.ErrTooCostly) ||
			!strings.Contains(err.Error(), "of which a takes the most: ask for smaller ones, or raise Bytes of the Budget") {
			t.Error(err)
		}
	})
}

// TestLargeVariantsAreAffordable: what the default Budget has room for of a stream of 720p or 1080p is not refused, be it more than that for other
// pictures, such as those that are turned.
func TestLargeVariantsAreAffordable(t *testing.T) {
	told720 := []byte{0x82, 0x49, 0x83, 0x42, 0x20, 0x4f, 0xf0, 0x2c, 0xf0, 0, 0, 0} // the header of a key frame of VP9 of 1280x720
	told1080 := []byte{0x82, 0x49, 0x83, 0x42, 0x20, 0x77, 0xf0, 0x43, 0x70, 0, 0, 0}
	many := func(n int, v capture.Variant) (all []capture.Variant) {
		for i := range n {
			v.Name = fmt.Sprint("v", i)
			all = append(all, v)
		}
		return all
	}
	for _, test := range []struct {
		own []capture.Variant
		key []byte
	}{
		{many(1, capture.Variant{Width: 6000, Fit: capture.Pad}), told1080},
		{many(1, capture.Variant{Width: 6000, Height: 6000, Fit: capture.Pad}), told1080},
		{many(1, capture.Variant{Width: 6000, Enlarge: true}), told1080},
		{many(1, capture.Variant{Width: 5000, Enlarge: true}), told720},
		{many(1, capture.Variant{Width: 6000, Enlarge: true}), nil}, // an unknown size
		{many(2, capture.Variant{Width: 8000, Enlarge: true}), told720},
		{many(7, capture.Variant{Width: 1920, Enlarge: true}), told720},
		{many(7, capture.Variant{Width: 1920, Fit: capture.Pad}), told720},
		{many(16, capture.Variant{Width: 3000, Enlarge: true}), told720},
		{many(16, capture.Variant{Height: 1600, Enlarge: true}), told720},
	} {
		synctest.Test(t, func(t *testing.T) {
			cam := small()
			cam.Budget = &frame.Budget{Bytes: 1 << 30}
			cam.Decoder = &sized16x9{}
			cam.Moderator = capture.ModeratorFunc(func(context.Context, capture.Request, *frame.Picture) error { return capture.ErrRejected })
			us := units(10, 10, false)
			if test.key != nil {
				us[0].Data = test.key
			}
			serve(t, cam, us)
			if _, err := cam.Capture(t.Context(), capture.Request{Variants: []string{}, Own: test.own}); !errors.Is(err, capture.ErrRejected) {
				t.Errorf("%d of %+v: %v", len(test.own), test.own[0], err)
			}
		})
	}
}

// sized16x9 is a Decoder whose pictures are of 64 by 36, and cost what those of 1080p do.
type sized16x9 struct{ decoder }

func (*sized16x9) Cost(frame.AccessUnit) frame.Cost { return frame.Cost{Picture: 1920 * 1080 * 3 / 2} }

func (d *sized16x9) Follow(ctx context.Context, us iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return func(yield func(frame.Latent, error) bool) {
		for l, err := range d.decoder.Follow(ctx, us) {
			develop := l.Develop
			l.Develop = func() (*frame.Picture, error) {
				p, err := develop()
				if err == nil {
					p.YCbCr = image.NewYCbCr(image.Rect(0, 0, 64, 36), image.YCbCrSubsampleRatio420)
				}
				return p, err
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// TestGivenUpWhileVariantsAreMade: who gives up does not wait for hooks that hang in several files, and they end.
func TestGivenUpWhileVariantsAreMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := small()
		cam.Encoder = waiting{time.Hour}
		cam.Variants[1] = capture.Variant{Name: "raw", Plain: true}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errHook)
		defer cancel()
		begun := time.Now()
		serve(t, cam, units(10, 10, false))
		_, err := cam.Capture(ctx, capture.Request{})
		if !errors.Is(err, errHook) || !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

// FuzzVariantLayout: a Variant of a picture is an error that says so, or it shows a part of that picture, and is as large as it may be.
func FuzzVariantLayout(f *testing.F) {
	f.Add([]byte(`{"name":"a","width":320,"fit":"pad","crop":{"x":3,"y":4,"width":500,"height":9}}`), uint16(1920), uint16(1080))
	f.Add([]byte(`{"name":"a","width":1,"height":16384,"fit":"fill","enlarge":true}`), uint16(1), uint16(65535))
	f.Add([]byte(`{"name":"a","width":-1}`), uint16(2), uint16(2))
	f.Fuzz(func(t *testing.T, text []byte, w, h uint16) {
		var v capture.Variant
		if json.Unmarshal(text, &v) != nil || w == 0 || h == 0 {
			return
		}
		picture := image.Rect(0, 0, int(w), int(h))
		from, size, to, err := v.Layout(picture.Max)
		if err != nil {
			if !errors.Is(err, capture.ErrVariant) {
				t.Fatal(err)
			}
			return
		}
		box := image.Rectangle{Max: size}
		switch {
		case from.Empty() || !from.In(picture), to.Empty() || !to.In(box):
			t.Fatalf("%s of %v: %v to %v of %v", text, picture, from, to, size)
		case !v.Enlarge && (to.Dx() > from.Dx() || to.Dy() > from.Dy()):
			t.Fatalf("%s of %v: %v is enlarged to %v", text, picture, from, to)
		case v.Width > 0 && size.X > v.Width, v.Height > 0 && size.Y > v.Height:
			t.Fatalf("%s of %v: %v", text, picture, size)
		case size.X*size.Y > max(int(w)*int(h), 1<<26):
			t.Fatalf("%s of %v: %v is too large", text, picture, size)
		}
	})
}
