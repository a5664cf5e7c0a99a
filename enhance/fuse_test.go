package enhance_test

import (
	"context"
	"errors"
	"image"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/frame"
)

// burst is a target and neighbours, a picture apart.
func burst(target int, pictures ...*image.YCbCr) *frame.Burst {
	b := &frame.Burst{Target: target}
	for i, p := range pictures {
		b.Pictures = append(b.Pictures, &frame.Picture{YCbCr: p, PTS: time.Duration(i) * time.Second, Key: true, EffectiveQP: 20})
	}
	return b
}

// lumaError returns the mean square of what the luma of a differs from that of b.
func lumaError(a, b *image.YCbCr) float64 {
	sum := 0.
	for i, v := range a.Y {
		d := float64(v) - float64(b.Y[i])
		sum += d * d
	}
	return sum / float64(len(a.Y))
}

// grainy is a scene with noise that differs from one n to the next.
func grainy(m *image.YCbCr, n int) *image.YCbCr { return noisy(m, 6+float64(n)/100) }

func TestFuseAveragesNoise(t *testing.T) { enhance.WithEveryKernel(t, fuseAveragesNoise) }

func fuseAveragesNoise(t *testing.T) {
	t.Helper()
	clean := scene(image.Rect(0, 0, 320, 240), image.YCbCrSubsampleRatio420)
	b := burst(3, grainy(clean, 0), grainy(clean, 1), grainy(clean, 2), grainy(clean, 3))
	p, err := enhance.Fuse{}.Enhance(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	before, after := lumaError(b.Picture().YCbCr, clean), lumaError(p.YCbCr, clean)
	if gain := 10 * math.Log10(before/after); gain < 4 {
		t.Errorf("four pictures gain %.1f dB, want 4", gain)
	}
}

func TestFuseLeavesWhatDiffers(t *testing.T) { enhance.WithEveryKernel(t, fuseLeavesWhatDiffers) }

func fuseLeavesWhatDiffers(t *testing.T) {
	t.Helper()
	clean := scene(image.Rect(0, 0, 320, 240), image.YCbCrSubsampleRatio420)
	other := clone(clean)
	for i := range other.Y {
		other.Y[i] = byte(i*i>>3) ^ byte(i/320*31)
	}
	cut := burst(2, other, other, clean)
	single := burst(0, clean)
	for i, b := range []*frame.Burst{cut, single} {
		p, err := enhance.Fuse{}.Enhance(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		if e := lumaError(p.YCbCr, clean); e > 1 {
			t.Errorf("burst %d: mean square error %.2f against a picture without errors", i, e)
		}
	}
}

func TestFuseTakesAnyPicture(t *testing.T) { enhance.WithEveryKernel(t, fuseTakesAnyPicture) }

func fuseTakesAnyPicture(t *testing.T) {
	t.Helper()
	for _, size := range []image.Point{{}, {1, 1}, {7, 3}, {16, 16}, {17, 65}, {100, 5}, {131, 77}} {
		for _, ratio := range ratios {
			for _, effort := range []enhance.Effort{enhance.Low, enhance.Medium, enhance.High} {
				m := scene(image.Rectangle{Max: size}, ratio)
				b := burst(1, grainy(m, 1), grainy(m, 2), grainy(m, 3), scene(image.Rect(0, 0, 5, 9), ratio))
				before := clone(b.Picture().YCbCr)
				p, err := enhance.Fuse{Effort: effort}.Enhance(context.Background(), b)
				if err != nil || p.Rect != m.Rect {
					t.Fatalf("%v %v: %v", size, ratio, err)
				}
				if !slices.Equal(before.Y, b.Picture().Y) || !slices.Equal(before.Cb, b.Picture().Cb) {
					t.Fatalf("%v %v: the burst was written to", size, ratio)
				}
			}
		}
	}
}

func TestFuseFails(t *testing.T) {
	m := scene(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio420)
	ctx, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("enough")
	cancel(cause)
	if _, err := (enhance.Fuse{}).Enhance(ctx, burst(0, m, m)); !errors.Is(err, cause) {
		t.Errorf("ended with %v, want the cause", err)
	}
	short := clone(m)
	short.Y = short.Y[:9]
	if _, err := (enhance.Fuse{}).Enhance(context.Background(), burst(0, short, m)); !errors.Is(err, enhance.ErrImage) {
		t.Errorf("a malformed target: %v, want ErrImage", err)
	}
	if _, err := (enhance.Fuse{}).Enhance(context.Background(), burst(1, short, m)); err != nil {
		t.Errorf("a malformed neighbour: %v", err)
	}
}

func TestFuseNeighbours(t *testing.T) {
	gop := func(from, n int) (g frame.GOP) {
		for i := range n {
			g = append(g, frame.AccessUnit{Key: i == 0, PTS: time.Duration(from + i), Data: []byte{1}})
		}
		return g
	}
	gops := []frame.GOP{gop(0, 30), gop(30, 30), gop(60, 10)}
	for _, test := range []struct {
		about     string
		effort    enhance.Effort
		gop, unit int
		want      [][]int
	}{
		{"of the newest GOP, at low effort", enhance.Low, 2, 9, [][]int{{}, {29}, {0, 1, 9}}},
		{"of the newest GOP", enhance.Medium, 2, 9, [][]int{{29}, {5, 13, 21, 29}, {0, 1, 9}}},
		{"near the end of a GOP that another follows", enhance.Medium, 1, 28, [][]int{{5, 13, 21, 29}, {0, 4, 20, 28, 29}, {0, 1, 6}}},
		{"the second of a stream", enhance.Medium, 0, 1, [][]int{{0, 1, 4, 9, 29}, {0}, {}}},
	} {
		got := enhance.Fuse{Effort: test.effort}.Neighbours(gops, test.gop, test.unit)
		for g := range test.want {
			if !slices.Equal(got[g], test.want[g]) {
				t.Errorf("%s: of GOP %d units %v, want %v", test.about, g, got[g], test.want[g])
			}
		}
	}
}
