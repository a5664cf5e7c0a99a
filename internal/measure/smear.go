package measure

import "math"

// A tensor tells how much a picture changes along each direction: sums of products of differences across and down.
type tensor struct{ xx, yy, xy float64 }

func (t *tensor) add(xx, yy, xy float64) { *t = tensor{t.xx + xx, t.yy + yy, t.xy + xy} }

// smear returns by what part fine change falls short, in the direction where it does most, of what coarse change there says that it should
// be, beside the direction where it falls short least. Were the scene's edges smeared over n pixels along one direction, each step
// there would be n times smaller and n times as long, and its square sum n times smaller, as long as coarse change is not smeared, too.
func smear(fine, coarse tensor) float64 {
	const least = 1e-3 // of coarse change in one direction beside the other: with less, rounding decides
	det := coarse.xx*coarse.yy - coarse.xy*coarse.xy
	if coarse.xx <= 0 || coarse.yy <= 0 || fine.xx <= 0 || fine.yy <= 0 || det <= least*coarse.xx*coarse.yy {
		return 0
	}
	// The eigenvalues of fine over coarse are the least and the most that is left of change in any direction.
	trace := (coarse.yy*fine.xx - 2*coarse.xy*fine.xy + coarse.xx*fine.yy) / det
	product := max(0, fine.xx*fine.yy-fine.xy*fine.xy) / det
	root := math.Sqrt(max(0, trace*trace/4-product))
	return min(max(1-(trace/2-root)/(trace/2+root), 0), 1)
}
