package main

import (
	"image"
	"math"
)

// A judge compares pictures with their source.
type judge struct {
	source, before *view
	plain          quality // of the picture that others are to be better than
}

// A quality is how near a picture is to its source.
type quality struct {
	psnr   float64 // of the luma, in dB
	ssim   float64
	ms     float64 // MS-SSIM
	chroma float64 // PSNR of both planes, in dB
}

// A gain is by how much a picture is better than another.
type gain struct {
	quality
	block float64 // worst rise of the error in any block, in dB
}

func newJudge(source, plain *image.RGBA) *judge {
	j := &judge{source: newView(source), before: newView(plain)}
	j.plain = j.quality(j.before)
	return j
}

// gain returns by how much a picture is better than the plain one.
func (j *judge) gain(img *image.RGBA) gain {
	v := newView(img)
	q := j.quality(v)
	return gain{
		quality{q.psnr - j.plain.psnr, q.ssim - j.plain.ssim, q.ms - j.plain.ms, q.chroma - j.plain.chroma},
		worstBlock(j.source.y, j.before.y, v.y, img.Rect),
	}
}

func (j *judge) quality(v *view) (q quality) {
	q.psnr = decibels(v.y, j.source.y)
	q.chroma = decibels(v.chroma, j.source.chroma)
	q.ssim, q.ms = similarity(v.scales, j.source.scales)
	return q
}

// decibels returns the peak signal-to-noise ratio of a against b.
func decibels(a, b []float32) float64 {
	sum := 0.
	for i, v := range a {
		d := float64(v - b[i])
		sum += d * d
	}
	return 10 * math.Log10(255*255/max(sum/float64(len(a)), 1e-6))
}

// worstBlock returns by how much the local error rises at worst, in a block of 64x64 pixels that is not all but perfect.
func worstBlock(source, plain, made []float32, r image.Rectangle) float64 {
	const side = 64
	worst := math.Inf(-1)
	for y := 0; y+side <= r.Dy(); y += side {
		for x := 0; x+side <= r.Dx(); x += side {
			var p, m float64
			for v := range side {
				at := (y+v)*r.Dx() + x
				for i, s := range source[at : at+side] {
					before, after := float64(plain[at+i]-s), float64(made[at+i]-s)
					p += before * before / (side * side)
					m += after * after / (side * side)
				}
			}
			if p > 255*255/math.Pow(10, 4.5) {
				worst = max(worst, 10*math.Log10((m+0.01)/(p+0.01)))
			}
		}
	}
	if math.IsInf(worst, -1) {
		return 0 // all are perfect
	}
	return worst
}
