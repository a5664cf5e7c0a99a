package capture

import (
	"context"
	"fmt"
	"image"
	"io"
	"math"

	"github.com/livestill/livestill/frame"
)

// A Variant is another image file of a still: smaller, cut out, or in another format. It is made of the same picture, which is decoded, enhanced
// and moderated once for all, and stored under the same ID, with its Name as Still.Variant.
//
// It is scaled in linear light, with a kernel that is as wide as the ratio asks for (Lanczos with two lobes). What is made of 4:4:4 stays so, all else
// becomes 4:2:0; a Variant that is the whole picture in its own size is that picture, and stays 4:2:2 as well. A Variant that cannot be made is an
// ErrVariant. The zero Variant but for its Name is the whole picture as it is.
//
// The pixels of all Variants of a capture count for the Budget before they are made. The default has room for 80 million of 4:2:0, or half as many of
// 4:4:4: less than one or several may have. What is more is an ErrTooCostly, which says what to raise.
type Variant struct {
	// Name tells it apart: up to 64 letters, digits and any of - _ . @, the
	// first of which is no dot. Two that differ in case alone are refused,
	// for many disks do not tell them apart.
	Name string `json:"name"`

	// Width and Height are in pixels, up to 16384 each, and 64 Mi together.
	// If one is zero, it follows from the other and the picture's aspect,
	// rounded, whatever the Fit: nothing is cut off for it, and no bars are
	// added. If both are, they are the picture's.
	Width  int `json:"width,omitempty"`
	Height int `json:"height,omitempty"`

	Fit Fit `json:"fit,omitempty"` // what becomes of another aspect

	// Crop is the part of the picture that is wanted, before scaling, in
	// its pixels; zero is all of it. It is an error if it is not within the
	// picture.
	Crop Crop `json:"crop,omitzero"`

	// Enlarge lets the picture be scaled up. Where it would have to be and
	// may not, Within leaves it as large as it is, and Fill the part of it
	// that has the aspect; Stretch leaves the side as it is that would be
	// longer. Pad makes all of Width and Height in any case, with the
	// picture as it is in the middle.
	Enlarge bool `json:"enlarge,omitempty"`

	// Plain makes it of the decoded picture, not of the enhanced one. It is
	// delivered with all others. If all that is asked for is Plain, nothing
	// is enhanced.
	Plain bool `json:"plain,omitempty"`

	// Encoder makes its file; nil means that of Camera.Encoder and
	// Camera.Encoders which makes files of Type; the first if that is
	// empty. JSON leaves it out.
	Encoder Encoder `json:"-"`

	// Type is a media type, like "image/png", in either case. Beside an
	// Encoder it is empty, or what that makes.
	Type string `json:"type,omitempty"`

	// Quality is 1 to 100, as the Encoder means it; zero is the Encoder's
	// own. Any other takes a QualityEncoder.
	Quality int `json:"quality,omitempty"`
}

// A Crop is a part of a picture, in pixels from its left upper corner.
type Crop struct {
	X      int `json:"x"`
	Y      int `json:"y"`
	Width  int `json:"width"`
	Height int `json:"height"`
}

// A Fit says how a picture gets into a Width and a Height of another aspect.
type Fit uint8

// How pictures fit.
const (
	Within  Fit = iota // inside of it, the aspect kept: one of them is less
	Fill               // all over it, the aspect kept: the rest is cut off
	Pad                // inside of it, the aspect kept, black around
	Stretch            // all over it, the aspect not kept
)

var fits = [...]string{"within", "fill", "pad", "stretch"}

func (f Fit) String() string {
	if int(f) < len(fits) {
		return fits[f]
	}
	return fmt.Sprintf("Fit(%d)", uint8(f))
}

// MarshalText writes what String does.
func (f Fit) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what String writes, also of a Fit that there is not: whoever is told of a request that was refused sees why.
func (f *Fit) UnmarshalText(text []byte) error {
	for i := range math.MaxUint8 + 1 {
		if fit := Fit(i); fit.String() == string(text) {
			*f = fit
			return nil
		}
	}
	return fmt.Errorf("%.100q is none of %v", text, fits)
}

// A QualityEncoder is an Encoder that takes a quality for each picture, from 1 to 100: see Variant.Quality.
type QualityEncoder interface {
	Encoder
	EncodeQuality(ctx context.Context, w io.Writer, p *frame.Picture, quality int) error
}

// VariantOf returns, of the context of a Finisher, the Name of the Variant that it is to finish; empty for the still itself.
func VariantOf(ctx context.Context) string {
	name, _ := ctx.Value(variantKey{}).(string)
	return name
}

type variantKey struct{}

const (
	maxVariantName   = 64
	maxVariantSide   = 1 << 14 // WebP has one less, JPEG four times as much
	maxVariantPixels = 1 << 26 // 8K has half of it
	maxOwn           = 16      // Variants of an asker's own
)

