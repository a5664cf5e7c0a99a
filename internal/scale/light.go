package scale

import (
	"image"
	"math"
	"math/bits"
	"sync"
)

// A pixel is its red, green and blue light; white has one of each. The fourth makes it as wide as a register.
type pixel struct{ r, g, b, _ float32 }

// Levels are components of R'G'B' in quarters of a step of 8 bits, from the least that YCbCr can say on: finer than the rounding of YCbCr is.
const (
	levelBits = 2
	least     = 227 << levelBits // below zero: 1.772 x 128
	levels    = 1 << 12
)

// What is stored is looked up by light in units of 1/white, of which black has five a level, and has six bits more than it will.
const (
	white    = 1 << 14
	fineBits = 6
)

// lights are pixels in units of 1/white, 0 to white.
type lights [4]int32

// tables returns the light of levels, and the levels of light, with fineBits more bits than 8.
var tables = sync.OnceValue(func() *struct {
	light [levels]float32
	level [2 * white]uint16 // of which the second half but one is not used
} {
	t := new(struct {
		light [levels]float32
		level [2 * white]uint16
	})
	for i := range t.light {
		t.light[i] = float32(linear(min(max(float64(i-least)/(255<<levelBits), 0), 1)))
	}
	for i := range white + 1 {
		t.level[i] = uint16(math.Round(255 << fineBits * gamma(float64(i)/white)))
	}
	return t
})

// linear is the transfer function of sRGB (IEC 61966-2-1), from what is stored to light.
func linear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// gamma is the inverse of linear.
func gamma(v float64) float64 {
	if v <= 0.0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

// A reader reads rows of an image as light.
type reader struct {
	from         *image.YCbCr
	across, down int // pixels that share a chroma sample
	light        *[levels]float32

	// What a chroma sample adds to red, green and blue, as levels.
	red, greenCb, greenCr, blue [256]int32
}

func newReader(from *image.YCbCr) *reader {
	r := &reader{from: from, light: &tables().light}
	r.across, r.down, _ = sharing(from.SubsampleRatio)
	for i := range r.red {
		c := float64(i-128) * (1 << levelBits)
		r.red[i] = int32(math.Round(1.402*c)) + least
		r.greenCb[i] = int32(math.Round(-0.344136*c)) + least
		r.greenCr[i] = int32(math.Round(-0.714136 * c))
		r.blue[i] = int32(math.Round(1.772*c)) + least
	}
	return r
}

// read reads row y, the first of which is 0.
func (r *reader) read(row []pixel, y int) {
	m, light := r.from, r.light
	at := m.Rect.Min.Add(image.Pt(0, y))
	luma := m.Y[m.YOffset(at.X, at.Y):][:len(row)]
	c := m.COffset(at.X, at.Y)
	cb, cr := m.Cb[c:], m.Cr[c:]
	end := -(at.X % r.across) // of the pixels of a chroma sample; the first may have some that are not in the row
	for i, x := 0, 0; x < len(row); i++ {
		end = min(end+r.across, len(row))
		tint := colour{r.red[cr[i]], r.greenCb[cb[i]] + r.greenCr[cr[i]], r.blue[cb[i]]}
		for ; x < end; x++ {
			v := int32(luma[x]) << levelBits
			row[x] = pixel{r: light[uint32(v+tint.r)%levels], g: light[uint32(v+tint.g)%levels], b: light[uint32(v+tint.b)%levels]}
		}
	}
}

// A writer writes rows of light into an image, one after the other.
type writer struct {
	to    *image.YCbCr
	level *[2 * white]uint16
	sums  []colour // of the pixels that share a chroma sample, of the row before; nil if they are of one row
}

// A colour is R'G'B': as levels, or in units of 1/(255 << fineBits), or a sum of those.
type colour struct{ r, g, b int32 }

func newWriter(to *image.YCbCr) *writer {
	w := &writer{to: to, level: &tables().level}
	if to.SubsampleRatio == image.YCbCrSubsampleRatio420 {
		w.sums = make([]colour, (to.Rect.Dx()+1)/2)
	}
	return w
}

// colour returns what is stored for light.
func (w *writer) colour(p lights) colour {
	const mask = 2*white - 1
	return colour{int32(w.level[p[0]&mask]), int32(w.level[p[1]&mask]), int32(w.level[p[2]&mask])}
}

// What BT.601 makes of red, green and blue, as package color has it: in units of 1/65536.
const bt601Bits = 16

func (c colour) luma() uint8 {
	const of = bt601Bits + fineBits
	return uint8((19595*c.r + 38470*c.g + 7471*c.b + 1<<(of-1)) >> of)
}

// chroma returns Cb and Cr of the sum of n colours: 1, 2 or 4.
func (c colour) chroma(n int) (cb, cr uint8) {
	of := bt601Bits + fineBits + bits.TrailingZeros(uint(n))
	r, g, b, middle := int64(c.r), int64(c.g), int64(c.b), int64(257)<<(of-1)-1 // 128, and what rounds
	return uint8(min((-11059*r-21709*g+32768*b+middle)>>of, 255)), uint8(min((32768*r-27439*g-5329*b+middle)>>of, 255))
}

// write writes row y.
func (w *writer) write(row []lights, y int) {
	m := w.to
	at := m.Rect.Min.Add(image.Pt(0, y))
	luma := m.Y[m.YOffset(at.X, at.Y):][:len(row)]
	c := m.COffset(at.X, at.Y)
	if w.sums == nil {
		for x, p := range row {
			colour := w.colour(p)
			luma[x] = colour.luma()
			m.Cb[c+x], m.Cr[c+x] = colour.chroma(1)
		}
		return
	}
	if y%2 == 0 {
		clear(w.sums)
	}
	for x, p := range row {
		colour, sum := w.colour(p), &w.sums[x/2]
		luma[x] = colour.luma()
		sum.r, sum.g, sum.b = sum.r+colour.r, sum.g+colour.g, sum.b+colour.b
	}
	if rows := y%2 + 1; rows == 2 || y == m.Rect.Dy()-1 {
		cb, cr := m.Cb[c:][:len(w.sums)], m.Cr[c:][:len(w.sums)]
		for i, sum := range w.sums {
			cb[i], cr[i] = sum.chroma(rows * min(2, len(row)-2*i))
		}
	}
}
