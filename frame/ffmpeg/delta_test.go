package ffmpeg_test

import (
	"fmt"
	"image"
	"math"
	"testing"
)

// A colour is R, G and B, or whatever else has three numbers.
type colour [3]float64

func (c colour) each(f func(float64) float64) colour { return colour{f(c[0]), f(c[1]), f(c[2])} }

func clip(v float64) float64 { return min(max(v, 0), 1) }

// of709 has the rows of the matrix from linear BT.709 to CIE XYZ.
var of709 = [3]colour{{0.4123908, 0.3575843, 0.1804808}, {0.2126390, 0.7151687, 0.0721923}, {0.0193308, 0.1191948, 0.9505322}}

func (c colour) through(m [3]colour) (out colour) {
	for i, row := range m {
		out[i] = row[0]*c[0] + row[1]*c[1] + row[2]*c[2]
	}
	return out
}

// lab returns CIELAB of R'G'B' of 0 to 1, as screens of sRGB show them.
func (c colour) lab() colour {
	xyz := c.each(func(v float64) float64 {
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}).through(of709)
	f := colour{xyz[0] / 0.95047, xyz[1], xyz[2] / 1.08883}.each(func(v float64) float64 {
		if v > 216./24389 {
			return math.Cbrt(v)
		}
		return (24389./27*v + 16) / 116
	})
	return colour{116*f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])}
}

// delta returns delta-E 2000 of two colours in CIELAB, by the numbers of Sharma, Wu and Dalal (2005).
func delta(p, q colour) float64 {
	const degree = math.Pi / 180
	seventh := func(c float64) float64 { return math.Sqrt(math.Pow(c, 7) / (math.Pow(c, 7) + math.Pow(25, 7))) }
	stretch := 1 + 0.5*(1-seventh((math.Hypot(p[1], p[2])+math.Hypot(q[1], q[2]))/2))
	c1, c2 := math.Hypot(stretch*p[1], p[2]), math.Hypot(stretch*q[1], q[2])
	hue := func(c colour) float64 { return math.Mod(math.Atan2(c[2], stretch*c[1])/degree+360, 360) }
	h1, h2 := hue(p), hue(q)
	turn, mid := h2-h1, (h1+h2)/2
	switch {
	case c1*c2 == 0:
		turn, mid = 0, h1+h2
	case math.Abs(turn) > 180:
		turn -= math.Copysign(360, turn)
		mid = math.Mod(mid+180, 360)
	}
	l, c := (p[0]+q[0])/2, (c1+c2)/2
	t := 1 - 0.17*math.Cos((mid-30)*degree) + 0.24*math.Cos(2*mid*degree) + 0.32*math.Cos((3*mid+6)*degree) - 0.20*math.Cos((4*mid-63)*degree)
	dl := (q[0] - p[0]) / (1 + 0.015*(l-50)*(l-50)/math.Sqrt(20+(l-50)*(l-50)))
	dc := (c2 - c1) / (1 + 0.045*c)
	dh := 2 * math.Sqrt(c1*c2) * math.Sin(turn/2*degree) / (1 + 0.015*c*t)
	rotation := -2 * seventh(c) * math.Sin(60*degree*math.Exp(-(mid-275)*(mid-275)/625))
	return math.Sqrt(dl*dl + dc*dc + dh*dh + rotation*dc*dh)
}

// The formula itself: pairs of Sharma's test data.
func TestDelta(t *testing.T) {
	for _, tt := range []struct {
		p, q colour
		want float64
	}{
		{colour{50, 2.6772, -79.7751}, colour{50, 0, -82.7485}, 2.0425},
		{colour{50, -1, 2}, colour{50, 0, 0}, 2.3669},
		{colour{50, 2.49, -0.001}, colour{50, -2.49, 0.0011}, 7.2195},
		{colour{50, 2.5, 0}, colour{58, 24, 15}, 19.4535},
		{colour{22.7233, 20.0904, -46.6940}, colour{23.0331, 14.9730, -42.5619}, 2.0373},
		{colour{90.8027, -2.0831, 1.4410}, colour{91.1528, -1.6435, 0.0447}, 1.4441},
	} {
		if got := delta(tt.p, tt.q); math.Abs(got-tt.want) > 1e-4 {
			t.Errorf("%v and %v: %.4f, want %.4f", tt.p, tt.q, got, tt.want)
		}
	}
}

// A deltas sums up how far colours are from what they should be.
type deltas struct {
	sum, most float64
	n         int
}

func (d *deltas) add(got, want colour) {
	v := delta(got.lab(), want.lab())
	d.sum += v
	d.most = max(d.most, v)
	d.n++
}

func (d *deltas) mean() float64  { return d.sum / float64(d.n) }
func (d *deltas) String() string { return fmt.Sprintf("mean %.2f, most %5.2f", d.mean(), d.most) }

// shown returns R'G'B' of a pixel, with chroma between its nearest samples as decoders of JPEG have it.
func shown(img *image.YCbCr, x, y int) colour {
	at := func(plane []byte) float64 {
		var cx, cy, dx, dy int
		w, h := img.Rect.Dx(), img.Rect.Dy()
		near := func(v, n int) (int, int) { // the sample that it is for, and the next nearest
			return v / 2, min(max(v/2+v%2*2-1, 0), (n+1)/2-1)
		}
		cx, dx, cy, dy = x, x, y, y
		if img.SubsampleRatio != image.YCbCrSubsampleRatio444 {
			cx, dx = near(x, w)
		}
		if img.SubsampleRatio == image.YCbCrSubsampleRatio420 {
			cy, dy = near(y, h)
		}
		v := func(x, y int) float64 { return float64(plane[y*img.CStride+x]) }
		return (9*v(cx, cy) + 3*v(dx, cy) + 3*v(cx, dy) + v(dx, dy)) / 16
	}
	rgb := bt601.fullRange().decode([3]float64{float64(img.Y[y*img.YStride+x]), at(img.Cb), at(img.Cr)})
	return colour(rgb).each(clip)
}
