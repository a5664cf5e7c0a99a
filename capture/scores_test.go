package capture_test

import (
	"image"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
)

// smeared blurs a picture over n pixels along a direction.
func smeared(p *frame.Picture, n, dx, dy int) *frame.Picture {
	out := p.Clone()
	w, h := p.Rect.Dx(), p.Rect.Dy()
	for y := range h {
		for x := range w {
			sum := n / 2
			for k := range n {
				sum += int(p.Y[min(y+k*dy, h-1)*p.YStride+min(x+k*dx, w-1)])
			}
			out.Y[y*out.YStride+x] = byte(sum / n)
		}
	}
	return out
}

// scene returns a picture of discs of many sizes and shades, so that there is detail in all directions.
func scene(seed uint64, effectiveQP float32) *frame.Picture {
	const w, h = 320, 240
	random := rand.New(rand.NewPCG(seed, 1))
	p := &frame.Picture{YCbCr: image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420), EffectiveQP: effectiveQP}
	for i := range p.Y {
		p.Y[i] = 120
	}
	for range 400 {
		radius := 3 * math.Exp(2*random.Float64())
		cx, cy, shade := random.Float64()*w, random.Float64()*h, 40+random.IntN(170)
		for y := max(0, int(cy-radius)); y < min(h, int(cy+radius)); y++ {
			for x := max(0, int(cx-radius)); x < min(w, int(cx+radius)); x++ {
				if math.Hypot(float64(x)-cx, float64(y)-cy) < radius {
					p.Y[y*p.YStride+x] = byte(shade)
				}
			}
		}
	}
	return p
}

// blocky makes each block of 8x8 pixels as flat as amount says.
func blocky(p *frame.Picture, amount float64) *frame.Picture {
	out := p.Clone()
	for by := 0; by < p.Rect.Dy(); by += 8 {
		for bx := 0; bx < p.Rect.Dx(); bx += 8 {
			mean := 0.
			for i := range 64 {
				mean += float64(p.Y[(by+i/8)*p.YStride+bx+i%8]) / 64
			}
			for i := range 64 {
				at := (by+i/8)*p.YStride + bx + i%8
				out.Y[at] = byte(math.Round(amount*mean + (1-amount)*float64(p.Y[at])))
			}
		}
	}
	return out
}

// painted returns a picture whose first rows are of one shade.
func painted(p *frame.Picture, rows int, shade byte) *frame.Picture {
	out := p.Clone()
	for i := range rows * out.YStride {
		out.Y[i] = shade
	}
	return out
}

