package turn_test

import (
	"bytes"
	"fmt"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/livestill/livestill/internal/turn"
)

const (
	r444 = image.YCbCrSubsampleRatio444
	r422 = image.YCbCrSubsampleRatio422
	r420 = image.YCbCrSubsampleRatio420
)

// An orientation is how a picture is turned.
type orientation struct {
	degrees  int
	mirrored bool
}

var orientations = []orientation{
	{0, false}, {90, false}, {180, false}, {270, false}, {0, true}, {90, true}, {180, true}, {270, true}, {-90, false}, {450, true},
}

// from returns where in a picture of w by h the sample comes from that is at (x, y) when it has been turned.
func (o orientation) from(x, y, w, h int) (int, int) {
	switch (o.degrees + 360) % 360 {
	case 90:
		x, y = y, h-1-x
	case 180:
		x, y = w-1-x, h-1-y
	case 270:
		x, y = w-1-y, x
	}
	if o.mirrored {
		x = w - 1 - x
	}
	return x, y
}

// in returns a picture that is a part of a larger one, whose rows are longer than it is wide.
func in(r image.Rectangle, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	around := image.NewYCbCr(image.Rect(0, 0, r.Max.X+5, r.Max.Y+3), ratio)
	return around.SubImage(r).(*image.YCbCr)
}

// noise returns a picture of noise.
func noise(r image.Rectangle, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	img := in(r, ratio)
	random := rand.New(rand.NewPCG(1, uint64(r.Dx())))
	for _, plane := range [][]byte{img.Y, img.Cb, img.Cr} {
		for i := range plane {
			plane[i] = byte(random.Uint32())
		}
	}
	return img
}

// ramp returns a picture whose Cb rises from left to right and whose Cr rises from top to bottom, by half a level for each pixel.
func ramp(r image.Rectangle, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	img := in(r, ratio)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			img.Y[img.YOffset(x, y)] = byte(x ^ y)
			cx, cy := 2*x, 2*y // in halves, where chroma lies
			if ratio != r444 {
				cx = 4*(x/2) + 1
			}
			if ratio == r420 {
				cy = 4*(y/2) + 1
			}
			i := img.COffset(x, y)
			img.Cb[i] = byte(50 + (cx-2*r.Min.X)/4)
			img.Cr[i] = byte(50 + (cy-2*r.Min.Y)/4)
		}
	}
	return img
}

// Each sample of luma comes to its place, and chroma where there is a sample for each of luma, or two or four, whatever the size.
func TestPicture(t *testing.T) {
	rects := []image.Rectangle{
		image.Rect(0, 0, 32, 16), image.Rect(0, 0, 1, 1), image.Rect(0, 0, 7, 300), image.Rect(3, 5, 76, 34), image.Rect(2, 4, 132, 86),
		image.Rect(1, 1, 2, 40), image.Rect(1, 0, 65, 1),
	}
	ratios := []image.YCbCrSubsampleRatio{r444, r422, r420, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410}
	for _, r := range rects {
		for _, ratio := range ratios {
			img := noise(r, ratio)
			before := bytes.Join([][]byte{img.Y, img.Cb, img.Cr}, nil)
			for _, o := range orientations {
				got := turn.Picture(img, o.degrees, o.mirrored, image.NewYCbCr)
				w, h := r.Dx(), r.Dy()
				want := image.Rect(0, 0, w, h)
				quarter := o.degrees%180 != 0
				if quarter {
					want = image.Rect(0, 0, h, w)
				}
				if got.Rect != want {
					t.Fatalf("%v %v %+v: %v", r, ratio, o, got.Rect)
				}
				kept := ratio == r444 || ratio == r420 || ratio == r422 && !quarter
				if kept && got.SubsampleRatio != ratio || !kept && got.SubsampleRatio != r444 {
					t.Fatalf("%v %v %+v: became %v", r, ratio, o, got.SubsampleRatio)
				}
				even := r.Min.X%2 == 0 && r.Min.Y%2 == 0 && w%2 == 0 && h%2 == 0
				moved := ratio != r422 && even || ratio == r422 && even && !quarter || ratio != r422 && ratio != r420
				for y := range want.Max.Y {
					for x := range want.Max.X {
						fx, fy := o.from(x, y, w, h)
						a, b := got.YCbCrAt(x, y), img.YCbCrAt(r.Min.X+fx, r.Min.Y+fy)
						if a.Y != b.Y || moved && a != b {
							t.Fatalf("%v %v %+v: at %d,%d %v, want %v", r, ratio, o, x, y, a, b)
						}
					}
				}
			}
			if !bytes.Equal(before, bytes.Join([][]byte{img.Y, img.Cb, img.Cr}, nil)) {
				t.Errorf("%v %v was written to", r, ratio)
			}
		}
	}
}

