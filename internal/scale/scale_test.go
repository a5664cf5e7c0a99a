package scale_test

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/livestill/livestill/internal/scale"
)

const (
	s420 = image.YCbCrSubsampleRatio420
	s444 = image.YCbCrSubsampleRatio444
)

var subsamplings = []image.YCbCrSubsampleRatio{
	s444, image.YCbCrSubsampleRatio422, s420, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
}

// noise is an image of random pixels, always the same.
func noise(size image.Point, s image.YCbCrSubsampleRatio) *image.YCbCr {
	random := rand.New(rand.NewPCG(1, 2))
	m := image.NewYCbCr(image.Rectangle{Max: size}, s)
	for _, plane := range [][]byte{m.Y, m.Cb, m.Cr} {
		for i := range plane {
			plane[i] = byte(64 + random.IntN(128))
		}
	}
	return m
}

// grey is an image whose luma is a function of its coordinates.
func grey(size image.Point, s image.YCbCrSubsampleRatio, luma func(x, y int) uint8) *image.YCbCr {
	m := image.NewYCbCr(image.Rectangle{Max: size}, s)
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = 128, 128
	}
	for y := range size.Y {
		for x := range size.X {
			m.Y[m.YOffset(x, y)] = luma(x, y)
		}
	}
	return m
}

func scaled(t *testing.T, src *image.YCbCr, size image.Point, s image.YCbCrSubsampleRatio) *image.YCbCr {
	t.Helper()
	dst := image.NewYCbCr(image.Rectangle{Max: size}, s)
	if err := scale.Into(t.Context(), dst, src); err != nil {
		t.Fatal(err)
	}
	return dst
}

