package sheet_test

import (
	"context"
	"errors"
	"image"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/sheet"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/scale"
)

var noon = time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)

// numbered is a grey picture that has a number in it.
func numbered(n int, size image.Point) *frame.Picture {
	p := grey(n, size)
	frametest.Draw(p.YCbCr, n)
	return p
}

// grey is a picture of n seconds past noon.
func grey(n int, size image.Point) *frame.Picture {
	p := &frame.Picture{YCbCr: image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420), Time: noon.Add(time.Duration(n) * time.Second)}
	for i := range p.Cb {
		p.Cb[i], p.Cr[i] = 128, 128
	}
	for i := range p.Y {
		p.Y[i] = 100
	}
	return p
}

// TestSheet has the pictures where they belong, in rows, with the text below.
func TestSheet(t *testing.T) {
	const w, h, strip = 128, 72, 18
	for _, test := range []struct {
		tiles, columns int
		labels         bool
		want           image.Point
	}{
		{1, 0, false, image.Pt(w, h)},
		{1, 5, true, image.Pt(w, h+strip)},
		{2, 0, true, image.Pt(2*w, h+strip)},
		{5, 0, true, image.Pt(3*w, 2*(h+strip))},
		{5, 2, false, image.Pt(2*w, 3*h)},
		{12, 12, true, image.Pt(12*w, h+strip)},
	} {
		var tiles []sheet.Tile
		below := 0
		for i := range test.tiles {
			tiles = append(tiles, sheet.Tile{Picture: numbered(i, image.Pt(w, h))})
			if test.labels {
				tiles[i].Label, below = strings.Repeat("8", i), strip
			}
		}
		if test.labels && test.tiles == 1 {
			tiles[0].Label = "a long one that goes on and on\n\x00ü"
		}
		p, err := sheet.Sheet{Columns: test.columns, Width: w - 1, Height: h}.Draw(t.Context(), tiles...)
		if err != nil || p.Rect.Max != test.want || !p.Time.Equal(tiles[test.tiles-1].Picture.Time) {
			t.Fatalf("%+v: %v, %v", test, p, err)
		}
		ink := -1
		for i := range tiles {
			columns := test.want.X / w
			at := image.Pt(i%columns*w, i/columns*(h+below))
			cell := p.SubImage(image.Rectangle{Min: at, Max: at.Add(image.Pt(w, h))}).(*image.YCbCr)
			cell.Rect = cell.Rect.Sub(at)
			if n, ok := frametest.Read(cell); !ok || n != i {
				t.Errorf("%+v: tile %d shows %d, %v", test, i, n, ok)
			}
			text := 0
			for y := at.Y + h; y < at.Y+h+below; y++ {
				for x := at.X; x < at.X+w; x++ {
					if p.Y[p.YOffset(x, y)] == 255 {
						text++
					}
				}
			}
			if test.labels && test.tiles > 1 && text <= ink {
				t.Errorf("%+v: below tile %d are %d white pixels, below the one before %d", test, i, text, ink)
			}
			ink = text
		}
	}
}

// TestTilesOfAllSizes: pictures keep their aspect, and are not enlarged; the rest of the cell is black, and so is a cell without a picture.
func TestTilesOfAllSizes(t *testing.T) {
	for _, test := range []struct {
		picture *frame.Picture
		want    image.Rectangle // what is grey
	}{
		{nil, image.Rectangle{}},
		{&frame.Picture{}, image.Rectangle{}},
		{&frame.Picture{YCbCr: &image.YCbCr{}}, image.Rectangle{}},
		{&frame.Picture{YCbCr: &image.YCbCr{Rect: image.Rect(5, 5, 100, 5)}}, image.Rectangle{}},
		{grey(0, image.Pt(1920, 1080)), image.Rect(0, 0, 320, 180)},
		{grey(0, image.Pt(1080, 1920)), image.Rect(108, 0, 210, 180)},
		{grey(0, image.Pt(320, 40)), image.Rect(0, 70, 320, 110)},
		{grey(0, image.Pt(64, 36)), image.Rect(128, 72, 192, 108)},
		{grey(0, image.Pt(4000, 1)), image.Rect(0, 88, 320, 90)},
	} {
		p, err := sheet.Sheet{}.Draw(t.Context(), sheet.Tile{Picture: test.picture})
		if err != nil {
			t.Fatal(err)
		}
		var covered image.Rectangle
		for y := range 180 {
			for x := range 320 {
				if c := p.YCbCrAt(x, y); c.Y != 0 {
					covered = covered.Union(image.Rect(x, y, x+1, y+1))
					if c.Y != 100 || c.Cb != 128 || c.Cr != 128 {
						t.Fatalf("at %d,%d of %v is %v", x, y, test.want, c)
					}
				}
			}
		}
		if covered != test.want {
			t.Errorf("it covers %v, want %v", covered, test.want)
		}
	}
}

