package tone

// A colour is light of R, G and B.
type colour [3]float64

func (c colour) times(f float64) colour { return colour{f * c[0], f * c[1], f * c[2]} }

// A transform makes a colour of a colour.
type transform [3]colour

func (t *transform) of(c colour) (out colour) {
	for i, row := range t {
		out[i] = row[0]*c[0] + row[1]*c[1] + row[2]*c[2]
	}
	return out
}

// A gamut has the chromaticities x and y of red, green and blue: H.273, table 2. White is D65 in all of them: that of DCI cinemas, which is
// greenish, players treat as D65.
type gamut [3][2]float64

var (
	gamut709  = gamut{{0.640, 0.330}, {0.300, 0.600}, {0.150, 0.060}}
	gamut2020 = gamut{{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}}
	gamutP3   = gamut{{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}}
)

// The XYZ of D65, of luminance 1.
var d65 = colour{0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290}

func (m Mapping) gamut() gamut {
	switch m.primaries {
	case BT2020:
		return gamut2020
	case dciP3, displayP3:
		return gamutP3
	}
	return gamut709
}

// toXYZ returns the transform to CIE XYZ, in which white has luminance 1 (SMPTE RP 177).
func (g gamut) toXYZ() (t transform) {
	for i, p := range g {
		x, y := p[0], p[1]
		t[0][i], t[1][i], t[2][i] = x/y, 1, (1-x-y)/y
	}
	back := t.inverse()
	share := back.of(d65)
	for r := range t {
		for c := range t[r] {
			t[r][c] *= share[c]
		}
	}
	return t
}

// to709 returns the transform from the primaries of the picture to those of BT.709.
func (m Mapping) to709() (t transform) {
	from, to := m.gamut().toXYZ(), gamut709.toXYZ()
	to = to.inverse()
	for r := range t {
		for c := range t[r] {
			for k := range 3 {
				t[r][c] += to[r][k] * from[k][c]
			}
		}
	}
	return t
}

func (t *transform) inverse() (out transform) {
	minor := func(r, c int) float64 {
		r1, r2, c1, c2 := (r+1)%3, (r+2)%3, (c+1)%3, (c+2)%3
		return t[r1][c1]*t[r2][c2] - t[r1][c2]*t[r2][c1]
	}
	all := t[0][0]*minor(0, 0) + t[0][1]*minor(0, 1) + t[0][2]*minor(0, 2)
	for r := range out {
		for c := range out[r] {
			out[r][c] = minor(c, r) / all
		}
	}
	return out
}

// How far a colour outside is brought towards the grey of its luminance, up to where it would be inside; what is left is cut off. Of the colours
// of BT.2020 that BT.709 does not have, a quarter is the nearest to what was meant, by delta-E 2000: 6.14 in the mean, and 4.9 degrees of hue. To
// cut all off is 6.36 and 5.8, to bring all in 7.60 and 2.9.
const towardsGrey = 0.25

// inside brings a colour into BT.709: between 0 and 1.
func inside(c colour) colour {
	grey := 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2]
	grey = min(max(grey, 0), 1)
	fits := 1. // how much of what is not grey
	for _, v := range c {
		switch d := v - grey; {
		case v > 1:
			fits = min(fits, (1-grey)/d)
		case v < 0:
			fits = min(fits, -grey/d)
		}
	}
	keep := 1 - towardsGrey*(1-fits)
	for i, v := range c {
		c[i] = min(max(grey+keep*(v-grey), 0), 1)
	}
	return c
}