// The transfer function of sRGB.
func toLight(v float64) float64 {
	if v /= 255; v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func fromLight(v float64) float64 {
	if v = min(max(v, 0), 1); v <= 0.0031308 {
		return 255 * 12.92 * v
	}
	return 255 * (1.055*math.Pow(v, 1/2.4) - 0.055)
}

// exact scales in floating point, straight from the definition.
func exact(src *image.YCbCr, size image.Point) (rgb func(x, y int) [3]float64) {
	was := src.Rect.Size()
	lit := make([][3]float64, was.X*was.Y)
	for i := range lit {
		c := src.YCbCrAt(src.Rect.Min.X+i%was.X, src.Rect.Min.Y+i/was.X)
		y, cb, cr := float64(c.Y), float64(c.Cb)-128, float64(c.Cr)-128
		for k, v := range [3]float64{y + 1.402*cr, y - 0.344136*cb - 0.714136*cr, y + 1.772*cb} {
			lit[i][k] = toLight(min(max(v, 0), 255))
		}
	}
	lanczos := func(x float64) float64 {
		if x == 0 {
			return 1
		} else if math.Abs(x) >= 2 {
			return 0
		}
		return 2 * math.Sin(math.Pi*x) * math.Sin(math.Pi*x/2) / (math.Pi * x * math.Pi * x)
	}
	weigh := func(i, size, was int) (weights map[int]float64) {
		ratio := float64(was) / float64(size)
		weights, sum := make(map[int]float64), 0.0
		for j := -4 * was; j < 6*was; j++ {
			w := lanczos((float64(j) + 0.5 - (float64(i)+0.5)*ratio) / max(ratio, 1))
			at := (j + 4*was) % (2 * was)
			weights[min(at, 2*was-1-at)] += w // mirrored at the edges
			sum += w
		}
		for j := range weights {
			weights[j] /= sum
		}
		return weights
	}
	return func(x, y int) (sum [3]float64) {
		across := weigh(x, size.X, was.X)
		for j, v := range weigh(y, size.Y, was.Y) {
			for i, w := range across {
				for k := range sum {
					sum[k] += v * w * lit[j*was.X+i][k]
				}
			}
		}
		for k := range sum {
			sum[k] = fromLight(sum[k])
		}
		return sum
	}
}

// TestAsDefined checks all kinds of sizes and subsamplings against the definition.
func TestAsDefined(t *testing.T) {
	worst, total, n := 0.0, 0.0, 0
	for _, from := range subsamplings {
		for _, sizes := range [][2]image.Point{
			{{24, 16}, {12, 8}}, {{25, 17}, {11, 7}}, {{31, 9}, {5, 8}}, {{16, 16}, {16, 16}}, {{17, 13}, {1, 1}}, {{7, 5}, {15, 11}}, {{1, 1}, {3, 5}},
			{{2, 40}, {2, 3}}, {{33, 2}, {4, 2}}, {{3, 3}, {2, 2}}, {{150, 130}, {9, 7}}, {{3, 333}, {5, 2}}, {{4, 90}, {4, 11}}, {{2, 33}, {2, 1}},
		} {
			src := noise(sizes[0], from)
			want := exact(src, sizes[1])
			for _, to := range []image.YCbCrSubsampleRatio{s444, s420} {
				got := scaled(t, src, sizes[1], to)
				check := func(what string, got uint8, want float64) {
					off := math.Abs(float64(got) - min(max(want, 0), 255))
					if off > 1.5 {
						t.Errorf("%v %v to %v %v: %s is %d, want %.2f", from, sizes[0], to, sizes[1], what, got, want)
					}
					worst, total, n = max(worst, off), total+off, n+1
				}
				across, down := 1, 1
				if to == s420 {
					across, down = 2, 2
				}
				for y := 0; y < sizes[1].Y; y += down {
					for x := 0; x < sizes[1].X; x += across {
						var cb, cr, shared float64
						for j := y; j < min(y+down, sizes[1].Y); j++ {
							for i := x; i < min(x+across, sizes[1].X); i++ {
								c := want(i, j)
								check("luma", got.Y[got.YOffset(i, j)], 0.299*c[0]+0.587*c[1]+0.114*c[2])
								cb += 128 - 0.168736*c[0] - 0.331264*c[1] + 0.5*c[2]
								cr += 128 + 0.5*c[0] - 0.418688*c[1] - 0.081312*c[2]
								shared++
							}
						}
						check("Cb", got.Cb[got.COffset(x, y)], cb/shared)
						check("Cr", got.Cr[got.COffset(x, y)], cr/shared)
					}
				}
			}
		}
	}
	t.Logf("off by %.2f on average, %.2f at most", total/float64(n), worst)
}

// TestCheckerboard: black and white pixels make the grey that gives as much light, 188, whatever the size; a mean of what is stored is 128.
func TestCheckerboard(t *testing.T) {
	src := grey(image.Pt(960, 540), s420, func(x, y int) uint8 { return uint8(255 * ((x + y) % 2)) })
	for _, size := range []image.Point{{480, 270}, {640, 360}, {320, 180}, {101, 57}, {7, 5}, {1, 1}} {
		got := scaled(t, src, size, s420)
		whole := image.Rectangle{Max: size}
		least, most, light := uint8(255), uint8(0), 0.0
		for y := range size.Y {
			for x := range size.X {
				v := got.Y[got.YOffset(x, y)]
				light += toLight(float64(v)) / float64(size.X*size.Y)
				if inner := whole.Inset(2); inner.Empty() || image.Pt(x, y).In(inner) { // beyond an edge there is no pattern
					least, most = min(least, v), max(most, v)
				}
			}
		}
		t.Logf("%v: %d to %d, of light %.4f", size, least, most, light)
		if least < 187 || most > 189 || math.Abs(light-0.5) > 0.005 {
			t.Errorf("%v: %d to %d, want 188; of light %.4f, want 0.5", size, least, most, light)
		}
	}
}

// TestEdgesCountAsOthers: a bright line around a picture gives as much light as before, however few pixels are made of it.
func TestEdgesCountAsOthers(t *testing.T) {
	const w, h = 640, 360
	src := grey(image.Pt(w, h), s420, func(x, y int) uint8 {
		if x == 0 || y == 0 || x == w-1 || y == h-1 {
			return 255
		}
		return 60
	})
	const around = 2 * (w + h - 2)
	want := (around*toLight(255) + (w*h-around)*toLight(60)) / (w * h)
	for _, size := range []image.Point{{320, 180}, {64, 36}, {33, 17}, {7, 4}, {3, 2}, {1, 1}} {
		got, light := scaled(t, src, size, s420), 0.0
		for y := range size.Y {
			for x := range size.X {
				light += toLight(float64(got.Y[got.YOffset(x, y)])) / float64(size.X*size.Y)
			}
		}
		if math.Abs(light/want-1) > 0.03 {
			t.Errorf("%v: of light %.4f, want %.4f", size, light, want)
		}
	}
}

// TestZonePlate scales rings that are the finer the farther they are from the middle, up to every other pixel. What the result can show stays; of
// what it cannot show nothing comes back as other rings.
func TestZonePlate(t *testing.T) {
	const n = 200
	for _, ratio := range []float64{1.7, 2, 3, 4, 6} {
		side := n * ratio
		src := grey(image.Pt(int(side), int(side)), s420, func(x, y int) uint8 {
			dx, dy := float64(x)-side/2+0.5, float64(y)-side/2+0.5
			return uint8(math.Round(fromLight(0.5 + 0.5*math.Cos(math.Pi*(dx*dx+dy*dy)/side))))
		})
		got := scaled(t, src, image.Pt(n, n), s420)
		var shown, beyond rings
		for y := range n {
			for x := range n {
				dx, dy := math.Abs(float64(x)+0.5-n/2)*ratio, math.Abs(float64(y)+0.5-n/2)*ratio
				light := toLight(float64(got.Y[got.YOffset(x, y)]))
				frequency := ratio / side // of a pixel off the middle, in the sampling rate of the result
				if f := frequency * math.Hypot(dx, dy); f > 0.15 && f < 0.25 {
					shown.add(light)
				}
				if f := frequency * max(dx, dy); f > 0.8 && max(dx, dy) < side/2-3*ratio {
					beyond.add(light)
				}
			}
		}
		t.Logf("1:%v: contrast %.3f at 0.2 of the sampling rate, %.4f from 0.8 on, mean %.4f", ratio, shown.contrast(), beyond.contrast(), beyond.mean())
		if shown.count > 100 && shown.contrast() < 0.93 || beyond.count > 0 && (beyond.contrast() > 0.015 || math.Abs(beyond.mean()-0.5) > 0.005) {
			t.Errorf("1:%v: contrast %.3f at 0.2 of the sampling rate, %.4f from 0.8 on, mean %.4f", ratio, shown.contrast(), beyond.contrast(), beyond.mean())
		}
	}
}

// Rings are the light of a part of a zone plate.
type rings struct{ sum, squares, count float64 }

func (r *rings) add(light float64) {
	r.sum, r.squares, r.count = r.sum+light, r.squares+light*light, r.count+1
}

func (r *rings) mean() float64 { return r.sum / r.count }

// contrast is 1 where rings are from black to white, and 0 where there are none.
func (r *rings) contrast() float64 {
	return math.Sqrt(8 * max(r.squares/r.count-r.mean()*r.mean(), 0))
}

// TestFlat: what is of one colour stays so, up to the edges and the corners.
func TestFlat(t *testing.T) {
	worst := 0
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				y, cb, cr := color.RGBToYCbCr(uint8(r), uint8(g), uint8(b))
				src := grey(image.Pt(9, 7), s420, func(int, int) uint8 { return y })
				for i := range src.Cb {
					src.Cb[i], src.Cr[i] = cb, cr
				}
				got := scaled(t, src, image.Pt(5, 3), s420)
				for i, want := range []uint8{y, cb, cr} {
					for _, v := range [][]byte{got.Y, got.Cb, got.Cr}[i] {
						if off := max(int(v)-int(want), int(want)-int(v)); off > worst {
							worst = off
						}
					}
				}
			}
		}
	}
	if worst > 1 {
		t.Errorf("a flat colour is off by %d", worst)
	}
	for y := range 256 {
		src := grey(image.Pt(9, 7), s444, func(int, int) uint8 { return uint8(y) })
		if got := scaled(t, src, image.Pt(12, 3), s420); got.Y[0] != uint8(y) || got.Cb[0] != 128 || got.Cr[0] != 128 {
			t.Errorf("grey %d became %v", y, got.YCbCrAt(0, 0))
		}
	}
}