// TestOf: below the stills of one stream are times, below those of several also their names.
func TestOf(t *testing.T) {
	still := func(n int, stream string) *capture.Still {
		p := grey(n, image.Pt(16, 16))
		return &capture.Still{Stream: stream, Time: p.Time, Picture: p}
	}
	for _, test := range []struct {
		stills []*capture.Still
		want   string
	}{
		{nil, ""},
		{[]*capture.Still{still(1, "a"), nil, still(2, "a")}, "12:00:01.000||12:00:02.000"},
		{[]*capture.Still{still(1, "a"), still(1, "b")}, "12:00:01.000  a|12:00:01.000  b"},
	} {
		var labels []string
		for _, tile := range sheet.Of(test.stills...) {
			labels = append(labels, tile.Label)
		}
		if got := strings.Join(labels, "|"); got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
}

func TestNoSheet(t *testing.T) {
	one := sheet.Tile{Picture: grey(1, image.Pt(64, 32))}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	errGone := errors.New("gone")
	because, gone := context.WithCancelCause(t.Context())
	gone(errGone)
	broken := grey(1, image.Pt(64, 32))
	broken.Y = broken.Y[:5]
	for _, test := range []struct {
		ctx   context.Context
		s     sheet.Sheet
		tiles []sheet.Tile
		is    error
		want  string
	}{
		{t.Context(), sheet.Sheet{}, nil, nil, "give one or more"},
		{t.Context(), sheet.Sheet{Columns: -1}, []sheet.Tile{one}, nil, "no numbers below zero"},
		{t.Context(), sheet.Sheet{Width: 100_000}, []sheet.Tile{one}, frame.ErrTooCostly, "take fewer, or smaller ones"},
		{t.Context(), sheet.Sheet{Height: 1<<63 - 1}, []sheet.Tile{one}, frame.ErrTooCostly, "take fewer"},
		{t.Context(), sheet.Sheet{Width: 6400, Height: 4800}, []sheet.Tile{one, one, one}, frame.ErrTooCostly, "3 pictures of 6400x4800 in 2 columns"},
		{ended, sheet.Sheet{}, []sheet.Tile{one}, context.Canceled, "context canceled"},
		{because, sheet.Sheet{}, []sheet.Tile{one}, errGone, "gone"},
		{t.Context(), sheet.Sheet{}, []sheet.Tile{one, {Picture: broken}}, scale.ErrImage, "sheet: tile 1: scale: malformed image"},
	} {
		if p, err := test.s.Draw(test.ctx, test.tiles...); p != nil || err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) ||
			strings.Contains(err.Error(), "\n") || test.ctx.Err() != nil && err.Error() != test.want {
			t.Errorf("%+v: %v, %v", test.s, p, err)
		}
	}
}

// TestLabelsBeyondTheFont: what is no printable ASCII is an empty box, of each the same, and like no letter.
func TestLabelsBeyondTheFont(t *testing.T) {
	line := func(label string) string {
		p, err := sheet.Sheet{Width: 32, Height: 2}.Draw(t.Context(), sheet.Tile{Label: label})
		if err != nil {
			t.Fatal(err)
		}
		return string(p.Y)
	}
	box := line("ü")
	for _, label := range []string{"日", "\n", "\x7f", "\xff", "\ufffd", "😀"} {
		if line(label) != box {
			t.Errorf("%q is no box", label)
		}
	}
	if n := strings.Count(box, "\xff"); n != 2*5+2*7 {
		t.Errorf("a box has %d white pixels", n)
	}
	for c := ' '; c <= '~'; c++ {
		if line(string(c)) == box {
			t.Errorf("%q is a box", c)
		}
	}
	if line("üx") == line("xü") || line("ü8") == line("88") || line("üü") == box {
		t.Error("boxes and letters are not beside each other")
	}
	_ = line(strings.Repeat("ü", 100)) // ends where there is no more room
}

// TestNarrowSheet: a width of one pixel has a height, too.
func TestNarrowSheet(t *testing.T) {
	if _, err := (sheet.Sheet{Width: 1}).Draw(t.Context(), sheet.Tile{Picture: grey(1, image.Pt(64, 32))}); err != nil {
		t.Error(err)
	}
}
