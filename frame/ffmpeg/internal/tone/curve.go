package tone

import (
	"math"

	"github.com/livestill/livestill/frame"
)

// The exponent of SDR displays: BT.1886, of one that is black where nothing is shown.
const displayGamma = 2.4

// The constants of PQ: BT.2100, table 4.
const (
	pqM1 = 2610. / 16384
	pqM2 = 2523. / 4096 * 128
	pqC1 = 3424. / 4096
	pqC2 = 2413. / 4096 * 32
	pqC3 = 2392. / 4096 * 32
)

// pqLight returns the light in cd/m² of a value of PQ.
func pqLight(v float64) float64 {
	p := math.Pow(v, 1/pqM2)
	return brightest * math.Pow(max(p-pqC1, 0)/(pqC2-pqC3*p), 1/pqM1)
}

// pqValue returns the value of PQ of light in cd/m².
func pqValue(light float64) float64 {
	p := math.Pow(light/brightest, pqM1)
	return math.Pow((pqC1+pqC2*p)/(1+pqC3*p), pqM2)
}

// The constants of HLG: BT.2100, table 5, and of its system gamma for a display of 1000 cd/m².
const (
	hlgA      = 0.17883277
	hlgB      = 1 - 4*hlgA
	hlgC      = 0.55991073
	hlgSystem = 1.2
)

// hlgScene returns the light of the scene, 0 to 1, of a value of HLG.
func hlgScene(v float64) float64 {
	if v <= 0.5 {
		return v * v / 3
	}
	return (math.Exp((v-hlgC)/hlgA) + hlgB) / 12
}

// light returns the light of a value of one channel: in cd/m² of PQ, of the scene of HLG, 0 to 1 of SDR.
func (m Mapping) light(v float64) float64 {
	switch m.transfer {
	case frame.TransferPQ:
		return pqLight(v)
	case frame.TransferHLG:
		return hlgScene(v)
	}
	return math.Pow(v, displayGamma)
}

// display returns the light of an SDR display, 1 for white, of what light returned, in the same primaries, of which weights make luminance.
func (m Mapping) display(c, weights colour) colour {
	switch m.transfer {
	case frame.TransferHLG: // the OOTF: BT.2100, table 5
		y := weights[0]*c[0] + weights[1]*c[1] + weights[2]*c[2]
		if y == 0 {
			return c
		}
		c = c.times(usual * math.Pow(y, hlgSystem-1))
	case frame.TransferPQ:
	default:
		return c
	}
	most := max(c[0], c[1], c[2])
	if most == 0 {
		return c
	}
	return c.times(m.down(most) / most / white)
}

// down is the EETF of BT.2390, section 5.4.1, in cd/m². Black is the same here and there.
func (m Mapping) down(light float64) float64 {
	source := pqValue(float64(m.peak))
	value, most := pqValue(light)/source, pqValue(white)/source
	if most >= 1 {
		return min(light, white)
	}
	knee := 1.5*most - 0.5
	if value <= knee {
		return light
	}
	t := (min(value, 1) - knee) / (1 - knee)
	value = (2*t*t*t-3*t*t+1)*knee + (t*t*t-2*t*t+t)*(1-knee) + (-2*t*t*t+3*t*t)*most
	return pqLight(value * source)
}