// TestNothingMoves: what is mirrored before is as what is mirrored after, luma and chroma.
func TestNothingMoves(t *testing.T) {
	mirror := func(m *image.YCbCr) *image.YCbCr {
		out := image.NewYCbCr(m.Rect, m.SubsampleRatio)
		for y := range m.Rect.Dy() {
			for x := range m.Rect.Dx() {
				i, j := m.Rect.Dx()-1-x, m.Rect.Dy()-1-y
				out.Y[out.YOffset(x, y)] = m.Y[m.YOffset(i, j)]
				out.Cb[out.COffset(x, y)], out.Cr[out.COffset(x, y)] = m.Cb[m.COffset(i, j)], m.Cr[m.COffset(i, j)]
			}
		}
		return out
	}
	for _, size := range []image.Point{{64, 36}, {80, 44}, {30, 20}, {160, 90}} {
		src := noise(image.Pt(120, 68), s420)
		a, b := mirror(scaled(t, src, size, s420)), scaled(t, mirror(src), size, s420)
		for i, plane := range [][]byte{a.Y, a.Cb, a.Cr} {
			for k, v := range plane {
				if w := [][]byte{b.Y, b.Cb, b.Cr}[i][k]; max(v, w)-min(v, w) > 1 {
					t.Fatalf("%v: plane %d at %d is %d and %d", size, i, k, v, w)
				}
			}
		}
	}
}

