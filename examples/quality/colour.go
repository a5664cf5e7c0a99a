package main

import (
	"bufio"
	"image"
	"image/draw"
	"image/png"
	"math"
	"os"
)

// rgb converts a picture to RGB with nothing rounded on the way. Chroma is interpolated linearly, samples lie amid their pixels.
func rgb(img *image.YCbCr) *image.NRGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	hs, vs := 1, 1
	if s := img.SubsampleRatio; s == image.YCbCrSubsampleRatio420 {
		hs, vs = 2, 2
	} else if s == image.YCbCrSubsampleRatio422 {
		hs = 2
	}
	cw, ch := (w+hs-1)/hs, (h+vs-1)/vs
	for y := range h {
		y0, y1, fy := between(y, vs, ch)
		for x := range w {
			x0, x1, fx := between(x, hs, cw)
			sample := func(p []byte) float64 {
				at := func(x, y int) float64 { return float64(p[y*img.CStride+x]) }
				return (at(x0, y0)*(1-fx)+at(x1, y0)*fx)*(1-fy) + (at(x0, y1)*(1-fx)+at(x1, y1)*fx)*fy - 128
			}
			l, cb, cr := float64(img.Y[y*img.YStride+x]), sample(img.Cb), sample(img.Cr)
			o := out.Pix[y*out.Stride+4*x:][:4]
			o[0] = whole(l + 1.402*cr)
			o[1] = whole(l - (0.114*1.772*cb+0.299*1.402*cr)/0.587)
			o[2] = whole(l + 1.772*cb)
			o[3] = 255
		}
	}
	return out
}

// between returns the samples beside pixel x, of n that are s pixels wide, and how far it is on the way from one to the other.
func between(x, s, n int) (left, right int, part float64) {
	at := (float64(x)+0.5)/float64(s) - 0.5
	left = int(math.Floor(at))
	part = at - float64(left)
	return max(left, 0), min(left+1, n-1), part
}

func whole(v float64) byte { return byte(max(0, min(255, math.Round(v)))) }

// luma returns the BT.709 luma of a picture.
func luma(img image.Image) []float64 {
	r := img.Bounds()
	whole := image.NewNRGBA(r)
	draw.Draw(whole, r, img, r.Min, draw.Src)
	out := make([]float64, r.Dx()*r.Dy())
	for i := range out {
		p := whole.Pix[4*i:][:4]
		out[i] = 0.2126*float64(p[0]) + 0.7152*float64(p[1]) + 0.0722*float64(p[2])
	}
	return out
}

// decibels returns the peak signal-to-noise ratio of a against b.
func decibels(a, b []float64) float64 {
	sum := 0.
	for i, v := range a {
		sum += (v - b[i]) * (v - b[i])
	}
	return 10 * math.Log10(255*255/max(sum/float64(len(a)), 1e-6))
}

func readPNG(file string) (image.Image, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return png.Decode(bufio.NewReader(f))
}

func writePNG(file string, img image.Image) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := e.Encode(f, img); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
