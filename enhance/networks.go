package enhance

import "math"

// Two small neural networks decide how a tile is merged. A formula would have to know too much: how energy is spread over
// frequencies tells compression errors from misalignment and from another scene; and encoders drop small coefficients, so that what is left
// of weak detail is too weak.
//
// The inputs of both are logarithms of energies, by ring of frequency, in parts of the variance of errors, and a few facts of the pictures.
// The first, worth, says for each ring how much a neighbour counts, and how far its coefficients may be off. The second, truth, says for
// each ring how much of the merged coefficients is kept, by their energy.
//
// They were learned together from 94 streams of 47 scenes, photographs, drawings and pages in motion, none of them a clip that Livestill is
// measured with, encoded by x264 as live, whose sources are known: by the mean square error of tiles, of which what a tile is worse for
// being merged counts more than thrice.

const (
	rings  = 12 // of frequency: three for four steps of a tile's 16
	padded = 16 // rings, filled up to whole registers
	hidden = 32 // values of a layer; chosen to fill four registers

	faint = 1. / (1 << 10) // of the variance: chosen far below any error, so that the logarithm of nothing is a number
)

// Connections are the weights between two layers: for each input a row, of what it adds to each hidden value.
type connections []float32

// The networks are both, in the order that the file has them in.
type networks struct {
	Worth worth
	Truth truth
}

// A worth rates a neighbour's tile.
type worth struct {
	Bias    [hidden]float32
	Picture [6 * hidden]float32            // inputs: see factsOf
	Tile    [2 * rings * hidden]float32    // inputs: the target, and on average the differences of all neighbours
	Other   [14 * hidden]float32           // inputs: the difference, the trust, and the weight
	Out     [(1 + hidden) * hidden]float32 // a bias, and rows for the hidden values, of two times padded: weight and tolerance
}

// A truth rates what is merged.
type truth struct {
	Bias    [hidden]float32
	Picture [2 * hidden]float32               // inputs: the variance, and noise's part of it
	Tile    [3 * rings * hidden]float32       // inputs: what is merged, the target's part of it, and the target
	Out     [2][(1 + hidden) * hidden]float32 // as above: what is kept of no energy, and of all; the energy for half of that, and nothing
}

// A neighbourFacts is what is known of a neighbour in all tiles.
type neighbourFacts [6]float32

// factsOf returns the facts of a neighbour, given the variances of the errors of both.
func factsOf(target, p *member, targetVariance, variance float32) neighbourFacts {
	same, key := float32(0), float32(0)
	if p.gop == target.gop {
		same = 1
	}
	if p.picture.Key {
		key = 1
	}
	const longest = 3 // seconds
	apart := min(longest, float32((p.picture.PTS - target.picture.PTS).Abs().Seconds()))
	return neighbourFacts{log2(targetVariance), log2(variance), log2(target.noise / targetVariance), key, same, apart}
}

// ofNeighbour returns the hidden values that a neighbour has in all tiles.
func (w *worth) ofNeighbour(facts neighbourFacts) (h [hidden]float32) {
	h = w.Bias
	feed(&h, w.Picture[:], facts[:], unbounded)
	return h
}

// ofTarget returns the hidden values that the target has in all tiles, given the variance of its errors and noise's part of that.
func (t *truth) ofTarget(variance, noise float32) (h [hidden]float32) {
	h = t.Bias
	feed(&h, t.Picture[:], []float32{log2(variance), log2(noise / variance)}, unbounded)
	return h
}

var unbounded = float32(math.Inf(-1))

// feed adds what a layer makes of its inputs. Smaller inputs count as least: zero if they are hidden values of another layer.
func feed(h *[hidden]float32, l connections, in []float32, least float32) {
	for i, v := range in {
		v = max(v, least)
		for k, w := range l[hidden*i:][:hidden] {
			h[k] += v * w
		}
	}
}

// ringOf is the ring of a coefficient. A ring is a coefficient and a third wide: chosen, not measured.
var ringOf = func() (of [tileLen]int32) {
	for i := range of {
		ring := int32(0.75 * math.Hypot(float64(i/tile), float64(i%tile)))
		of[i] = min(ring, rings-1)
	}
	return of
}()

// perRing is one over how many coefficients a ring has.
var perRing = func() (per [padded]float32) {
	for _, r := range ringOf {
		per[r]++
	}
	for r, n := range per[:rings] {
		per[r] = 1 / n
	}
	return per
}()

// spread sets e to the logarithms of the energies of coefficients, by ring: means of squares, times parts.
func spread(e *[padded]float32, c *[tileLen]float32, parts float32) {
	clear(e[:])
	for i, v := range c {
		e[ringOf[i]] += v * v
	}
	for r, v := range e {
		e[r] = log2(v * perRing[r] * parts)
	}
}

// log2 is nearly the logarithm of v, which is not negative, and exp2 is its inverse. The bits of a float, as a whole number, are its
// logarithm, but that between powers of two there is a line where the logarithm has a curve.
func log2(v float32) float32 {
	return float32(int32(math.Float32bits(v+faint)))*(1./(1<<23)) - 127
}

func exp2(v float32) float32 {
	const most = 20 // of the logarithm: a million times more or less, far beyond any weight
	return math.Float32frombits(uint32((max(-most, min(v, most)) + 127) * (1 << 23)))
}
