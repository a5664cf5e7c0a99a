// Package sheet makes contact sheets: small pictures in a grid, with their times, as one picture. They are moments of one stream, or one moment of
// several.
//
//	tiles := sheet.Of(stills...)
//	p, err := sheet.Sheet{Width: 240, Height: 135}.Draw(ctx, tiles...)
//	err = (&ffmpeg.JPEG{}).Encode(ctx, w, p)
package sheet

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/scale"
)

// A Tile is a picture of a sheet.
type Tile struct {
	Picture *frame.Picture // nil, or one without pixels, is black

	// Label stands below it, as much of it as there is room for. Of what is
	// not printable ASCII each character is an empty box.
	Label string
}

// Of returns the tiles of stills: below each its Time, with its zone's clock, and where they are of several streams also the name of its own. A
// still that is nil, as of a capture that failed, is black.
func Of(stills ...*capture.Still) []Tile {
	tiles := make([]Tile, len(stills))
	several, first := false, ""
	for _, s := range stills {
		if s != nil {
			several = several || first != "" && first != s.Stream
			first = s.Stream
		}
	}
	for i, s := range stills {
		if s == nil {
			continue
		}
		tiles[i] = Tile{s.Picture, s.Time.Format("15:04:05.000")}
		if several {
			tiles[i].Label += "  " + s.Stream
		}
	}
	return tiles
}

// A Sheet says what a contact sheet is like. The zero Sheet is ready for use, by any number of goroutines.
type Sheet struct {
	// Columns is how many pictures are in a row; zero means as many as
	// there are rows, or one more.
	Columns int

	// Width and Height are what there is for each picture, in pixels. It is
	// scaled down to fit, as a capture.Variant is, and never up. Zero means
	// 320, and nine sixteenths of the width. Odd ones count as one more.
	Width, Height int
}

const (
	strip      = 18 // the height of a line of text, with what is between it and the next picture
	line       = 13 // from the top of it to what letters stand on
	margin     = 4  // before it
	mostPixels = 1 << 26
	mostSide   = 1<<16 - 1 // of JPEG
)

// Draw makes the sheet. What is not covered by pictures is black. Its Time is that of the newest of them. A sheet of no tiles, or of more than 64 Mi
// pixels, is an error; the latter a frame.ErrTooCostly. If ctx ends, the error is its cause. It does not write to the pictures.
func (s Sheet) Draw(ctx context.Context, tiles ...Tile) (*frame.Picture, error) {
	if len(tiles) == 0 || min(s.Columns, s.Width, s.Height) < 0 {
		return nil, fmt.Errorf("sheet: %d tiles on %+v: give one or more, and no numbers below zero", len(tiles), s)
	}
	g, err := s.grid(tiles)
	if err != nil {
		return nil, err
	}
	sheet := &frame.Picture{YCbCr: image.NewYCbCr(g.bounds(), image.YCbCrSubsampleRatio420)}
	for i := range sheet.Cb {
		sheet.Cb[i], sheet.Cr[i] = 128, 128
	}
	for i, t := range tiles {
		cell := g.cell(i)
		if t.Picture != nil && t.Picture.YCbCr != nil && !t.Picture.Rect.Empty() {
			err := put(ctx, sheet.YCbCr, cell, t.Picture.YCbCr)
			if ended := context.Cause(ctx); ended != nil && errors.Is(err, ended) {
				return nil, err
			}
			if err != nil {
				return nil, fmt.Errorf("sheet: tile %d: %w", i, err)
			}
			if t.Picture.Time.After(sheet.Time) {
				sheet.Time = t.Picture.Time
			}
		}
		write(sheet.YCbCr, image.Rect(cell.Min.X, cell.Max.Y, cell.Max.X, cell.Max.Y+g.strip), t.Label)
	}
	return sheet, nil
}

// A grid is where the tiles are.
type grid struct {
	columns, rows, width, height int // of the pictures
	strip                        int // below each
}

func (s Sheet) grid(tiles []Tile) (grid, error) {
	g := grid{columns: s.Columns, width: s.Width, height: s.Height}
	if g.columns == 0 {
		g.columns = int(math.Ceil(math.Sqrt(float64(len(tiles)))))
	}
	g.columns = min(g.columns, len(tiles))
	if g.width == 0 {
		g.width = 320
	}
	if g.height == 0 {
		g.height = max(g.width*9/16, 1)
	}
	for _, t := range tiles {
		if t.Label != "" {
			g.strip = strip
		}
	}
	g.rows = (len(tiles) + g.columns - 1) / g.columns
	if max(g.width, g.height) < mostSide {
		g.width, g.height = g.width+g.width%2, g.height+g.height%2
		size := g.bounds().Max
		if max(size.X, size.Y) <= mostSide && size.X*size.Y <= mostPixels {
			return g, nil
		}
	}
	return g, fmt.Errorf("sheet: %w: %d pictures of %dx%d in %d columns: take fewer, or smaller ones", frame.ErrTooCostly, len(tiles), g.width, g.height, g.columns)
}

func (g grid) bounds() image.Rectangle {
	return image.Rect(0, 0, g.columns*g.width, g.rows*(g.height+g.strip))
}

// cell returns where picture i goes.
func (g grid) cell(i int) image.Rectangle {
	at := image.Pt(i%g.columns*g.width, i/g.columns*(g.height+g.strip))
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(g.width, g.height))}
}

// put scales a picture into the middle of a cell.
func put(ctx context.Context, sheet *image.YCbCr, cell image.Rectangle, p *image.YCbCr) error {
	was := p.Rect.Size()
	down := max(1, float64(was.X)/float64(cell.Dx()), float64(was.Y)/float64(cell.Dy()))
	even := func(n int) int { // so that no chroma is shared with what is around it
		return max(int(math.Round(float64(n)/down)+1)&^1, 2)
	}
	size := image.Pt(min(even(was.X), cell.Dx()), min(even(was.Y), cell.Dy()))
	at := cell.Min.Add(image.Pt((cell.Dx()-size.X)/2&^1, (cell.Dy()-size.Y)/2&^1))
	to := sheet.SubImage(image.Rectangle{Min: at, Max: at.Add(size)}).(*image.YCbCr)
	return frame.Work(ctx, func(ctx context.Context) error { return scale.Into(ctx, to, p) })
}

// write writes white text in a part of a black sheet.
func write(sheet *image.YCbCr, part image.Rectangle, text string) {
	if part.Empty() || text == "" {
		return
	}
	luma := &image.Gray{Pix: sheet.Y[sheet.YOffset(part.Min.X, part.Min.Y):], Stride: sheet.YStride, Rect: part}
	d := font.Drawer{Dst: luma, Src: image.White, Face: basicfont.Face7x13, Dot: fixed.P(part.Min.X+margin, part.Min.Y+line)}
	for _, c := range text {
		if c < ' ' || c > '~' {
			box(luma, image.Pt(d.Dot.X.Round(), d.Dot.Y.Round()))
			c = ' '
		}
		d.DrawString(string(c))
	}
}

// box draws what stands for a character that the font lacks, with its left lower corner beside a point.
func box(on *image.Gray, at image.Point) {
	r := image.Rect(at.X+1, at.Y-9, at.X+6, at.Y) // as large as capital letters are
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if y == r.Min.Y || y == r.Max.Y-1 || x == r.Min.X || x == r.Max.X-1 {
				on.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
}
