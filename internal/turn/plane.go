package turn

import (
	"encoding/binary"
	"math/bits"
)

// A plane is samples in rows.
type plane struct {
	pix    []byte
	stride int
	w, h   int
}

func newPlane(w, h int) plane { return plane{make([]byte, w*h), w, w, h} }

func (p plane) row(y int) []byte { return p.pix[y*p.stride:][:p.w] }

// move copies src to where its samples belong in dst, which has the size for that.
func (o orientation) move(dst, src plane) {
	if o.swapped {
		o.transpose(dst, src)
		return
	}
	for y := range src.h {
		from, to := src.row(y), dst.row(y)
		if o.fromEnd.y {
			to = dst.row(src.h - 1 - y)
		}
		if o.fromEnd.x {
			reverse(to, from)
		} else {
			copy(to, from)
		}
	}
}

// side is that of a block of samples of which each row fits a uint64.
const side = 8

// reverse copies src to dst, the last first. Both are as long.
func reverse(dst, src []byte) {
	n := len(src)
	x := 0
	for ; x+side <= n; x += side {
		binary.LittleEndian.PutUint64(dst[n-side-x:], bits.ReverseBytes64(binary.LittleEndian.Uint64(src[x:])))
	}
	for ; x < n; x++ {
		dst[n-1-x] = src[x]
	}
}

// tile is how many rows of src are read side by side, so that what is written fills whole lines of a processor's cache (64 bytes) while what is
// read is still there.
const tile = 64

// transpose moves src to dst block by block; rows become columns.
func (o orientation) transpose(dst, src plane) {
	w, h := src.w/side*side, src.h/side*side
	for top := 0; top < h; top += tile {
		for x := 0; x < w; x += side {
			for y := top; y < min(top+tile, h); y += side {
				o.block(dst, src, x, y)
			}
		}
	}
	o.samples(dst, src, w, src.w, 0, src.h)
	o.samples(dst, src, 0, w, h, src.h)
}

// samples moves those of a part of src one by one.
func (o orientation) samples(dst, src plane, fromX, toX, fromY, toY int) {
	for y := fromY; y < toY; y++ {
		to := y
		if o.fromEnd.y {
			to = src.h - 1 - y
		}
		row := src.row(y)
		for x := fromX; x < toX; x++ {
			at := x
			if o.fromEnd.x {
				at = src.w - 1 - x
			}
			dst.pix[at*dst.stride+to] = row[x]
		}
	}
}

// block moves the block of src at (x, y).
func (o orientation) block(dst, src plane, x, y int) {
	from, step, column := y*src.stride+x, src.stride, y
	if o.fromEnd.y { // the last row becomes the first column
		from, step, column = from+(side-1)*src.stride, -src.stride, src.h-side-y
	}
	var b [side]uint64
	for i := range b {
		b[i] = binary.LittleEndian.Uint64(src.pix[from:])
		from += step
	}
	swap(&b)
	to, step := x*dst.stride+column, dst.stride
	if o.fromEnd.x {
		to, step = (src.w-1-x)*dst.stride+column, -dst.stride
	}
	for _, v := range b {
		binary.LittleEndian.PutUint64(dst.pix[to:], v)
		to += step
	}
}

// swap makes rows columns: of a block of two by two blocks it exchanges the upper right one and the lower left one, of blocks of one sample, of two by
// two, and of four by four.
func swap(b *[side]uint64) {
	for i := 0; i < side; i += 2 {
		t := (b[i]>>8 ^ b[i+1]) & 0x00ff00ff00ff00ff
		b[i], b[i+1] = b[i]^t<<8, b[i+1]^t
	}
	for _, i := range [...]int{0, 1, 4, 5} {
		t := (b[i]>>16 ^ b[i+2]) & 0x0000ffff0000ffff
		b[i], b[i+2] = b[i]^t<<16, b[i+2]^t
	}
	for i := range side / 2 {
		t := (b[i]>>32 ^ b[i+4]) & 0x00000000ffffffff
		b[i], b[i+4] = b[i]^t<<32, b[i+4]^t
	}
}
