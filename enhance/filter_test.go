package enhance_test

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/livestill/livestill/enhance"
)

// filters are those for which every property must be true: strong ones and those that measure first.
var filters = map[string]enhance.Filter{
	"Denoise":        enhance.Denoise{},
	"strong Denoise": enhance.Denoise{Luma: 12, Chroma: 9},
	"Sharpen":        enhance.Sharpen{},
	"Deblock":        enhance.Deblock{QP: 40},
	"strong Sharpen": enhance.Sharpen{Radius: 2, Amount: 4, Threshold: 1},
	"Chain":          enhance.Chain{enhance.Denoise{}, enhance.Sharpen{Amount: 1}},
}

func TestMalformed(t *testing.T) {
	good := func() *image.YCbCr { return scene(image.Rect(0, 0, 16, 16), image.YCbCrSubsampleRatio420) }
	for _, c := range []struct {
		sentence string
		img      func() *image.YCbCr
		err      error
	}{
		{"a picture is fine", good, nil},
		{"no picture at all is an error", func() *image.YCbCr { return nil }, enhance.ErrImage},
		{"the zero picture is empty, and fine", func() *image.YCbCr { return new(image.YCbCr) }, nil},
		{"an empty Rect needs no planes", func() *image.YCbCr { return &image.YCbCr{Rect: image.Rect(3, 3, 3, 9)} }, nil},
		{"luma may end with the last pixel", func() *image.YCbCr {
			m := good()
			m.Rect.Max.X, m.Y = 15, m.Y[:255]
			return m
		}, nil},
		{"luma must not end before", func() *image.YCbCr { m := good(); m.Y = m.Y[:255]; return m }, enhance.ErrImage},
		{"nor may Cb", func() *image.YCbCr { m := good(); m.Cb = m.Cb[:63]; return m }, enhance.ErrImage},
		{"nor may Cr", func() *image.YCbCr { m := good(); m.Cr = nil; return m }, enhance.ErrImage},
		{"a row is no longer than its stride", func() *image.YCbCr { m := good(); m.YStride = 15; return m }, enhance.ErrImage},
		{"a stride of zero is an error", func() *image.YCbCr { m := good(); m.CStride = 0; return m }, enhance.ErrImage},
		{"a negative stride is an error", func() *image.YCbCr { m := good(); m.YStride = -16; return m }, enhance.ErrImage},
		{"subsampling must be known", func() *image.YCbCr { m := good(); m.SubsampleRatio = 77; return m }, enhance.ErrImage},
		{"a Rect ends with its planes", func() *image.YCbCr { m := good(); m.Rect.Max.Y = 18; return m }, enhance.ErrImage},
		{"a Rect too wide for an int is an error", func() *image.YCbCr {
			m := good()
			m.Rect.Min.X, m.Rect.Max.X = math.MinInt, math.MaxInt
			return m
		}, enhance.ErrImage},
	} {
		for name, f := range filters {
			if err := f.Apply(t.Context(), c.img()); !errors.Is(err, c.err) {
				t.Errorf("%s: %s: got %v, want %v", c.sentence, name, err, c.err)
			}
		}
		if n, s := enhance.Noise(c.img()), enhance.Sharpness(c.img()); c.err != nil && (n != 0 || s != 0) {
			t.Errorf("%s: noise is %g, sharpness %g", c.sentence, n, s)
		}
	}
}

func TestFlatPicturesStay(t *testing.T) {
	for name, f := range filters {
		for _, size := range []image.Point{{1, 1}, {2, 1}, {1, 7}, {8, 8}, {13, 9}, {64, 48}, {131, 67}} {
			for _, v := range []byte{0, 1, 16, 77, 128, 254, 255} {
				m := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
				for i := range m.Y {
					m.Y[i] = v
				}
				for i := range m.Cb {
					m.Cb[i], m.Cr[i] = 255-v, v/2
				}
				was := clone(m)
				apply(t, f, m)
				if !same(m, was) {
					t.Errorf("%s changed a flat picture of %v, value %d", name, size, v)
				}
			}
		}
	}
}

