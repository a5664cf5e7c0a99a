package pixels_test

import (
	"errors"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/pixels"
)

var ratios = []image.YCbCrSubsampleRatio{
	image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
	image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
}

// ramp returns a picture whose samples grow by one from pixel to pixel, right and down.
func ramp(r image.Rectangle, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	img := image.NewYCbCr(r, ratio)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			img.Y[img.YOffset(x, y)] = byte(x + y)
			img.Cb[img.COffset(x, y)], img.Cr[img.COffset(x, y)] = byte(2*x), byte(2*y)
		}
	}
	return img
}

// What Check lets pass can be read whole; what lacks a sample is refused.
func TestCheck(t *testing.T) {
	for _, ratio := range ratios {
		whole := ramp(image.Rect(-3, 5, 30, 22), ratio)
		for _, img := range []*image.YCbCr{
			whole, whole.SubImage(image.Rect(-2, 6, 29, 22)).(*image.YCbCr), whole.SubImage(image.Rect(1, 21, 2, 22)).(*image.YCbCr), ramp(image.Rect(0, 0, 1, 1), ratio),
		} {
			p := &frame.Picture{YCbCr: img}
			if err := pixels.CheckFile(p, 33); err != nil {
				t.Errorf("%v, %v: %v", ratio, img.Rect, err)
			}
			r := img.Rect
			// As much as is read of the planes, and a sample less.
			last := r.Max.Sub(image.Pt(1, 1))
			exact := *img
			exact.Y, exact.Cb, exact.Cr = img.Y[:img.YOffset(last.X, last.Y)+1], img.Cb[:img.COffset(last.X, last.Y)+1], img.Cr[:img.COffset(last.X, last.Y)+1]
			if err := pixels.Check(&frame.Picture{YCbCr: &exact}); err != nil {
				t.Errorf("%v, %v: %v", ratio, r, err)
			}
			pixels.Nearest444(&exact)
			for about, shorten := range map[string]func(*image.YCbCr){
				"luma":              func(i *image.YCbCr) { i.Y = i.Y[:len(i.Y)-1] },
				"chroma, Cb":        func(i *image.YCbCr) { i.Cb = i.Cb[:len(i.Cb)-1] },
				"chroma, Cr":        func(i *image.YCbCr) { i.Cr = i.Cr[:len(i.Cr)-1] },
				"luma, no plane":    func(i *image.YCbCr) { i.Y = nil },
				"luma, a huge size": func(i *image.YCbCr) { i.Rect.Max.Y = 1 << 60 },
			} {
				short := exact
				shorten(&short)
				plane, _, _ := strings.Cut(about, ",")
				if err := pixels.Check(&frame.Picture{YCbCr: &short}); err == nil || !strings.Contains(err.Error(), plane) {
					t.Errorf("%v, %v, %s: %v", ratio, r, about, err)
				}
			}
		}
	}
}

func TestCheckFile(t *testing.T) {
	for about, p := range map[string]*frame.Picture{
		"there is no picture": nil, "the picture has no pixels": new(frame.Picture), "34 x 2, where such a file has 33 x 33 at most": {YCbCr: ramp(image.Rect(0, 0, 34, 2), 0)},
	} {
		if err := pixels.CheckFile(p, 33); !errors.Is(err, frame.ErrUnsupported) || !strings.Contains(err.Error(), about) {
			t.Errorf("%s: %v", about, err)
		}
	}
}

// Every pixel of Nearest444 is that of the picture; Smooth444 has the chroma of a ramp between its samples, too.
func Test444(t *testing.T) {
	for _, ratio := range ratios {
		img := ramp(image.Rect(3, 1, 40, 30), ratio)
		nearest, smooth := pixels.Nearest444(img), pixels.Smooth444(img)
		exact := ramp(img.Rect, image.YCbCrSubsampleRatio444)
		for y := range 29 {
			for x := range 37 {
				if want := img.YCbCrAt(3+x, 1+y); nearest.YCbCrAt(x, y) != want || ratio == image.YCbCrSubsampleRatio444 && smooth.YCbCrAt(3+x, 1+y) != want {
					t.Fatalf("%v: %v at %d, %d, want %v", ratio, nearest.YCbCrAt(x, y), x, y, want)
				}
				if ratio == image.YCbCrSubsampleRatio420 && x > 1 && x < 35 && y > 1 && y < 27 {
					// A sample of chroma is that of its last pixel, and lies in their middle: half a pixel before, where it is one less.
					got, want := smooth.YCbCrAt(x, y), exact.YCbCrAt(3+x, 1+y)
					if want.Cb++; got.Y != want.Y || max(got.Cb, want.Cb)-min(got.Cb, want.Cb) > 1 {
						t.Fatalf("%v at %d, %d, want %v", got, x, y, want)
					}
				}
			}
		}
	}
}

// Limited420 has the range of VP8, and the mean of each sample's colours.
func TestLimited420(t *testing.T) {
	for _, ratio := range ratios {
		img := image.NewYCbCr(image.Rect(1, 3, 8, 12), ratio)
		for _, tt := range []struct{ from, want color.YCbCr }{
			{color.YCbCr{Y: 0, Cb: 128, Cr: 128}, color.YCbCr{Y: 16, Cb: 128, Cr: 128}},
			{color.YCbCr{Y: 255, Cb: 255, Cr: 1}, color.YCbCr{Y: 235, Cb: 240, Cr: 16}},
			{color.YCbCr{Y: 128, Cb: 1, Cr: 255}, color.YCbCr{Y: 126, Cb: 16, Cr: 240}},
		} {
			for i := range img.Y {
				img.Y[i] = tt.from.Y
			}
			for i := range img.Cb {
				img.Cb[i], img.Cr[i] = tt.from.Cb, tt.from.Cr
			}
			got := pixels.Limited420(img)
			for y := range 9 {
				for x := range 7 {
					if got.YCbCrAt(x, y) != tt.want {
						t.Fatalf("%v: %v, want %v", ratio, got.YCbCrAt(x, y), tt.want)
					}
				}
			}
		}
	}
	img := ramp(image.Rect(0, 0, 16, 16), image.YCbCrSubsampleRatio444)
	if got := pixels.Limited420(img).YCbCrAt(8, 8).Cb; got != 30 { // of 16, 18, 16 and 18: 128 + (17-128)*224/255
		t.Errorf("the mean is %d", got)
	}
}
