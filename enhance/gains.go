package enhance

import (
	_ "embed"
	"math"
)

// What a decoded coefficient says of the one that was coded: encoders drop small coefficients, and pull large ones towards zero, so that
// what is left of weak detail is too weak, while noise, ringing and what is off after alignment add energy. Which of both prevails is
// told by the coefficient's frequency, its energy and those beside it over the variance of errors, how much of the error merging has left,
// and that variance itself. The best gain, in mean square, was learned for each class: over 156 bursts from 26 streams of 13 photographs in
// motion (none of them a clip that Livestill is measured with), encoded by x264 as live, whose sources are known; the sum of products of
// merged and true coefficients over that of squares of merged ones, smoothed between classes.
//
//go:embed gains
var learned string

const (
	variances = 6  // classes of variance: see learnedAt
	rings     = 12 // of frequency: three for four steps of a tile's 16
	lefts     = 6  // of the weight that the target has in what is merged: all of it, more than half, more than a quarter ...
	octaves   = 22 // of energy over variance, from 2^-11 on
	halves    = 2 * octaves

	// Floats are told apart by their bits: exponents, and for energies the first bit behind the point.
	leftShift, energyShift   = 23, 22
	lowestLeft, lowestEnergy = 127 - (lefts - 1), 2 * (127 - 11)
	leastEnergy              = 1. / (1 << 12) // below that of all classes
)

// learnedAt is the logarithm of the variance in the midst of each class.
var learnedAt = [variances]float64{math.Log2(3.5), math.Log2(6.5), math.Log2(12), math.Log2(21), math.Log2(38), math.Log2(80)}

// gains are those for a variance.
type gains [rings * lefts * halves]float32

// ringAt is where the gains of a coefficient's ring begin.
var ringAt = func() (at [tileLen]int32) {
	for i := range at {
		ring := int(0.75 * math.Hypot(float64(i/tile), float64(i%tile)))
		at[i] = int32(min(ring, rings-1) * lefts * halves)
	}
	return at
}()

// fill sets the gains for a variance, which are at most most.
func (g *gains) fill(variance, most float32) {
	at := math.Log2(float64(variance))
	class := 0
	for class < variances-2 && at > learnedAt[class+1] {
		class++
	}
	part := max(0, min((at-learnedAt[class])/(learnedAt[class+1]-learnedAt[class]), 1))
	const each = rings * lefts * octaves // of a class
	low, high := learned[class*each:][:each], learned[(class+1)*each:][:each]
	octave := func(row, n int) float64 {
		i := row*octaves + max(0, min(n, octaves-1))
		return (float64(low[i])*(1-part) + float64(high[i])*part) / 100
	}
	for i := range g {
		row, n := i/halves, i%halves
		// The middles of the halves are a fifth and a third of an octave from that of the octave.
		v := 0.82*octave(row, n/2) + 0.18*octave(row, n/2-1)
		if n%2 == 1 {
			v = 0.69*octave(row, n/2) + 0.31*octave(row, n/2+1)
		}
		g[i] = min(float32(v), most)
	}
}
