package srgb_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/livestill/livestill/internal/srgb"
)

type matrix [3][3]float64

func (m matrix) times(n matrix) (out matrix) {
	for r := range 3 {
		for c := range 3 {
			for k := range 3 {
				out[r][c] += m[r][k] * n[k][c]
			}
		}
	}
	return out
}

// inverse is by the adjugate.
func (m matrix) inverse() (out matrix) {
	minor := func(r, c int) float64 {
		a, b, d, e := (r+1)%3, (r+2)%3, (c+1)%3, (c+2)%3
		return m[a][d]*m[b][e] - m[a][e]*m[b][d]
	}
	det := m[0][0]*minor(0, 0) + m[0][1]*minor(0, 1) + m[0][2]*minor(0, 2)
	for r := range 3 {
		for c := range 3 {
			out[c][r] = minor(r, c) / det
		}
	}
	return out
}

// column returns the XYZ of a chromaticity, of luminance 1.
func column(x, y float64) [3]float64 { return [3]float64{x / y, 1, (1 - x - y) / y} }

func diagonal(v [3]float64) matrix { return matrix{{v[0]}, {0, v[1]}, {0, 0, v[2]}} }

func (m matrix) of(v [3]float64) (out [3]float64) {
	for r := range 3 {
		out[r] = m[r][0]*v[0] + m[r][1]*v[1] + m[r][2]*v[2]
	}
	return out
}

// The profile says what IEC 61966-2-1 says: primaries, white and curve, seen from the D50 of ICC.1:2022.
func TestICC(t *testing.T) {
	p := srgb.ICC()
	if len(p) != 480 || int(binary.BigEndian.Uint32(p)) != len(p) || string(p[36:40]) != "acsp" {
		t.Fatalf("%d bytes: % x", len(p), p[:48])
	}
	tags := map[string][]byte{}
	for i := range binary.BigEndian.Uint32(p[128:]) {
		e := p[132+12*i:]
		at, n := binary.BigEndian.Uint32(e[4:]), binary.BigEndian.Uint32(e[8:])
		if at%4 != 0 {
			t.Errorf("%s lies at %d", e[:4], at)
		}
		tags[string(e[:4])] = p[at : at+n]
	}
	number := func(tag string, at int) float64 {
		return float64(int32(binary.BigEndian.Uint32(tags[tag][at:]))) / 65536
	}

	bradford := matrix{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}
	c := srgb.Chromaticities
	xy := func(i int) [3]float64 { return column(float64(c[i])/1e5, float64(c[i+1])/1e5) }
	d65, d50 := xy(0), [3]float64{0.9642, 1, 0.8249}
	from, to := bradford.of(d65), bradford.of(d50)
	adapt := bradford.inverse().times(diagonal([3]float64{to[0] / from[0], to[1] / from[1], to[2] / from[2]})).times(bradford)
	r, g, b := xy(2), xy(4), xy(6)
	primaries := matrix{{r[0], g[0], b[0]}, {r[1], g[1], b[1]}, {r[2], g[2], b[2]}}
	want := adapt.times(primaries).times(diagonal(primaries.inverse().of(d65)))
	for row := range 3 {
		for col, tag := range []string{"rXYZ", "gXYZ", "bXYZ"} {
			if got := number(tag, 8+4*row); math.Abs(got-want[row][col]) > 3e-4 {
				t.Errorf("%s[%d] is %.5f, want %.5f", tag, row, got, want[row][col])
			}
			if got := number("chad", 8+12*row+4*col); math.Abs(got-adapt[row][col]) > 3e-4 {
				t.Errorf("chad[%d][%d] is %.5f, want %.5f", row, col, got, adapt[row][col])
			}
		}
		if got := number("wtpt", 8+4*row); math.Abs(got-d50[row]) > 1e-4 {
			t.Errorf("wtpt[%d] is %.5f", row, got)
		}
	}
	for i, want := range []float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045} {
		if got := number("gTRC", 12+4*i); math.Abs(got-want) > 1e-4 {
			t.Errorf("parameter %d of the curve is %.5f, want %.5f", i, got, want)
		}
	}
	if math.Abs(float64(srgb.Gamma)/1e5-1/2.2) > 1e-5 {
		t.Error(srgb.Gamma)
	}
}
