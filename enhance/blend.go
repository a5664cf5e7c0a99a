package enhance

import "math"

const (
	// In a tile whose difference has this many times the energy that the variances explain, a neighbour shows something else. From
	// half of that on it counts for less.
	maxResidual = 4

	// spike bounds what a single coefficient says about a tile, in variances: at an edge that is a little off, few say much.
	spike = 100

	// tolerance is how many times the variance the energy of a coefficient's difference is when half of it is taken.
	tolerance = 1.5

	// How much of the finest detail, where its energy is as the variance, is error that correlates with what a single picture shows.
	// Towards coarse detail it falls with the square of the frequency.
	fineLoss = 0.6

	// noiseLoss is how many times the measured noise is taken off. What is measured, in the flattest blocks, is the least there is.
	noiseLoss = 2
)

// A blend merges a tile: coefficients of the same frequencies, of the target and its neighbours, one after the other.
type blend struct {
	target, other, merged [tileLen]float32
	difference, energy    [tileLen]float32
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
func (b *blend) add(in *input, trust, variance float32) {
	variance += in.variance
	var residual float32
	for i, v := range b.other {
		d := v - b.target[i]
		b.difference[i] = d
		residual += min(d*d, spike*variance)
	}
	residual /= tileLen * variance
	w := in.weight * trust * min(1, 2-2*residual/maxResidual)
	if w <= 0 {
		return
	}
	powers(&b.energy, &b.difference)
	c := tolerance * tolerance * variance * variance
	for i, d := range b.difference {
		e := b.energy[i]
		a := w * c / (c + e*e)
		b.sum[i] += a * d
		b.weight[i] += a
	}
}

// end makes the merged tile, and takes off what it shows of error.
//
// Error is what noise adds, and what the quantiser does: it drops coefficients or rounds them up, so that its variance is about the
// geometric mean of the quantiser's and of the coefficient's own energy, and most in the finest detail. Merging has done away with
// some: with more of that which pictures do not share.
func (b *blend) end(in *input) {
	for i, t := range b.target {
		b.merged[i] = t + b.sum[i]/b.weight[i]
	}
	powers(&b.energy, &b.merged)
	mean := b.merged[0]
	for i, m := range b.merged {
		left := in.weight / b.weight[i]
		e := b.energy[i] + leastEnergy
		b.merged[i] = m / (1 + left*(left*loss[i]*float32(math.Sqrt(float64(in.variance/e)))+noiseLoss*in.noise/e))
	}
	b.merged[0] = mean
}

// leastEnergy is far below that of any coefficient that shows.
const leastEnergy = 0.01

// loss is fineLoss at each frequency.
var loss = func() (l [tileLen]float32) {
	for i := range l {
		u, v := i/tile, i%tile
		l[i] = fineLoss * float32(u*u+v*v) / (tile * tile)
	}
	return l
}()

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
