package main

import (
	"image"
	"math"
)

const reach = 5 // of the window that SSIM looks through, to either side

// gaussian returns that window: its middle, and then one side of it. Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from
// error visibility to structural similarity" (2004).
func gaussian() (window [reach + 1]float32) {
	const deviation = 1.5
	weight := func(i int) float64 { return math.Exp(-float64(i*i) / (2 * deviation * deviation)) }
	sum := 0.
	for i := -reach; i <= reach; i++ {
		sum += weight(i)
	}
	for i := range window {
		window[i] = float32(weight(i) / sum)
	}
	return window
}

// exponents weigh the scales of MS-SSIM, the finest first. Wang, Simoncelli, Bovik, "Multi-scale structural similarity for image quality
// assessment" (2003).
func exponents() []float64 { return []float64{0.0448, 0.2856, 0.3001, 0.2363, 0.1333} }

// A view is a picture as it is compared: BT.709 of 8-bit RGB.
type view struct {
	y      []float32
	chroma []float32 // Cb, and then Cr
	scales []scale   // of y, each of half the size of the one before
}

// A scale is luma with its local means, and those of its squares: where the window fits, so they are smaller by twice its reach.
type scale struct {
	width, height int
	y             []float32
	mean, square  []float32
}

func newView(img *image.RGBA) *view {
	v := &view{}
	v.y, v.chroma = planes(img)
	w, h := img.Rect.Dx(), img.Rect.Dy()
	for y := v.y; len(v.scales) < len(exponents()) && min(w, h) > 2*reach; {
		v.scales = append(v.scales, scale{w, h, y, blur(y, nil, w, h), blur(y, y, w, h)})
		y = halve(y, w, h)
		w, h = w/2, h/2
	}
	return v
}

// planes returns the luma of a picture, and its Cb and then its Cr.
func planes(img *image.RGBA) (luma, chroma []float32) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	luma, chroma = make([]float32, w*h), make([]float32, 2*w*h)
	cb, cr := chroma[:w*h], chroma[w*h:]
	share(h, func(row int) {
		for x := range w {
			p := img.Pix[row*img.Stride+4*x:][:3]
			r, g, b := float32(p[0]), float32(p[1]), float32(p[2])
			y, i := 0.2126*r+0.7152*g+0.0722*b, row*w+x
			luma[i], cb[i], cr[i] = y, (b-y)/1.8556, (r-y)/1.5748
		}
	})
	return luma, chroma
}

// halve averages two by two pixels.
func halve(y []float32, w, h int) []float32 {
	hw, hh := w/2, h/2
	out := make([]float32, hw*hh)
	share(hh, func(row int) {
		top, bottom := y[2*row*w:][:2*hw], y[(2*row+1)*w:][:2*hw]
		for x := range out[row*hw:][:hw] {
			out[row*hw+x] = (top[2*x] + top[2*x+1] + bottom[2*x] + bottom[2*x+1]) / 4
		}
	})
	return out
}

// blur returns the local means of a, or those of a times b unless that is nil.
func blur(a, b []float32, w, h int) []float32 {
	k := gaussian()
	nw, nh := w-2*reach, h-2*reach
	across := make([]float32, nw*h)
	share(h, func(row int) {
		in := a[row*w:][:w]
		if b != nil {
			in = make([]float32, w)
			for x, v := range a[row*w:][:w] {
				in[x] = v * b[row*w+x]
			}
		}
		for x := range nw {
			p := in[x:][:2*reach+1]
			across[row*nw+x] = k[0]*p[5] + k[1]*(p[4]+p[6]) + k[2]*(p[3]+p[7]) + k[3]*(p[2]+p[8]) + k[4]*(p[1]+p[9]) + k[5]*(p[0]+p[10])
		}
	})
	out := make([]float32, nw*nh)
	share(nh, func(row int) {
		o := out[row*nw:][:nw]
		for i, v := range across[(row+reach)*nw:][:nw] {
			o[i] = k[0] * v
		}
		for d := 1; d <= reach; d++ {
			above, below := across[(row+reach-d)*nw:][:nw], across[(row+reach+d)*nw:][:nw]
			for i := range o {
				o[i] += k[d] * (above[i] + below[i])
			}
		}
	})
	return out
}

// similarity returns the SSIM and the MS-SSIM of two pictures.
func similarity(a, b []scale) (ssim, ms float64) {
	ms = 1
	weights := exponents()
	total := 0.
	for i := range a {
		structure, whole := a[i].similarity(&b[i])
		if i == 0 {
			ssim = whole
		}
		if i == len(a)-1 {
			structure = whole // luminance counts on the coarsest scale only
		}
		ms *= math.Pow(max(0, structure), weights[i])
		total += weights[i]
	}
	return ssim, math.Pow(ms, 1/total)
}

// similarity returns the mean similarity of contrast and structure, and that with luminance, which is SSIM.
func (s *scale) similarity(o *scale) (structure, whole float64) {
	const (
		c1 = 0.01 * 255 * 0.01 * 255
		c2 = 0.03 * 255 * 0.03 * 255
	)
	product := blur(s.y, o.y, s.width, s.height)
	for i, ab := range product {
		a, b := s.mean[i], o.mean[i]
		cs := (2*(ab-a*b) + c2) / (s.square[i] - a*a + o.square[i] - b*b + c2)
		structure += float64(cs)
		whole += float64(cs * (2*a*b + c1) / (a*a + b*b + c1))
	}
	n := float64(len(product))
	return structure / n, whole / n
}
