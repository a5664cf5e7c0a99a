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

// rgb converts a picture to RGB with nothing rounded on the way.
func rgb(img *image.YCbCr) *image.RGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	cb, cr := enlarge(img, img.Cb), enlarge(img, img.Cr)
	share(h, func(y int) {
		for x := range w {
			l, cb, cr := float32(img.Y[y*img.YStride+x]), cb[y*w+x]-128, cr[y*w+x]-128
			o := out.Pix[y*out.Stride+4*x:][:4]
			o[0] = whole(l + 1.402*cr)
			o[1] = whole(l - (0.114*1.772*cb+0.299*1.402*cr)/0.587)
			o[2] = whole(l + 1.772*cb)
			o[3] = 255
		}
	})
	return out
}

// enlarge interpolates a plane of chroma to the size of luma: bicubically, as FFmpeg is told to do it for the plain picture. Samples lie
// amid their pixels.
func enlarge(img *image.YCbCr, plane []byte) []float32 {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	hs, vs := 1, 1
	if s := img.SubsampleRatio; s == image.YCbCrSubsampleRatio420 {
		hs, vs = 2, 2
	} else if s == image.YCbCrSubsampleRatio422 {
		hs = 2
	}
	cw, ch := (w+hs-1)/hs, (h+vs-1)/vs
	wide := make([]float32, w*ch)
	share(ch, func(y int) {
		in := plane[y*img.CStride:][:cw]
		for x := range w {
			at, weights := taps(x, hs, cw)
			for i, k := range weights {
				wide[y*w+x] += k * float32(in[at[i]])
			}
		}
	})
	out := make([]float32, w*h)
	share(h, func(y int) {
		at, weights := taps(y, vs, ch)
		for i, k := range weights {
			for x, v := range wide[at[i]*w:][:w] {
				out[y*w+x] += k * v
			}
		}
	})
	return out
}

// taps returns the samples around pixel x, of n that are s pixels wide, and how much each counts.
func taps(x, s, n int) (at [4]int, weights [4]float32) {
	const c = 0.6 // as FFmpeg has it
	middle := (float64(x)+0.5)/float64(s) - 0.5
	left := int(math.Floor(middle))
	for i := range at {
		d := math.Abs(middle - float64(left-1+i))
		k := ((2-c)*d-(3-c))*d*d + 1
		if d > 1 {
			k = ((-c*d+5*c)*d-8*c)*d + 4*c
		}
		at[i], weights[i] = max(0, min(n-1, left-1+i)), float32(k)
	}
	return at, weights
}

func whole(v float32) byte { return byte(max(0, min(255, v)) + 0.5) }

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
