package measure

import (
	"math"
	"slices"
)

// Noise returns the standard deviation of noise that is the same all over a picture, given the energies of its blocks of 8x8 pixels, in which
// there may be texture, too; and how far it can be trusted to be noise, from zero to one. An energy is the mean square of the 48 coefficients
// of a block's cosine transform whose frequency is high in either direction. Noise sorts them. Of no blocks both are zero.
//
// Were there nothing but white noise, its variance would be any quantile of the energies over the same quantile of chi-squared
// per degree of freedom, of which a block has 48. Texture lies above, so the low quantiles are the ones to ask. Up to twice what
// the fiftieth part says, the tenth part is right: noise that compression thinned unevenly spreads that far. Spread further, the
// tenth part is texture, and the less noise there is to be seen: the estimate falls back to the fiftieth part, and the trust
// in that falls with the spread, for some of it will be texture, too.
//
// It is much as Ponomarenko et al., "An automatic approach to lossy compression of AVIRIS images" (IGARSS 2007).
func Noise[F float32 | float64](energies []F) (sigma, trust float64) {
	const (
		tenthOfChi    = 0.749 // over 48 degrees of freedom, by Wilson and Hilferty, "The distribution of chi-square", 1931
		fiftiethOfChi = 0.626
		maxSpread     = 2
	)
	if len(energies) == 0 {
		return 0, 0
	}
	slices.Sort(energies)
	tenth := math.Sqrt(float64(energies[len(energies)/10]) / tenthOfChi)
	fiftieth := math.Sqrt(float64(energies[len(energies)/50]) / fiftiethOfChi)
	if tenth <= maxSpread*fiftieth {
		return tenth, 1
	}
	excess := tenth / (maxSpread * fiftieth) // infinite if a fiftieth of the blocks are flat
	return fiftieth * max(1, maxSpread/excess), min(1, maxSpread/excess)
}