func TestScoresFollowWhatIsWrong(t *testing.T) {
	for seed := range uint64(3) {
		for _, c := range []struct {
			sentence string
			steps    []float64 // worse and worse
			make     func(step float64) *frame.Picture
			score    func(capture.Scores) float64
			rises    bool
		}{
			{"a coarser quantiser lowers the PSNR", []float64{10, 16, 22, 28, 34, 40, 46}, func(s float64) *frame.Picture { return scene(seed, float32(s)) },
				func(s capture.Scores) float64 { return s.PSNR }, false},
			{"a coarser quantiser lowers the quality", []float64{10, 16, 22, 28, 34, 40, 46}, func(s float64) *frame.Picture { return scene(seed, float32(s)) },
				func(s capture.Scores) float64 { return s.Quality }, false},
			{"noise lowers the PSNR", []float64{0, 2, 4, 8, 16}, func(s float64) *frame.Picture { return grainy(scene(seed, 25), s) },
				func(s capture.Scores) float64 { return s.PSNR }, false},
			{"noise is measured", []float64{0, 2, 4, 8, 16}, func(s float64) *frame.Picture { return grainy(scene(seed, 25), s) },
				func(s capture.Scores) float64 { return s.Noise }, true},
			{"a smear across lowers the sharpness", []float64{1, 2, 4, 8, 16}, func(s float64) *frame.Picture { return smeared(scene(seed, 25), int(s), 1, 0) },
				func(s capture.Scores) float64 { return s.Sharpness }, false},
			{"a smear across is motion blur", []float64{1, 3, 6}, func(s float64) *frame.Picture { return smeared(scene(seed, 25), int(s), 1, 0) },
				func(s capture.Scores) float64 { return s.MotionBlur }, true},
			{"so is one down", []float64{1, 3, 6}, func(s float64) *frame.Picture { return smeared(scene(seed, 25), int(s), 0, 1) },
				func(s capture.Scores) float64 { return s.MotionBlur }, true},
			{"so is one aslant", []float64{1, 3, 6}, func(s float64) *frame.Picture { return smeared(scene(seed, 25), int(s), 1, 1) },
				func(s capture.Scores) float64 { return s.MotionBlur }, true},
			{"flat blocks are seen", []float64{0, 0.2, 0.4, 0.6, 0.8, 1}, func(s float64) *frame.Picture { return blocky(scene(seed, 25), s) },
				func(s capture.Scores) float64 { return s.Blockiness }, true},
			{"black is measured", []float64{0, 80, 160, 240}, func(s float64) *frame.Picture { return painted(scene(seed, 25), int(s), 0) },
				func(s capture.Scores) float64 { return s.Black }, true},
			{"white is measured", []float64{0, 80, 160, 240}, func(s float64) *frame.Picture { return painted(scene(seed, 25), int(s), 255) },
				func(s capture.Scores) float64 { return s.White }, true},
			{"light is measured", []float64{0, 80, 160, 240}, func(s float64) *frame.Picture { return painted(scene(seed, 25), int(s), 255) },
				func(s capture.Scores) float64 { return s.Brightness }, true},
		} {
			var before float64
			for i, step := range c.steps {
				now := c.score(capture.Rate(c.make(step)))
				if i > 0 && (now > before) != c.rises {
					t.Errorf("%s: not from step %v to %v: %.2f, %.2f", c.sentence, c.steps[i-1], step, before, now)
				}
				before = now
			}
		}
	}
}

func TestScoresAreInTheirUnits(t *testing.T) {
	for _, c := range []struct {
		sentence string
		got      float64
		from, to float64
	}{
		{"noise of 5 is 5", capture.Rate(grainy(painted(scene(1, 0), 240, 120), 5)).Noise, 4.7, 5.3},
		{"a flat picture has no noise", capture.Rate(painted(scene(1, 0), 240, 120)).Noise, 0, 0},
		{"a third that is black is a third", capture.Rate(painted(scene(1, 0), 80, 0)).Black, 0.33, 0.34},
		{"grey of 120 is 120", capture.Rate(painted(scene(1, 0), 240, 120)).Brightness, 119.99, 120.01},
		{"nothing but flat blocks is all blockiness", capture.Rate(blocky(scene(1, 0), 1)).Blockiness, 1, 1},
		{"a sharp picture has no blockiness to speak of", capture.Rate(scene(1, 0)).Blockiness, 0, 0.2},
		{"a sharp picture has no motion blur to speak of", capture.Rate(scene(1, 0)).MotionBlur, 0, 0.3},
		{"a usual quantiser is a usual PSNR", capture.Rate(scene(1, 28)).PSNR, 30, 40},
		{"without quantisers there is no PSNR", capture.Rate(scene(1, 0)).PSNR, 0, 0},
		{"the quality is that of Quality", capture.Rate(scene(1, 28)).Quality - capture.Quality(scene(1, 28)), 0, 0},
	} {
		if c.got < c.from || c.got > c.to {
			t.Errorf("%s: %.3f", c.sentence, c.got)
		}
	}
}