// TestParts scales a part of an image into a part of another: the rest of that stays.
func TestParts(t *testing.T) {
	whole := noise(image.Pt(60, 40), s420)
	for _, from := range []image.Rectangle{image.Rect(0, 0, 60, 40), image.Rect(13, 7, 50, 36), image.Rect(59, 39, 60, 40), image.Rect(1, 0, 2, 40)} {
		part := whole.SubImage(from).(*image.YCbCr)
		alone := image.NewYCbCr(image.Rectangle{Max: from.Size()}, s444)
		for y := range from.Dy() {
			for x := range from.Dx() {
				c := whole.YCbCrAt(from.Min.X+x, from.Min.Y+y)
				i := alone.YOffset(x, y)
				alone.Y[i], alone.Cb[i], alone.Cr[i] = c.Y, c.Cb, c.Cr
			}
		}
		for _, s := range []image.YCbCrSubsampleRatio{s420, s444} {
			to := image.Rect(4, 6, 15, 21)
			dst := noise(image.Pt(40, 30), s)
			if err := scale.Into(t.Context(), dst.SubImage(to).(*image.YCbCr), part); err != nil {
				t.Fatal(err)
			}
			want, before := scaled(t, alone, to.Size(), s), noise(image.Pt(40, 30), s)
			for y := range 30 {
				for x := range 40 {
					p, shared := image.Pt(x, y), image.Pt(x&^1, y&^1)
					switch {
					case p.In(to):
						if got, want := dst.YCbCrAt(x, y), want.YCbCrAt(x-4, y-6); got != want {
							t.Fatalf("%v at %v: %v, want %v", from, p, got, want)
						}
					case dst.YCbCrAt(x, y) != before.YCbCrAt(x, y) && (s != s420 || !shared.In(to)):
						t.Fatalf("%v was written at %v", from, p)
					}
				}
			}
		}
	}
}

// TestMemory: what it takes is a few rows, whatever becomes of how many.
func TestMemory(t *testing.T) {
	for _, size := range []image.Point{{1000, 1}, {1000, 30}, {1, 1000}, {500, 500}, {1000, 2000}} {
		src, dst := noise(image.Pt(1000, 1000), s420), image.NewYCbCr(image.Rectangle{Max: size}, s420)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := scale.Into(t.Context(), dst, src); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		most := 16*(33*size.X+1000+2*size.X) + 100_000 // and what says which pixels count
		if took := int(after.TotalAlloc - before.TotalAlloc); took > most {
			t.Errorf("1000x1000 to %v takes %d bytes, want %d at most", size, took, most)
		}
	}
}