// check reports what is wrong with v, whatever it is made of.
func (v *Variant) check() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrVariant}, args...)...)
	}
	c := v.Crop
	switch {
	case !variantName(v.Name):
		return wrong("%.100q is no name: take 1 to %d letters, digits and - _ . @, without a dot in front", v.Name, maxVariantName)
	case min(v.Width, v.Height) < 0 || max(v.Width, v.Height) > maxVariantSide:
		return wrong("%s is %dx%d: ask for 1 to %d, or leave one or both of them zero", v.Name, v.Width, v.Height, maxVariantSide)
	case v.Width*v.Height > maxVariantPixels:
		return wrong("%s is %dx%d: ask for %d pixels at most", v.Name, v.Width, v.Height, maxVariantPixels)
	case v.Fit > Stretch:
		return wrong("%s has the fit %v: ask for one of %v", v.Name, v.Fit, fits)
	case c != Crop{} && (min(c.X, c.Y) < 0 || min(c.Width, c.Height) <= 0 || max(c.X, c.Y, c.Width, c.Height) > maxCrop):
		return wrong("%s crops %+v: ask for a part of the picture, with a width and a height", v.Name, c)
	case v.Quality < 0 || v.Quality > 100:
		return wrong("%s has the quality %d: ask for 1 to 100, or leave it zero", v.Name, v.Quality)
	}
	return nil
}

// No picture is larger, and no sum of two overflows.
const maxCrop = 1 << 30

func variantName(name string) bool {
	for i, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		other := c >= '0' && c <= '9' || c == '-' || c == '_' || c == '@' || c == '.' && i > 0
		if !letter && !other {
			return false
		}
	}
	return name != "" && len(name) <= maxVariantName
}

// A layout is how a picture becomes a Variant.
type layout struct {
	from image.Rectangle // the part of the picture, from 0, 0 on
	size image.Point     // of the result
	to   image.Rectangle // where that part goes; what is around it is black
}

// layout returns how a picture of a size becomes v.
func (v *Variant) layout(picture image.Point) (layout, error) {
	l := layout{from: image.Rectangle{Max: picture}}
	if c := v.Crop; c != (Crop{}) {
		part := image.Rect(c.X, c.Y, c.X+c.Width, c.Y+c.Height)
		if !part.In(l.from) {
			return l, fmt.Errorf("%w: it crops %v of a picture of %dx%d: ask for a part of it", ErrVariant, part, picture.X, picture.Y)
		}
		l.from = part
	}
	box := v.box(l.from.Size())
	if v.Fit == Fill && !v.follows() {
		l.from = middle(l.from, box)
	}
	l.size = v.fitted(l.from.Size(), box)
	l.to = image.Rectangle{Max: l.size}
	if v.Fit == Pad && l.size != box {
		l.to, l.size = padded(l.size, box), box
	}
	if larger := max(l.size.X, l.size.Y) > max(picture.X, picture.Y, maxVariantSide); larger || l.size.X*l.size.Y > max(picture.X*picture.Y, maxVariantPixels) {
		return l, fmt.Errorf("%w: it would be %dx%d of a picture of %dx%d: ask for less", ErrVariant, l.size.X, l.size.Y, picture.X, picture.Y)
	}
	return l, nil
}

// follows reports whether the box has the aspect of the picture, but for rounding.
func (v *Variant) follows() bool { return v.Width == 0 || v.Height == 0 }

// fitted returns how large a part of a size becomes for a box.
func (v *Variant) fitted(size, box image.Point) image.Point {
	larger := box.X > size.X || box.Y > size.Y
	switch {
	case v.follows() && (v.Enlarge || !larger):
		return box
	case v.Fit == Within || v.Fit == Pad:
		return inside(size, box, v.Enlarge)
	case !v.Enlarge && v.Fit == Stretch:
		return image.Pt(min(box.X, size.X), min(box.Y, size.Y))
	case !v.Enlarge && larger:
		return size
	}
	return box
}

// box returns the Width and Height of v for a part of a size.
func (v *Variant) box(size image.Point) image.Point {
	switch {
	case v.Width == 0 && v.Height == 0:
		return size
	case v.Width == 0:
		return image.Pt(share(size.X, v.Height, size.Y), v.Height)
	case v.Height == 0:
		return image.Pt(v.Width, share(size.Y, v.Width, size.X))
	}
	return image.Pt(v.Width, v.Height)
}

// share returns a*b/c, rounded, one at least.
func share(a, b, c int) int { return int(max((2*int64(a)*int64(b)+int64(c))/(2*int64(c)), 1)) }

// inside returns the largest size of the same aspect that fits into a box, and is not larger if it may not be.
func inside(size, box image.Point, enlarge bool) image.Point {
	switch {
	case !enlarge && size.X <= box.X && size.Y <= box.Y:
		return size
	case int64(size.X)*int64(box.Y) > int64(size.Y)*int64(box.X):
		return image.Pt(box.X, share(size.Y, box.X, size.X))
	}
	return image.Pt(share(size.X, box.Y, size.Y), box.Y)
}

// middle returns the largest part of r in its middle that has the aspect of a box.
func middle(r image.Rectangle, box image.Point) image.Rectangle {
	part := inside(box, r.Size(), true)
	from := r.Min.Add(r.Size().Sub(part).Div(2))
	return image.Rectangle{Min: from, Max: from.Add(part)}
}

// padded returns where something of a size lies in a box. It begins and ends at even coordinates, unless it reaches the end of the box, so that none
// of its chroma is that of what is around it.
func padded(size, box image.Point) image.Rectangle {
	even := func(size, box int) (from, to int) {
		if size < box && size > 1 {
			size &^= 1
		}
		from = (box - size) / 2 &^ 1
		return from, from + size
	}
	var r image.Rectangle
	r.Min.X, r.Max.X = even(size.X, box.X)
	r.Min.Y, r.Max.Y = even(size.Y, box.Y)
	return r
}
