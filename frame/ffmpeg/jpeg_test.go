package ffmpeg_test

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"math"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// gradient returns a smooth picture with colour in it. The race detector does not look at each sample.
//
//go:norace
func gradient(r image.Rectangle, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	img := image.NewYCbCr(r, ratio)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			u, v := float64(x)/50, float64(y)/40
			img.Y[img.YOffset(x, y)] = byte(128 + 100*math.Sin(u)*math.Cos(v))
			img.Cb[img.COffset(x, y)] = byte(128 + 80*math.Sin(u/2))
			img.Cr[img.COffset(x, y)] = byte(128 + 80*math.Cos(v/2))
		}
	}
	return img
}

// planes returns the largest and the mean difference of luma and of chroma, sample by sample.
func planes(tb testing.TB, a, b *image.YCbCr) (luma, chroma int, mean float64) {
	tb.Helper()
	if a.Rect.Size() != b.Rect.Size() {
		tb.Fatalf("%v and %v", a.Rect, b.Rect)
	}
	sum := 0
	for y := range a.Rect.Dy() {
		for x := range a.Rect.Dx() {
			p, q := a.YCbCrAt(a.Rect.Min.X+x, a.Rect.Min.Y+y), b.YCbCrAt(b.Rect.Min.X+x, b.Rect.Min.Y+y)
			luma = max(luma, diff(p.Y, q.Y))
			chroma = max(chroma, diff(p.Cb, q.Cb), diff(p.Cr, q.Cr))
			sum += diff(p.Y, q.Y)
		}
	}
	return luma, chroma, float64(sum) / float64(a.Rect.Dx()*a.Rect.Dy())
}

// lumaOff returns the largest difference of the luma of pictures of one size. The race detector does not look at each sample, which
// would take ten times as long.
//
//go:norace
func lumaOff(a, b *image.YCbCr) (most int) {
	for y := range a.Rect.Dy() {
		line := b.Y[b.YOffset(b.Rect.Min.X, b.Rect.Min.Y+y):]
		for x, v := range a.Y[a.YOffset(a.Rect.Min.X, a.Rect.Min.Y+y):][:a.Rect.Dx()] {
			most = max(most, diff(v, line[x]))
		}
	}
	return most
}

func diff(a, b byte) int { return max(int(a)-int(b), int(b)-int(a)) }

// A picture whose planes are smaller than its rectangle and strides say is refused, and nothing beyond them is read.
func TestUnsoundPictures(t *testing.T) {
	for name, spoil := range map[string]func(*image.YCbCr){
		"luma that ends early":     func(img *image.YCbCr) { img.Y = img.Y[:len(img.Y)-1] },
		"no luma":                  func(img *image.YCbCr) { img.Y = nil },
		"chroma that ends early":   func(img *image.YCbCr) { img.Cr = img.Cr[:len(img.Cr)-1] },
		"no chroma":                func(img *image.YCbCr) { img.Cb = nil },
		"a stride that is short":   func(img *image.YCbCr) { img.YStride = 31 },
		"a stride of chroma too":   func(img *image.YCbCr) { img.CStride = 15 },
		"a stride that is huge":    func(img *image.YCbCr) { img.YStride = 1 << 60 },
		"a stride that is none":    func(img *image.YCbCr) { img.YStride = -32 },
		"a rectangle that is tall": func(img *image.YCbCr) { img.Rect.Max.Y = 1 << 60 },
	} {
		img := image.NewYCbCr(image.Rect(0, 0, 32, 16), image.YCbCrSubsampleRatio420)
		spoil(img)
		if err := new(ffmpeg.JPEG).Encode(t.Context(), io.Discard, &frame.Picture{YCbCr: img}); !errors.Is(err, ffmpeg.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := ffmpeg.Filter("null").Enhance(t.Context(), &frame.Burst{Pictures: []*frame.Picture{{YCbCr: img}}}); !errors.Is(err, ffmpeg.ErrUnsupported) {
			t.Errorf("%s, to a filter: %v", name, err)
		}
	}
}

func TestJPEG(t *testing.T) {
	for _, tt := range []struct {
		name string
		img  *image.YCbCr
	}{
		{"4:2:0", gradient(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)},
		{"4:2:0 of odd size", gradient(image.Rect(0, 0, 321, 181), image.YCbCrSubsampleRatio420)},
		{"4:2:2 of odd size", gradient(image.Rect(0, 0, 321, 181), image.YCbCrSubsampleRatio422)},
		{"4:4:4 of odd size", gradient(image.Rect(0, 0, 321, 181), image.YCbCrSubsampleRatio444)},
		{"4:4:0, which the encoder does not know", gradient(image.Rect(0, 0, 321, 181), image.YCbCrSubsampleRatio440)},
		{"a part of a picture", gradient(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420).
			SubImage(image.Rect(20, 30, 121, 95)).(*image.YCbCr)},
		{"a part that begins between chroma samples", gradient(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420).
			SubImage(image.Rect(21, 31, 121, 95)).(*image.YCbCr)},
		{"one pixel", gradient(image.Rect(0, 0, 1, 1), image.YCbCrSubsampleRatio420)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var file bytes.Buffer
			if err := (&ffmpeg.JPEG{Quality: 95}).Encode(t.Context(), &file, &frame.Picture{YCbCr: tt.img}); err != nil {
				t.Fatal(err)
			}
			b := file.Bytes()
			if !bytes.HasPrefix(b, []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00")) || !bytes.HasSuffix(b, []byte("\xff\xd9")) {
				t.Errorf("begins with % x, ends with % x", b[:20], b[len(b)-2:])
			}
			if bytes.Contains(b, []byte("Lavc")) {
				t.Error("bears the encoder's name")
			}
			got, err := jpeg.Decode(&file)
			if err != nil {
				t.Fatal(err)
			}
			if luma, chroma, mean := planes(t, tt.img, got.(*image.YCbCr)); luma > 4 || chroma > 4 || mean > 0.6 {
				t.Errorf("luma is off by up to %d and %.2f in the mean, chroma by up to %d", luma, mean, chroma)
			}
		})
	}
}

// More quality costs more bytes and brings the picture nearer.
func TestJPEGQuality(t *testing.T) {
	p := &frame.Picture{YCbCr: gradient(image.Rect(0, 0, 640, 360), image.YCbCrSubsampleRatio420)}
	size := func(quality int) int {
		var file bytes.Buffer
		if err := (&ffmpeg.JPEG{Quality: quality}).Encode(t.Context(), &file, p); err != nil {
			t.Fatal(err)
		}
		return file.Len()
	}
	last := 0
	for _, quality := range []int{1, 20, 30, 50, 75, 85, 90, 95} {
		n := size(quality)
		if n <= last {
			t.Errorf("quality %d has %d bytes, the one below %d", quality, n, last)
		}
		last = n
	}
	if size(0) != size(90) {
		t.Error("zero is not 90")
	}
}
