package capture_test

import (
	"encoding/base64"
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
)

// drawn returns a picture of which paint tells the colours.
func drawn(r image.Rectangle, paint func(x, y float64) color.RGBA) *frame.Picture {
	img := image.NewYCbCr(r, image.YCbCrSubsampleRatio444)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			c := paint((float64(x-r.Min.X)+0.5)/float64(r.Dx()), (float64(y-r.Min.Y)+0.5)/float64(r.Dy()))
			i := img.YOffset(x, y)
			img.Y[i], img.Cb[i], img.Cr[i] = color.RGBToYCbCr(c.R, c.G, c.B)
		}
	}
	return &frame.Picture{YCbCr: img}
}

func sunset(x, y float64) color.RGBA {
	glow := math.Exp(-8 * ((x-0.7)*(x-0.7) + (y-0.4)*(y-0.4)))
	return color.RGBA{R: byte(60 + 190*glow), G: byte(40 + 60*y + 100*glow), B: byte(160 - 130*y), A: 255}
}

func stripes(x, y float64) color.RGBA {
	if int(x*5.3+y)%2 == 0 {
		return color.RGBA{R: 220, G: 30, B: 40, A: 255}
	}
	return color.RGBA{R: 20, G: 60, B: 200, A: 255}
}

func quarters(x, y float64) color.RGBA {
	return color.RGBA{R: byte(255 * math.Round(0.8*x)), G: byte(255 * math.Round(1.2*y)), B: 90, A: 255}
}

// The strings are those that thumbhash 0.1.1 of npm, by the author of the format, makes of the same pixels.
func TestPlaceholder(t *testing.T) {
	for _, test := range []struct {
		about string
		r     image.Rectangle
		paint func(x, y float64) color.RGBA
		want  string
	}{
		{"wide", image.Rect(0, 0, 64, 36), sunset, "migGNIhAenhuh4eieYZSYDP1Rw=="},
		{"high", image.Rect(0, 0, 36, 64), sunset, "migGNAhA6nYomoZ4eHhSYDP1Rw=="},
		{"square", image.Rect(0, 0, 50, 50), quarters, "3JgNVyagaYhwiId2iJd4l3h3BgpooI8J"},
		{"a part of a picture", image.Rect(11, 7, 51, 37), stripes, "l4YCFYR4aa+Jibt4eHiIeCyfyfKZ"},
		{"very wide", image.Rect(0, 0, 64, 3), stripes, "l4YCEYRoWb+JiYqHHa/Z8Zo="},
		{"a line", image.Rect(0, 0, 64, 1), sunset, "X0k+WZJ2eHiIiAiJU4hAhgg="},
	} {
		if got := capture.Placeholder(drawn(test.r, test.paint)); got != test.want {
			t.Errorf("%s: %s, want %s", test.about, got, test.want)
		}
	}
	for _, p := range []*frame.Picture{nil, {}, drawn(image.Rectangle{}, sunset)} {
		if got := capture.Placeholder(p); got != "" {
			t.Errorf("%v: %s", p, got)
		}
	}
}

// Large pictures are sampled: their placeholders are those of small ones, within a step of each wave.
func TestPlaceholderSamples(t *testing.T) {
	small, err := base64.StdEncoding.DecodeString(capture.Placeholder(drawn(image.Rect(0, 0, 64, 36), sunset)))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []image.Rectangle{
		image.Rect(0, 0, 1920, 1080), image.Rect(-9, 5, 119, 77), image.Rect(0, 0, 65, 37), image.Rect(0, 0, 3841, 2161),
	} {
		large, err := base64.StdEncoding.DecodeString(capture.Placeholder(drawn(r, sunset)))
		if err != nil || len(large) != len(small) {
			t.Fatalf("%v: %x, %v", r, large, err)
		}
		const head = 5
		for i := head; i < len(large); i++ {
			a, b := small[i], large[i]
			if steps := max(apart(a&15, b&15), apart(a>>4, b>>4)); steps > 1 {
				t.Errorf("%v: %x, and the small picture has %x", r, large, small)
			}
		}
	}
}

func apart(a, b byte) int { return max(int(a)-int(b), int(b)-int(a)) }

func BenchmarkPlaceholder(b *testing.B) {
	for _, r := range []image.Rectangle{image.Rect(0, 0, 1280, 720), image.Rect(0, 0, 1920, 1080), image.Rect(0, 0, 3840, 2160)} {
		b.Run(r.Max.String(), func(b *testing.B) {
			p := drawn(r, sunset)
			b.ReportAllocs()
			for b.Loop() {
				capture.Placeholder(p)
			}
		})
	}
}
