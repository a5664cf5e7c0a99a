package ffmpeg

import "math"

// A matrix makes three output components of three input components and a constant; samples are code values, 0 to 255.
type matrix [3][4]float64

// Matrix coefficients by their numbers in ISO/IEC 23091-4 (ITU-T H.273), table 4.
const (
	spaceRGB         = 0
	spaceBT709       = 1
	spaceUnspecified = 2
	spaceReserved    = 3
	spaceFCC         = 4
	spaceBT470BG     = 5
	spaceSMPTE170M   = 6
	spaceSMPTE240M   = 7
	spaceYCgCo       = 8
	spaceBT2020NCL   = 9
	spaceBT2020CL    = 10
)

// lumaWeights returns the weights of red and blue in luma. What it does not know counts as unspecified; constant luminance is
// treated as non-constant, which is what players do.
//
// Unspecified is BT.709 from 1280 wide or more than 576 high, else BT.601: the rule of the widespread players, so that the
// still looks like what the viewer saw.
func lumaWeights(space, width, height int) (kr, kb float64) {
	switch space {
	case spaceFCC:
		return 0.30, 0.11
	case spaceBT470BG, spaceSMPTE170M:
		return 0.299, 0.114
	case spaceSMPTE240M:
		return 0.212, 0.087
	case spaceBT2020NCL, spaceBT2020CL:
		return 0.2627, 0.0593
	case spaceBT709:
		return 0.2126, 0.0722
	}
	if width >= 1280 || height > 576 {
		return 0.2126, 0.0722
	}
	return 0.299, 0.114
}

// toRGB returns the matrix from code values to R'G'B' of 0 to 1.
func toRGB(space int, full bool, width, height int) matrix {
	black, luma, chroma := 16.0, 219.0, 224.0
	if full {
		black, luma, chroma = 0, 255, 255
	}
	var m matrix
	switch space {
	case spaceRGB: // the planes are G, B, R; limited RGB has the range of luma
		m = matrix{{0, 0, 1}, {1, 0, 0}, {0, 1, 0}}
		for r := range m {
			m[r][3] = -black / luma
			for c := range 3 {
				m[r][c] /= luma
			}
		}
		return m
	case spaceYCgCo:
		m = matrix{{1, -1, 1}, {1, 1, 0}, {1, -1, -1}}
	default:
		kr, kb := lumaWeights(space, width, height)
		kg := 1 - kr - kb
		m = matrix{
			{1, 0, 2 * (1 - kr)},
			{1, -2 * kb * (1 - kb) / kg, -2 * kr * (1 - kr) / kg},
			{1, 2 * (1 - kb), 0},
		}
	}
	for r := range m {
		m[r][0] /= luma
		m[r][1] /= chroma
		m[r][2] /= chroma
		m[r][3] = -black*m[r][0] - 128*m[r][1] - 128*m[r][2]
	}
	return m
}

// ofDepth returns the matrix for code values of so many bits, of one for those of 8.
func (m matrix) ofDepth(depth int, rgb, full bool) matrix {
	scale, middle := math.Ldexp(1, 8-depth), 128.0 // code values of limited range, and chroma without colour
	if full {
		scale = 255 / (math.Ldexp(1, depth) - 1)
		middle = scale * math.Ldexp(1, depth-1)
	}
	for r := range m {
		if !rgb {
			m[r][3] += (128 - middle) * (m[r][1] + m[r][2])
		}
		for c := range 3 {
			m[r][c] *= scale
		}
	}
	return m
}

// toJPEG returns the matrix from code values of the source to those of full-range BT.601.
func toJPEG(space int, full bool, width, height int) matrix {
	const kr, kg, kb = 0.299, 0.587, 0.114
	rgb := toRGB(space, full, width, height)
	ycc := matrix{
		{kr, kg, kb, 0},
		{-kr / (2 * (1 - kb)), -kg / (2 * (1 - kb)), 0.5, 128.0 / 255},
		{0.5, -kg / (2 * (1 - kr)), -kb / (2 * (1 - kr)), 128.0 / 255},
	}
	var m matrix
	for r := range 3 {
		for c := range 4 {
			for k := range 3 {
				m[r][c] += 255 * ycc[r][k] * rgb[k][c]
			}
		}
		m[r][3] += 255 * ycc[r][3]
	}
	return m
}

// q14 returns the coefficients as fixed-point numbers with 14 fractional bits.
func (m matrix) q14() (q [3][4]int32) {
	for r := range m {
		for c := range m[r] {
			q[r][c] = int32(math.Round(m[r][c] * (1 << 14)))
		}
	}
	return q
}

// identity tells whether the matrix, in fixed point, leaves samples as they are.
func identity(q [3][4]int32) bool {
	return q == [3][4]int32{{1 << 14, 0, 0, 0}, {0, 1 << 14, 0, 0}, {0, 0, 1 << 14, 0}}
}
