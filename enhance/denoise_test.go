package enhance_test

import (
	"image"
	"testing"

	"github.com/livestill/livestill/enhance"
)

func TestDenoiseGains(t *testing.T) {
	clean := scene(image.Rect(0, 0, 640, 360), image.YCbCrSubsampleRatio420)
	for _, c := range []struct {
		sigma, luma, chroma float64 // gains in dB that a filter of this kind must reach
	}{{2, 3, 5}, {5, 6, 8}, {10, 6.5, 9}} {
		m := noisy(clean, c.sigma)
		y, cb, cr := psnr(m.Y, clean.Y), psnr(m.Cb, clean.Cb), psnr(m.Cr, clean.Cr)
		apply(t, enhance.Denoise{}, m)
		y, cb, cr = psnr(m.Y, clean.Y)-y, psnr(m.Cb, clean.Cb)-cb, psnr(m.Cr, clean.Cr)-cr
		t.Logf("sigma %g: Y %+.2f, Cb %+.2f, Cr %+.2f dB", c.sigma, y, cb, cr)
		if y < c.luma || min(cb, cr) < c.chroma {
			t.Errorf("sigma %g: gained only Y %.2f, Cb %.2f, Cr %.2f dB", c.sigma, y, cb, cr)
		}
	}
}

func TestNoNoiseNoChange(t *testing.T) {
	for _, ratio := range ratios {
		for name, f := range map[string]enhance.Filter{
			"Denoise": enhance.Denoise{}, "Chain": enhance.Chain{enhance.Denoise{}, enhance.Sharpen{}},
		} {
			clean := scene(image.Rect(0, 0, 640, 360), ratio)
			m := clone(clean)
			apply(t, f, m)
			if y, c := psnr(m.Y, clean.Y), min(psnr(m.Cb, clean.Cb), psnr(m.Cr, clean.Cr)); min(y, c) < 50 {
				t.Errorf("%s, %v: luma is %.1f dB from the noise-free original, chroma %.1f", name, ratio, y, c)
			}
		}
	}
}

func TestDenoiseFields(t *testing.T) {
	clean := scene(image.Rect(0, 0, 320, 200), image.YCbCrSubsampleRatio420)
	src := noisy(clean, 5)
	for _, c := range []struct {
		sentence     string
		d            enhance.Denoise
		luma, chroma bool // change
	}{
		{"zero measures and filters all planes", enhance.Denoise{}, true, true},
		{"negative Strength does nothing", enhance.Denoise{Strength: -1}, false, false},
		{"negative Luma leaves luma alone", enhance.Denoise{Luma: -1}, false, true},
		{"negative Chroma leaves chroma alone", enhance.Denoise{Chroma: -1}, true, false},
		{"noise too small to show is left", enhance.Denoise{Luma: 0.1, Chroma: 0.1}, false, false},
	} {
		m := clone(src)
		apply(t, c.d, m)
		luma := string(m.Y) != string(src.Y)
		chroma := string(m.Cb) != string(src.Cb) || string(m.Cr) != string(src.Cr)
		if luma != c.luma || chroma != c.chroma {
			t.Errorf("%s: luma changed: %v, chroma changed: %v", c.sentence, luma, chroma)
		}
	}
	weak, strong := clone(src), clone(src)
	apply(t, enhance.Denoise{Strength: 0.5}, weak)
	apply(t, enhance.Denoise{Strength: 2}, strong)
	if w, s := psnr(weak.Y, src.Y), psnr(strong.Y, src.Y); w <= s {
		t.Errorf("half the strength moves the picture to %.1f dB, twice to %.1f: not more", w, s)
	}
}