// TestMalformed: what is no image is an error, and none panics.
func TestMalformed(t *testing.T) {
	good := func() *image.YCbCr { return noise(image.Pt(16, 16), s420) }
	for name, spoil := range map[string]func(m *image.YCbCr){
		"empty":               func(m *image.YCbCr) { m.Rect = image.Rectangle{} },
		"absurd":              func(m *image.YCbCr) { m.Rect = image.Rect(math.MinInt, 0, math.MaxInt, 1) },
		"too wide":            func(m *image.YCbCr) { m.Rect.Max.X = 1 << 17 },
		"of negative corner":  func(m *image.YCbCr) { m.Rect.Min.X = -1 },
		"of short luma":       func(m *image.YCbCr) { m.Y = m.Y[:100] },
		"of short chroma":     func(m *image.YCbCr) { m.Cr = nil },
		"of small stride":     func(m *image.YCbCr) { m.YStride = 2 },
		"of negative stride":  func(m *image.YCbCr) { m.CStride = -8 },
		"of absurd stride":    func(m *image.YCbCr) { m.CStride = math.MaxInt / 2 },
		"of no subsampling":   func(m *image.YCbCr) { m.SubsampleRatio = 99 },
		"of another sampling": func(m *image.YCbCr) { m.SubsampleRatio = s444 },
	} {
		bad := good()
		spoil(bad)
		for _, pair := range [][2]*image.YCbCr{{good(), bad}, {bad, good()}} {
			if err := scale.Into(t.Context(), pair[0], pair[1]); !errors.Is(err, scale.ErrImage) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	odd := good().SubImage(image.Rect(1, 0, 9, 8)).(*image.YCbCr)
	for _, dst := range []*image.YCbCr{nil, odd, noise(image.Pt(16, 16), image.YCbCrSubsampleRatio422)} {
		if err := scale.Into(t.Context(), dst, good()); !errors.Is(err, scale.ErrImage) {
			t.Errorf("into %v: %v", dst, err)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errEnough)
	if err := scale.Into(ctx, good(), good()); !errors.Is(err, errEnough) {
		t.Errorf("when its context has ended: %v", err)
	}
}

var errEnough = errors.New("enough")

// FuzzInto scales between any sizes: it does not panic, and nothing becomes lighter or darker than the overshoot of the kernel allows.
func FuzzInto(f *testing.F) {
	f.Add(uint8(9), uint8(7), uint8(5), uint8(3), uint8(2), uint8(100), uint8(20))
	f.Add(uint8(1), uint8(1), uint8(255), uint8(1), uint8(5), uint8(0), uint8(255))
	f.Fuzz(func(t *testing.T, w, h, toW, toH, s, least, span uint8) {
		size, to := image.Pt(int(w)+1, int(h)+1), image.Pt(int(toW)+1, int(toH)+1)
		random := rand.New(rand.NewPCG(uint64(w), uint64(h)))
		from := subsamplings[int(s)%len(subsamplings)]
		src := grey(size, from, func(int, int) uint8 { return uint8(min(int(least)+random.IntN(int(span)+1), 255)) })
		for _, into := range []image.YCbCrSubsampleRatio{s444, s420} {
			got := scaled(t, src, to, into)
			low, high := toLight(float64(least)), toLight(min(float64(least)+float64(span), 255))
			over := 0.29 * (high - low)
			for i, v := range got.Y {
				if f := float64(v); f < fromLight(low-over)-1.5 || f > fromLight(high+over)+1.5 {
					t.Fatalf("%v of %d to %d: pixel %d is %d", size, least, int(least)+int(span), i, v)
				}
			}
			for i := range got.Cb {
				if got.Cb[i] != 128 || got.Cr[i] != 128 {
					t.Fatalf("grey became %d, %d", got.Cb[i], got.Cr[i])
				}
			}
		}
	})
}
