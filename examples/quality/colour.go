package main

import (
	"bufio"
	"image"
	"image/draw"
	"image/png"
	"math"
	"os"
	"runtime"
	"sync"
)

// share has the processors work through n rows together.
func share(n int, do func(row int)) {
	workers := runtime.GOMAXPROCS(0)
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			for row := i * n / workers; row < (i+1)*n/workers; row++ {
				do(row)
			}
		})
	}
	all.Wait()
}

// rgb converts a picture to RGB with nothing rounded on the way. Chroma is interpolated linearly, samples lie amid their pixels.
func rgb(img *image.YCbCr) *image.RGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	hs, vs := 1, 1
	if s := img.SubsampleRatio; s == image.YCbCrSubsampleRatio420 {
		hs, vs = 2, 2
	} else if s == image.YCbCrSubsampleRatio422 {
		hs = 2
	}
	cw, ch := (w+hs-1)/hs, (h+vs-1)/vs
	share(h, func(y int) {
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
	})
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

// readPNG reads an opaque picture.
func readPNG(file string) (*image.RGBA, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	img, err := png.Decode(bufio.NewReader(f))
	if err != nil {
		return nil, err
	}
	out := image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Src)
	return out, nil
}

func writePNG(file string, img image.Image, level png.CompressionLevel) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	e := png.Encoder{CompressionLevel: level}
	if err := e.Encode(f, img); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
