package enhance

import "math"

const (
	// In a tile whose difference has this many times the energy that the variances explain, a neighbour shows something else. From
	// half of that on it counts for less.
	maxResidual = 2

	// A tile may be free of errors that the picture has elsewhere: then what differs there is no error, but something else. Differences
	// count as many times what the tile differs by on the whole, leaving aside what is outlying in it, and at least a part of what the
	// variances explain.
	localErrors, outlying, leastError = 7, 12, 0.15

	// spike bounds what a single coefficient says about a tile, in variances: at an edge that is a little off, few say much.
	spike = 100

	// tolerance is how many times the variance the energy of a coefficient's difference is when half of it is taken.
	tolerance = 2
)

// A blend merges a tile: coefficients of the same frequencies, of the target and its neighbours, one after the other. The assembly knows
// the places of its fields.
type blend struct {
	target, other, merged [tileLen]float32
	difference            [tileLen]float32
	sum, weight           [tileLen]float32 // of differences, weighted, and of weights
}

func (b *blend) begin(in *input) {
	clear(b.sum[:])
	for i := range b.weight {
		b.weight[i] = in.weight
	}
}

// add adds a neighbour. Its coefficients count for less, and then for nothing, the further they are from the target's beyond what the
// variances of both explain: Hasinoff et al., "Burst photography for high dynamic range and low-light imaging on mobile cameras" (2016).
// It returns how much of the neighbour's mean counts, as a part of what would count at the most.
func (b *blend) add(in *input, trust, variance float32) (share float32) {
	variance += in.variance
	least := leastError * variance
	mean := kernels.differ(b, spike*variance) / tileLen
	residual := mean / variance
	for range 2 {
		mean = kernels.differ(b, outlying*max(mean, least)) / tileLen
	}
	variance = max(least, min(variance, localErrors*mean))
	if w := in.weight * trust * min(1, 2-2*residual/maxResidual); w > 0 {
		before := b.weight[0]
		kernels.count(b, w, tolerance*tolerance*variance*variance)
		share = (b.weight[0] - before) / in.weight
	}
	return share
}

// differ makes the difference, and returns the sum of its squares, of which none counts for more than most.
func differ(b *blend, most float32) (residual float32) {
	for i, v := range b.other {
		d := v - b.target[i]
		b.difference[i] = d
		residual += min(d*d, most)
	}
	return residual
}

// count counts the difference in, where the square of its energy is half for half of the weight.
func count(b *blend, weight, half float32) {
	var energy [tileLen]float32
	powers(&energy, &b.difference)
	for i, d := range b.difference {
		a := weight * half / (half + energy[i]*energy[i])
		b.sum[i] += a * d
		b.weight[i] += a
	}
}

// end makes the merged tile, of coefficients as large as they are likely to have been: see gains. What of them is the mean's stays, or
// bright tiles would become darker: windowed, the mean has coefficients beside the first, too.
func (b *blend) end(in *input) {
	mean := (b.target[0] + b.sum[0]/b.weight[0]) / (shadow[0] * shadow[0])
	kernels.restore(b, in.gains, in.weight, 1/in.variance)
	for u := 0; u < tile; u += 2 { // every other coefficient of the mean's is zero, for the window is symmetric
		for v := 0; v < tile; v += 2 {
			i := tile*u + v
			if was := b.target[i] + b.sum[i]/b.weight[i]; was != 0 {
				b.merged[i] += (1 - b.merged[i]/was) * mean * shadow[u] * shadow[v]
			}
		}
	}
}

// shadow is what the window leaves of ones, transformed.
var shadow = func() [tile]float32 {
	w := window
	cosine16(&w)
	return w
}()

// restore does what end says. weight is the target's.
func restore(b *blend, g *gains, weight, perVariance float32) {
	for i, t := range b.target {
		b.merged[i] = t + b.sum[i]/b.weight[i]
	}
	var energy [tileLen]float32
	powers(&energy, &b.merged)
	mean := b.merged[0]
	for i, m := range b.merged {
		e := int(math.Float32bits(energy[i]*perVariance+leastEnergy)>>energyShift) - lowestEnergy
		l := int(math.Float32bits(weight/b.weight[i])>>leftShift) - lowestLeft
		b.merged[i] = m * g[int(ringAt[i])+max(0, min(l, lefts-1))*halves+max(0, min(e, halves-1))]
	}
	b.merged[0] = mean
}

// powers averages the squares of coefficients with those of frequencies beside them: one says little about what is to be expected.
func powers(out, in *[tileLen]float32) {
	var rows [tileLen]float32
	for u := range tile {
		r, o := (*[tile]float32)(in[tile*u:]), (*[tile]float32)(rows[tile*u:])
		before := r[0] * r[0] // beyond the first, the same again
		here := before
		for v := range tile - 1 {
			after := r[v+1] * r[v+1]
			o[v] = before + 2*here + after
			before, here = here, after
		}
		o[tile-1] = before + 3*here
	}
	for u := range tile {
		l, r := max(u-1, 0), min(u+1, tile-1)
		a, b, c := (*[tile]float32)(rows[tile*l:]), (*[tile]float32)(rows[tile*u:]), (*[tile]float32)(rows[tile*r:])
		o := (*[tile]float32)(out[tile*u:])
		for v := range o {
			o[v] = (a[v] + 2*b[v] + c[v]) / 16
		}
	}
}
