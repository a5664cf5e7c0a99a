package capture

import (
	"encoding/base64"
	"image"
	"image/color"
	"math"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/pixels"
)

// What a placeholder is made of: at most so many samples on the longer side of the picture, each of so many pixels at most, across and down.
// Seven waves are the most that it has on a side.
const (
	placeholderSide    = 64
	placeholderSamples = 4
)

// Placeholder returns some 33 characters that stand for a picture while it is loaded: a ThumbHash in base64 (RFC 4648 section 4), of which an app
// draws a blur of the right shape and colours. There are programs for that in most languages, such as thumbhash of npm. Equal pictures have
// equal ones. It takes a millisecond or two, whatever the size of the picture. That of a picture without pixels is empty, as
// that of one whose planes are too small for it.
func Placeholder(p *frame.Picture) string {
	if pixels.Check(p) != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(thumbHash(placeholderColours(p.YCbCr)))
}

// placeholderColours returns three channels of a small copy of the picture, in the order of its lines: how bright it is, how yellow rather than
// blue, how red rather than green.
func placeholderColours(img *image.YCbCr) (w, h int, channels [3][]float64) {
	r := img.Rect
	shrink := max(1, float64(max(r.Dx(), r.Dy()))/placeholderSide)
	w, h = max(1, int(math.Round(float64(r.Dx())/shrink))), max(1, int(math.Round(float64(r.Dy())/shrink)))
	across, down := min(placeholderSamples, (r.Dx()+w-1)/w), min(placeholderSamples, (r.Dy()+h-1)/h)
	for i := range channels {
		channels[i] = make([]float64, 0, w*h)
	}
	for y := range h {
		for x := range w {
			var red, green, blue float64
			for s := range across * down {
				atX := (2*(x*across+s%across) + 1) * r.Dx() / (2 * w * across)
				atY := (2*(y*down+s/across) + 1) * r.Dy() / (2 * h * down)
				c := img.YCbCrAt(r.Min.X+atX, r.Min.Y+atY)
				sr, sg, sb := color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
				red, green, blue = red+float64(sr), green+float64(sg), blue+float64(sb)
			}
			share := 1. / 255 / float64(across*down)
			red, green, blue = red*share, green*share, blue*share
			channels[0] = append(channels[0], (red+green+blue)/3)
			channels[1] = append(channels[1], (red+green)/2-blue)
			channels[2] = append(channels[2], red-green)
		}
	}
	return w, h, channels
}

// thumbHash is the format of Evan Wallace, 2023, without transparency. A number stands for its lowest bit, the bits of a number before it are lower:
//
//	mean of each channel (6, 6, 6)  scale of the first (5)  0
//	waves on the shorter side (3)  scales of the others (6, 6)  wider than high (1)
//	waves (4 each): of each channel, those across first, then those that are once across its height, and so on
func thumbHash(w, h int, channels [3][]float64) []byte {
	const waves = 7
	longer := float64(max(w, h))
	across, down := max(1, int(math.Round(waves*float64(w)/longer))), max(1, int(math.Round(waves*float64(h)/longer)))
	l := transform(channels[0], w, h, max(3, across), max(3, down))
	p, q := transform(channels[1], w, h, 3, 3), transform(channels[2], w, h, 3, 3)

	round := func(v float64) uint32 { return uint32(math.Floor(v + 0.5)) }
	head := round(63*l.mean) | round(31.5+31.5*p.mean)<<6 | round(31.5+31.5*q.mean)<<12 | round(31*l.scale)<<18
	tail := uint32(across) | round(63*p.scale)<<3 | round(63*q.scale)<<9
	if w > h {
		tail = tail&^7 | uint32(down) | 1<<15
	}
	hash := []byte{byte(head), byte(head >> 8), byte(head >> 16), byte(tail), byte(tail >> 8)}
	half := true
	for _, s := range []spectrum{l, p, q} {
		for _, v := range s.waves {
			four := byte(round(15 * v))
			if half {
				hash = append(hash, four)
			} else {
				hash[len(hash)-1] |= four << 4
			}
			half = !half
		}
	}
	return hash
}

// A spectrum is a channel as waves of cosine.
type spectrum struct {
	mean, scale float64   // scale is the height of the highest wave
	waves       []float64 // 0 to 1, of -scale to scale; 0 if there are none
}

// flat is above what rounding makes of a channel of one value.
const flat = 1e-9

// transform returns the waves of a channel below the diagonal from nx across to ny down.
func transform(channel []float64, w, h, nx, ny int) (s spectrum) {
	cosines := func(n, waves int) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = math.Cos(math.Pi / float64(n) * float64(waves) * (float64(i) + 0.5))
		}
		return out
	}
	for cy := range ny {
		fy := cosines(h, cy)
		for cx := 0; cx*ny < nx*(ny-cy); cx++ {
			fx := cosines(w, cx)
			sum := 0.0
			for y, v := range fy {
				for x, u := range fx {
					sum += channel[y*w+x] * u * v
				}
			}
			sum /= float64(w * h)
			if cx == 0 && cy == 0 {
				s.mean = sum
				continue
			}
			s.waves = append(s.waves, sum)
			s.scale = max(s.scale, math.Abs(sum))
		}
	}
	for i, v := range s.waves {
		if s.scale > flat {
			s.waves[i] = 0.5 + 0.5/s.scale*v
		}
	}
	return s
}
