// Package measure measures pixels, for captures and enhancers: what is wrong with a picture, as far as it can be told without the scene.
package measure

import (
	"math"
	"slices"
)

// Luma is what the luma of a picture shows at a glance. It is zero for a picture of fewer than 8x8 pixels.
type Luma struct {
	Noise        float64 // standard deviation where the picture is flattest, 0 to 127.5 code values
	Grain        float64 // variance of what looks like noise in the median block, in squares of code values
	Sharpness    float64 // root mean square of the gradient, in code values per pixel
	Detail       float64 // mean energy of fine coefficients, in squares of code values
	Black, White float64 // shares of pixels that are, 0 to 1
	Brightness   float64 // mean, 0 to 255
	Blockiness   float64 // by what part steps are smaller within blocks than between them, 0 to 1
	Smear        float64 // by what part fine change falls short in one direction, 0 to 1
}

// LumaOf looks at one in four blocks of 8x8 pixels, along diagonals: blocks as codecs have them, so that what a codec dropped is not
// smeared into what it kept. Row y of the plane is pix[y*stride:][:w].
func LumaOf(pix []byte, stride, w, h int) Luma {
	var noise, grain []float64
	var s sums
	n := 0
	for y := 0; y+8 <= h; y += 8 {
		for x := y & 24; x+8 <= w; x += 32 {
			fine, clipped := s.block(pix[y*stride+x:], stride)
			grainy := s.directions(pix[y*stride+x:], stride)
			if x+8 < w && y+8 < h {
				s.borders(pix[y*stride+x:], stride)
			}
			n++
			if !clipped { // else clipping took its noise
				noise, grain = append(noise, fine), append(grain, grainy)
			}
		}
	}
	if n == 0 {
		return Luma{}
	}
	const most = 255. // which bounds the standard deviation to half of it
	blocks, pixels := float64(n), float64(64*n)
	sigma, _ := Noise(noise)
	l := Luma{
		Noise: min(sigma, most/2), Sharpness: math.Sqrt(float64(s.slope) / 56 / blocks), Detail: s.fine / blocks,
		Black: float64(s.black) / pixels, White: float64(s.white) / pixels, Brightness: min(s.light/8/blocks, most),
	}
	if len(grain) > 0 {
		slices.Sort(grain)
		l.Grain = grain[len(grain)/2]
	}
	if 2*s.between > s.within {
		l.Blockiness = 1 - float64(s.within)/float64(2*s.between)
	}
	white := blocks * l.Noise * l.Noise // white noise is in all directions alike
	s.steps.add(-28*white, -28*white, 0)
	s.swings.add(-white, -white, 0)
	l.Smear = smear(s.steps, s.swings)
	return l
}
