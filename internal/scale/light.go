package scale

import (
	"math"
	"sync"
)

// Light is in units of 1/white, of which black has nearly nine a step of 8 bits. What the kernel overshoots has room in 16 bits, too.
const white = 28672

// R'G'B' is in units of 1/32767: as the least and the most of 16 bits, all that is beyond 0 to 1 saturates. The transfer function of sRGB
// (IEC 61966-2-1) is a line up to toe, and above that a polynomial, the constant first. It was fitted for the least error in steps of 8 bits: 0.06 at
// most, with what rounding adds.
const (
	toe      = 1325 // 0.04045
	toeSlope = 2219 // 1/12.92
)

var curve = [...]int16{26, 945, 14865, 19177, -8839, 2500}

// linear is the transfer function, from R'G'B' to light.
func linear(v int16) int16 {
	v = max(v, 0)
	last := len(curve) - 1
	light := curve[last]
	for k := range curve[:last] {
		light = rounded(light, v) + curve[last-1-k]
	}
	return max(rounded(v, toeSlope), light-max(toe-v, 0)) // so that it is the line below toe
}

// rounded returns a*b/32768, rounded.
func rounded(a, b int16) int16 { return int16((int32(a)*int32(b) + 1<<14) >> 15) }

// What makes R'G'B' of luma and chroma, which are 256 times what they are.
const (
	luma    = 32896  // 32767/255/256, in units of 1/65536
	red     = 23060  // 1.402 of that, in units of 1/32768
	greenCb = -5660  // -0.344136
	greenCr = -11746 // -0.714136
	blue    = 29145  // 1.772
)

// lightOf returns the light of a pixel.
func lightOf(y, cb, cr uint8) (light [3]int16) {
	b, r := (int16(cb)-128)<<8, (int16(cr)-128)<<8
	for i, tint := range [...]int16{rounded(r, red), rounded(b, greenCb) + rounded(r, greenCr), rounded(b, blue)} {
		light[i] = linear(saturated(int32(y)<<8*luma>>16 + int32(tint)))
	}
	return light
}

// What is stored is looked up with fineBits more bits than 8.
const fineBits = 5

// levelsOfLight are what is stored for light. Those above white are not used.
type levelsOfLight [1 << 15]uint16

var levels = sync.OnceValue(func() *levelsOfLight {
	t := new(levelsOfLight)
	for i := range white + 1 {
		t[i] = uint16(math.Round(255 << fineBits * gamma(float64(i)/white)))
	}
	return t
})

// gamma is the transfer function of sRGB, from light to what is stored.
func gamma(v float64) float64 {
	if v <= 0.0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}