// FuzzRate rates pictures of any pixels and size. Each score is within the range that is documented.
func FuzzRate(f *testing.F) {
	f.Add([]byte{0}, byte(64), byte(48), float32(30))
	f.Add([]byte{0, 255}, byte(33), byte(17), float32(0))
	f.Add([]byte{1, 2, 3, 200, 100, 50, 7}, byte(8), byte(8), float32(51))
	f.Add([]byte{0, 0, 0, 0, 255, 255, 255, 255}, byte(200), byte(9), float32(-100))
	f.Add([]byte{128}, byte(7), byte(90), float32(1e30))
	f.Fuzz(func(t *testing.T, pixels []byte, w, h byte, qp float32) {
		if math.IsNaN(float64(qp)) {
			return
		}
		p := &frame.Picture{YCbCr: image.NewYCbCr(image.Rect(0, 0, int(w), int(h)), image.YCbCrSubsampleRatio420), EffectiveQP: qp}
		for i := range p.Y {
			if len(pixels) > 0 {
				p.Y[i] = pixels[i%len(pixels)]
			}
		}
		s := capture.Rate(p)
		for _, c := range []struct {
			name       string
			v, lo, top float64
		}{
			{"PSNR", s.PSNR, 0, 60},
			{"Sharpness", s.Sharpness, 0, 361},
			{"Noise", s.Noise, 0, 128},
			{"Blockiness", s.Blockiness, 0, 1},
			{"Brightness", s.Brightness, 0, 255},
			{"Black", s.Black, 0, 1},
			{"White", s.White, 0, 1},
			{"MotionBlur", s.MotionBlur, 0, 1},
		} {
			if !(c.v >= c.lo && c.v <= c.top) {
				t.Errorf("%s is %v", c.name, c.v)
			}
		}
		if s.Black+s.White > 1 {
			t.Errorf("%v black and %v white", s.Black, s.White)
		}
		if qp == 0 && s.PSNR != 0 {
			t.Errorf("a PSNR of %v without a quantiser", s.PSNR)
		}
	})
}

// TestNoPixels: of a picture without pixels there is an error or nothing, and no panic.
func TestNoPixels(t *testing.T) {
	of := func(spoil func(m *image.YCbCr)) *frame.Picture {
		m := image.NewYCbCr(image.Rect(0, 0, 32, 16), image.YCbCrSubsampleRatio420)
		spoil(m)
		return &frame.Picture{YCbCr: m, EffectiveQP: 30}
	}
	for name, p := range map[string]*frame.Picture{
		"nil":             nil,
		"zero":            {},
		"of no image":     {EffectiveQP: 30},
		"of an image":     {YCbCr: new(image.YCbCr)},
		"empty":           of(func(m *image.YCbCr) { m.Rect.Max.Y = 0 }),
		"upside down":     of(func(m *image.YCbCr) { m.Rect.Max.X = -32 }),
		"of short luma":   of(func(m *image.YCbCr) { m.Y = m.Y[:500] }),
		"of no luma":      of(func(m *image.YCbCr) { m.Y = nil }),
		"of short chroma": of(func(m *image.YCbCr) { m.Cb = m.Cb[:100] }),
		"of no chroma":    of(func(m *image.YCbCr) { m.Cr = nil }),
		"of small stride": of(func(m *image.YCbCr) { m.YStride = 16 }),
	} {
		if s := capture.Rate(p); s != (capture.Scores{}) {
			t.Errorf("%s: it scores %+v", name, s)
		}
		if q := capture.Quality(p); q != 0 {
			t.Errorf("%s: it has a quality of %v", name, q)
		}
		if s := capture.Placeholder(p); s != "" {
			t.Errorf("%s: its placeholder is %s", name, s)
		}
		if err := (capture.JPEG{}).Encode(t.Context(), io.Discard, p); err == nil {
			t.Errorf("%s: it is encoded", name)
		}
		if err := (capture.JPEG{}).EncodeQuality(t.Context(), io.Discard, p, 50); err == nil {
			t.Errorf("%s: it is encoded at another quality", name)
		}
	}
}
