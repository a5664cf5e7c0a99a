package main

import (
	"image"
	"image/draw"
)

const (
	partWidth, partHeight = 108, 144
	enlarged              = 2
	gap                   = 4
)

// mostDetail returns where in a source there is most to see: nothing else chooses what a strip shows.
func mostDetail(source *image.RGBA) image.Rectangle {
	y, _ := planes(source)
	w, h := source.Rect.Dx(), source.Rect.Dy()
	size := image.Pt(min(partWidth, w), min(partHeight, h))
	best, most := image.Rectangle{Max: size}, -1.
	for top := 0; top+size.Y <= h; top += 16 {
		for left := 0; left+size.X <= w; left += 16 {
			if d := detail(y, w, image.Rectangle{Max: size}.Add(image.Pt(left, top))); d > most {
				best, most = image.Rectangle{Max: size}.Add(image.Pt(left, top)), d
			}
		}
	}
	return best
}

// detail returns by how much pixels differ from those beside them.
func detail(y []float32, w int, r image.Rectangle) (sum float64) {
	for row := r.Min.Y + 1; row < r.Max.Y; row++ {
		for x := r.Min.X + 1; x < r.Max.X; x++ {
			i := row*w + x
			dx, dy := y[i]-y[i-1], y[i]-y[i-w]
			sum += float64(min(max(dx, -dx), 16) + min(max(dy, -dy), 16))
		}
	}
	return sum
}

// strip puts the same part of pictures side by side, enlarged, with white between them.
func strip(part image.Rectangle, pictures ...*image.RGBA) *image.RGBA {
	w, h := part.Dx()*enlarged, part.Dy()*enlarged
	out := image.NewRGBA(image.Rect(0, 0, len(pictures)*(w+gap)-gap, h))
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	for i, p := range pictures {
		for y := range h {
			for x := range w {
				out.SetRGBA(i*(w+gap)+x, y, p.RGBAAt(part.Min.X+x/enlarged, part.Min.Y+y/enlarged))
			}
		}
	}
	return out
}
