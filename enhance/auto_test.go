package enhance_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"testing"

	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/turn"
)

// alone is a burst of one picture.
func alone(m *image.YCbCr, qp float32) *frame.Burst {
	return &frame.Burst{Pictures: []*frame.Picture{{YCbCr: m, EffectiveQP: qp}}}
}

// squeezed is a picture as JPEG leaves it.
func squeezed(t *testing.T, m *image.YCbCr, quality int) *image.YCbCr {
	t.Helper()
	var file bytes.Buffer
	if err := jpeg.Encode(&file, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(&file)
	if err != nil {
		t.Fatal(err)
	}
	return compact(img.(*image.YCbCr))
}

// textured is a scene as a camera sees it: noise that a lens has blurred.
func textured() *image.YCbCr {
	m := scene(image.Rect(0, 0, 320, 240), image.YCbCrSubsampleRatio420)
	return blurred(blurred(blurred(noisy(m, 12))))
}

func TestAutoLeavesWhatIsGood(t *testing.T) {
	clean := scene(image.Rect(0, 0, 320, 240), image.YCbCrSubsampleRatio420)
	flat := image.NewYCbCr(clean.Rect, clean.SubsampleRatio)
	tiny := noisy(scene(image.Rect(0, 0, 12, 40), image.YCbCrSubsampleRatio420), 6)
	for _, c := range []struct {
		sentence string
		img      *image.YCbCr
		qp       float32
		same     bool
	}{
		{"a fine quantiser lost nothing", clean, 9, true},
		{"a picture without blocks needs no quantiser to be told", clean, 0, true},
		{"a flat picture has nothing to gain", flat, 0, true},
		{"a tiny picture is no picture", tiny, 40, true},
		{"no picture is fine as well", new(image.YCbCr), 40, true},
		{"a coarse quantiser did harm", clean, 38, false},
		{"noise does harm", noisy(clean, 6), 9, false},
		{"blocks tell of a quantiser", squeezed(t, textured(), 30), 0, false},
	} {
		b := alone(c.img, c.qp)
		was := clone(c.img)
		p, err := enhance.Auto{}.Enhance(t.Context(), b)
		if err != nil || (p == b.Picture()) != c.same {
			t.Errorf("%s: left alone: %v, error %v", c.sentence, p == b.Picture(), err)
		}
		if !same(was, c.img) || p.EffectiveQP != c.qp {
			t.Errorf("%s: the burst was written to, or the quantiser", c.sentence)
		}
	}
}

func TestAutoMergesNeighbours(t *testing.T) {
	b := pan(image.Pt(320, 240), 5)
	auto, err := enhance.Auto{}.Enhance(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	fuse, err := enhance.Fuse{}.Enhance(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if !same(auto.YCbCr, fuse.YCbCr) {
		t.Error("differs from what Fuse makes")
	}
	for _, p := range b.Pictures {
		p.EffectiveQP = 0
	}
	if p, err := (enhance.Auto{}).Enhance(t.Context(), b); err != nil || p == b.Picture() {
		t.Errorf("a decoder that tells no quantisers: left alone: %v, error %v", p == b.Picture(), err)
	}
}

func TestCrispIsSharper(t *testing.T) {
	for _, c := range []struct {
		sentence string
		b        *frame.Burst
	}{
		{"a picture that is good", alone(textured(), 9)},
		{"one that a quantiser harmed", alone(squeezed(t, textured(), 60), 28)},
		{"one with noise and neighbours", pan(image.Pt(320, 240), 3)},
	} {
		was := clone(c.b.Picture().YCbCr)
		faithful, err := enhance.Auto{}.Enhance(t.Context(), c.b)
		if err != nil {
			t.Fatal(err)
		}
		crisp, err := enhance.Auto{Style: enhance.Crisp}.Enhance(t.Context(), c.b)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := enhance.Sharpness(faithful.YCbCr), enhance.Sharpness(crisp.YCbCr); b < 1.02*a {
			t.Errorf("%s: sharpness %.2f, crisp %.2f", c.sentence, a, b)
		}
		if !same(was, c.b.Picture().YCbCr) {
			t.Errorf("%s: the burst was written to", c.sentence)
		}
	}
}

func TestAutoFails(t *testing.T) {
	m := textured()
	ctx, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("enough")
	cancel(cause)
	if _, err := (enhance.Auto{Style: enhance.Crisp}).Enhance(ctx, alone(m, 30)); !errors.Is(err, cause) {
		t.Errorf("ended with %v, want the cause", err)
	}
	m.Y = m.Y[:9]
	if _, err := (enhance.Auto{}).Enhance(t.Context(), alone(m, 30)); !errors.Is(err, enhance.ErrImage) {
		t.Errorf("a malformed picture: %v, want ErrImage", err)
	}
}

func TestDeblockGains(t *testing.T) {
	source := squeezed(t, textured(), 100)
	for _, quality := range []int{60, 30, 10} {
		m := squeezed(t, source, quality)
		plain := psnr(source.Y, m.Y)
		apply(t, enhance.Deblock{}, m)
		if gain := psnr(source.Y, m.Y) - plain; gain < 0.2 {
			t.Errorf("JPEG of quality %d, %.2f dB: gained %.2f dB", quality, plain, gain)
		}
	}
	m := clone(source)
	apply(t, enhance.Deblock{QP: -1}, m)
	if !same(source, m) {
		t.Error("a negative quantiser changed the picture")
	}
}

// The blocks of a picture that was turned or mirrored are found where its sides are no multiples of theirs: from its far sides. It gains as much as
// before.
func TestTurnedBlocks(t *testing.T) {
	whole := squeezed(t, textured(), 100)
	for _, c := range []struct {
		width, height, degrees int
		mirrored               bool
	}{
		{318, 236, 180, false}, {318, 236, 90, false}, {318, 236, 270, true}, {314, 240, 0, true},
	} {
		source := compact(whole.SubImage(image.Rect(0, 0, c.width, c.height)).(*image.YCbCr))
		coded := squeezed(t, source, 60)
		upright := clone(coded)
		apply(t, enhance.Deblock{}, upright)
		want := psnr(source.Y, upright.Y) - psnr(source.Y, coded.Y)

		source = turn.Picture(source, c.degrees, c.mirrored, image.NewYCbCr)
		turned := turn.Picture(coded, c.degrees, c.mirrored, image.NewYCbCr)
		b := alone(turned, 0)
		b.Picture().Changes = frame.Turned
		p, err := enhance.Auto{}.Enhance(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		restored := clone(turned)
		apply(t, enhance.Deblock{Turned: true}, restored)
		for about, got := range map[string]*image.YCbCr{"Auto": p.YCbCr, "Deblock": restored} {
			if gain := psnr(source.Y, got.Y) - psnr(source.Y, turned.Y); gain < want-0.1 || want < 0.5 {
				t.Errorf("%+v: %s gained %.2f dB, before it was turned %.2f", c, about, gain, want)
			}
		}
	}
}