func TestSubImages(t *testing.T) {
	for name, f := range filters {
		for _, ratio := range ratios {
			big := noisy(scene(image.Rect(-6, 3, 150, 119), ratio), 5)
			for _, r := range []image.Rectangle{
				image.Rect(7, 9, 100, 90), image.Rect(-5, 4, 61, 60), image.Rect(20, 20, 21, 21), image.Rect(31, 40, 34, 110),
				image.Rect(149, 118, 150, 119), big.Rect,
			} {
				m := clone(big)
				sub := m.SubImage(r).(*image.YCbCr)
				want := compact(sub)
				apply(t, f, sub)
				apply(t, f, want)
				if !same(compact(sub), want) {
					t.Errorf("%s, %v: the sub-image %v differs from a copy of it", name, ratio, r)
				}
				if err := outside(m, big, r); err != nil {
					t.Errorf("%s, %v: %v", name, ratio, err)
				}
			}
		}
	}
}

func TestAnyNumberOfCores(t *testing.T) {
	src := noisy(scene(image.Rect(0, 0, 333, 271), image.YCbCrSubsampleRatio420), 4)
	for name, f := range filters {
		var want *image.YCbCr
		for _, cores := range []int{1, 2, 3, 8} {
			was := runtime.GOMAXPROCS(cores)
			m := clone(src)
			apply(t, f, m)
			runtime.GOMAXPROCS(was)
			if want == nil {
				want = m
			} else if !same(m, want) {
				t.Errorf("%s: the result on %d cores differs from that on one", name, cores)
			}
		}
	}
}

func TestCancelled(t *testing.T) {
	cause := errors.New("the caller hung up")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	for name, f := range filters {
		m := noisy(scene(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio420), 5)
		was := clone(m)
		if err := f.Apply(ctx, m); !errors.Is(err, cause) {
			t.Errorf("%s: got %v, want the cause", name, err)
		}
		if !same(m, was) {
			t.Errorf("%s worked on for a context that had ended", name)
		}
	}
}

// A burning context ends when it has been looked at a number of times.
type burning struct {
	context.Context
	fuse atomic.Int64
}

func (b *burning) Err() error {
	if b.fuse.Add(-1) < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

func TestCancelledHalfway(t *testing.T) {
	src := noisy(scene(image.Rect(0, 0, 256, 256), image.YCbCrSubsampleRatio420), 5)
	for name, f := range filters {
		ctx := &burning{Context: context.Background()}
		ctx.fuse.Store(12)
		m := clone(src)
		if err := f.Apply(ctx, m); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, want the deadline", name, err)
		}
		if last := m.YOffset(0, 250); string(m.Y[last:last+256]) != string(src.Y[last:last+256]) {
			t.Errorf("%s finished luma all the same", name)
		}
	}
}

func TestChain(t *testing.T) {
	broken := errors.New("broken")
	mark := func(v byte) enhance.FilterFunc {
		return func(_ context.Context, m *image.YCbCr) error { m.Y[0] = 10*m.Y[0] + v; return nil }
	}
	fail := enhance.FilterFunc(func(context.Context, *image.YCbCr) error { return broken })
	for _, c := range []struct {
		sentence string
		chain    enhance.Chain
		y        byte
		err      error
	}{
		{"an empty chain changes nothing", nil, 0, nil},
		{"filters are applied in order", enhance.Chain{mark(1), mark(2)}, 12, nil},
		{"a chain is a filter", enhance.Chain{mark(1), enhance.Chain{mark(2), mark(3)}}, 123, nil},
		{"the first error ends it", enhance.Chain{mark(1), fail, mark(2)}, 1, broken},
	} {
		m := image.NewYCbCr(image.Rect(0, 0, 1, 1), image.YCbCrSubsampleRatio444)
		if err := c.chain.Apply(t.Context(), m); !errors.Is(err, c.err) || m.YCbCrAt(0, 0) != (color.YCbCr{Y: c.y}) {
			t.Errorf("%s: got %v and %v", c.sentence, m.YCbCrAt(0, 0), err)
		}
	}
}
