package enhance

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/livestill/livestill/enhance/internal/raster"
)

// Rows of a spline are what they are, whichever were asked for before.
func TestSplinesInAnyOrder(t *testing.T) {
	const most = margin / 2 // rows beyond the edges
	random := rand.New(rand.NewPCG(1, 2))
	p := raster.Plane{Pix: twins{t, random}.bytes(20 * 200), Stride: 20, W: 20, H: 200}
	whole, part := new(spline), new(spline)
	whole.begin(p)
	part.begin(p)
	whole.fit(p, -most, p.H+most)
	row := func(s *spline, y int) []float32 { return s.coefs[(y-s.first)*s.stride:][:s.stride] }
	at, rows := 0, 1
	for range 5000 {
		switch random.IntN(10) {
		case 0:
			at = random.IntN(p.H)
		case 1:
			at, rows = part.end, 1+random.IntN(100)
		default:
			at += random.IntN(5) - 1
		}
		from := max(-most, min(at, p.H+most-1))
		to := min(from+rows, p.H+most)
		part.fit(p, from, to)
		for y := from; y < to; y++ {
			if !slices.Equal(row(part, y), row(whole, y)) {
				t.Fatalf("row %d differs when those from %d to %d were asked for", y, from, to)
			}
		}
	}
}
