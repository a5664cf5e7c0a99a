package main

import (
	"image"
	"image/draw"
)

// Four parts of this size, enlarged, are as wide as GitHub shows pictures.
const (
	partWidth, partHeight = 108, 144
	enlarged              = 2
	gap                   = 4
)

// strip puts the same part of pictures side by side, enlarged, with white between them.
func strip(corner image.Point, pictures ...*image.RGBA) *image.RGBA {
	part := image.Rect(0, 0, partWidth, partHeight).Add(corner).Intersect(pictures[0].Rect)
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
