package scale

import (
	"image"
	"math/bits"
)

// lights are two pixels, one below the other: red, green, blue and nothing, from 0 to white.
type lights [8]int32

// A writer writes rows of light into an image, two by two.
type writer struct {
	to     *image.YCbCr
	shared int // pixels beside each other that share their chroma
	levels *levelsOfLight
	luma   [2][]byte // of the rows that are written
}

func newWriter(to *image.YCbCr) *writer {
	w := &writer{to: to, levels: levels()}
	w.shared, _, _ = sharing(to.SubsampleRatio)
	return w
}

// What BT.601 makes of red, green and blue, in units of 1/32768, so that grey has no chroma.
const bt601Bits = 15

var (
	ofLuma = [3]int16{9798, 19235, 3735}
	ofCb   = [3]int16{-5530, -10854, 16384}
	ofCr   = [3]int16{16384, -13720, -2664}
)

// A colour is R'G'B' in units of 1/(255 << fineBits), or a sum of those of four pixels at most.
type colour [3]int32

// of returns the sum of a colour's shares.
func (c colour) of(shares [3]int16) int32 {
	return c[0]*int32(shares[0]) + c[1]*int32(shares[1]) + c[2]*int32(shares[2])
}

func (c colour) luma() uint8 {
	const of = bt601Bits + fineBits
	return uint8((c.of(ofLuma) + 1<<(of-1)) >> of)
}

// chroma returns Cb and Cr of the sum of n colours: 1, 2 or 4.
func (c colour) chroma(n int) (cb, cr uint8) {
	of := bt601Bits + fineBits + bits.TrailingZeros(uint(n))
	middle := int32(257) << (of - 1) // 128, and what rounds
	return uint8(min((c.of(ofCb)+middle)>>of, 255)), uint8(min((c.of(ofCr)+middle)>>of, 255))
}

// write writes row y, which is an even one, and the one below if there is one.
func (w *writer) write(lit []lights, y int) {
	m, end := w.to, min(y+2, w.to.Rect.Dy())
	at := m.Rect.Min.Add(image.Pt(0, y))
	for i := range end - y {
		w.luma[i] = m.Y[m.YOffset(at.X, at.Y+i):][:len(lit)]
	}
	if w.shared == 1 {
		for ; y < end; y++ {
			w.blocks(lit, 0, y, y+1)
		}
		return
	}
	done := 0
	if end == y+2 {
		c := m.COffset(at.X, at.Y)
		done = fastest.write(&w.luma, m.Cb[c:], m.Cr[c:], lit, w.levels)
	}
	w.blocks(lit, done, y, end)
}

// blocks writes pixels from x on, of rows y to end. Those that are beside each other or below share their chroma, if any do.
func (w *writer) blocks(lit []lights, x, y, end int) {
	for ; x < len(lit); x += w.shared {
		pixels := lit[x:min(x+w.shared, len(lit))]
		var sum colour
		for row := y % 2; row < y%2+end-y; row++ {
			for k := range pixels {
				c := w.colour(pixels[k][4*row:])
				w.luma[row][x+k] = c.luma()
				sum = colour{sum[0] + c[0], sum[1] + c[1], sum[2] + c[2]}
			}
		}
		c := w.to.COffset(w.to.Rect.Min.X+x, w.to.Rect.Min.Y+y)
		w.to.Cb[c], w.to.Cr[c] = sum.chroma((end - y) * len(pixels))
	}
}

// colour returns what is stored for light.
func (w *writer) colour(light []int32) colour {
	const mask = len(levelsOfLight{}) - 1
	return colour{int32(w.levels[int(light[0])&mask]), int32(w.levels[int(light[1])&mask]), int32(w.levels[int(light[2])&mask])}
}