// Chroma stays on the luma that it belongs to, also where a side is odd or the picture begins in the middle of a sample.
func TestChroma(t *testing.T) {
	for _, r := range []image.Rectangle{
		image.Rect(0, 0, 64, 48), image.Rect(0, 0, 63, 47), image.Rect(1, 1, 64, 48), image.Rect(1, 1, 65, 49), image.Rect(2, 3, 65, 49),
	} {
		for _, ratio := range []image.YCbCrSubsampleRatio{r444, r422, r420} {
			for _, o := range orientations {
				img := ramp(r, ratio)
				got := turn.Picture(img, o.degrees, o.mirrored, image.NewYCbCr)
				if worst := astray(got, o, r.Dx(), r.Dy()); worst > 1 {
					t.Errorf("%v %v %+v: chroma is off by %.1f", r, ratio, o, worst)
				}
			}
		}
	}
}

// astray returns by how many levels the chroma of what was made of a ramp of w by h is off, away from the edges, beyond which nothing is known.
func astray(got *image.YCbCr, o orientation, w, h int) (worst float64) {
	// between samples of chroma as decoders have it
	at := func(plane []byte, x, y int) float64 {
		sum := 0.0
		near := func(v, most int, halved bool) int {
			if !halved {
				return v
			}
			return min(max(v-1+2*(v%2), 0), most)
		}
		nx, ny := near(x, got.Rect.Max.X-1, got.SubsampleRatio != r444), near(y, got.Rect.Max.Y-1, got.SubsampleRatio == r420)
		for _, p := range []struct{ x, y, weight int }{{x, y, 9}, {nx, y, 3}, {x, ny, 3}, {nx, ny, 1}} {
			sum += float64(int(plane[got.COffset(p.x, p.y)])*p.weight) / 16
		}
		return sum
	}
	const edge = 4
	for y := edge; y < got.Rect.Max.Y-edge; y++ {
		for x := edge; x < got.Rect.Max.X-edge; x++ {
			fx, fy := o.from(x, y, w, h)
			cb, cr := 50+float64(fx)/2, 50+float64(fy)/2
			worst = max(worst, abs(at(got.Cb, x, y)-cb), abs(at(got.Cr, x, y)-cr))
		}
	}
	return worst
}

func abs(v float64) float64 { return max(v, -v) }

// A picture that is turned four times, or mirrored twice, is what it was. Where chroma was shifted it is as far as eyes can tell.
func TestThereAndBack(t *testing.T) {
	for _, size := range []image.Point{{64, 48}, {63, 48}, {64, 47}, {63, 47}, {1, 3}} {
		for _, ratio := range []image.YCbCrSubsampleRatio{r444, r422, r420} {
			for name, turns := range map[string][]orientation{
				"by 90":                  {{90, false}, {90, false}, {90, false}, {90, false}},
				"by 270, then by 90":     {{270, false}, {90, false}},
				"by 180":                 {{180, false}, {180, false}},
				"mirrored":               {{0, true}, {0, true}},
				"mirrored and turned":    {{90, true}, {90, true}},
				"by 180, mirrored twice": {{180, true}, {180, true}},
			} {
				img := ramp(image.Rectangle{Max: size}, ratio)
				got := img
				for _, o := range turns {
					got = turn.Picture(got, o.degrees, o.mirrored, image.NewYCbCr)
				}
				whole := size.X%2 == 0 && size.Y%2 == 0 && got.SubsampleRatio == ratio
				for y := range size.Y {
					for x := range size.X {
						a, b := got.YCbCrAt(x, y), img.YCbCrAt(x, y)
						if a.Y != b.Y || whole && a != b || diff(a.Cb, b.Cb) > 2 || diff(a.Cr, b.Cr) > 2 {
							t.Fatalf("%v %v %s: at %d,%d %v, was %v", size, ratio, name, x, y, a, b)
						}
					}
				}
			}
		}
	}
}

func diff(a, b byte) int { return max(int(a)-int(b), int(b)-int(a)) }

func BenchmarkPicture(b *testing.B) {
	for _, size := range []image.Point{{1280, 720}, {1920, 1080}, {3840, 2160}} {
		img := image.NewYCbCr(image.Rectangle{Max: size}, r420)
		for _, o := range []orientation{{90, false}, {180, false}, {270, true}} {
			b.Run(fmt.Sprintf("%dp/%d/%t", size.Y, o.degrees, o.mirrored), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					turn.Picture(img, o.degrees, o.mirrored, image.NewYCbCr)
				}
			})
		}
	}
}
