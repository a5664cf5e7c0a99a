// Package frametest makes streams for tests: encoded by the real ffmpeg, played live on a fake clock or published over the network,
// damaged in chosen ways. A frame counter is burnt into every picture, so that a test can prove which one it was given. With go test -short, a
// test that comes to need ffmpeg is skipped.
package frametest

import "image"

// The counter is 16 cells wide, dark for a zero and bright for a one, with its complement below. Cells are wide enough to
// survive coarse compression; their middle is read.
const counterBits = 16

func cell(width int) int { return min(16, width/counterBits) }

// Draw burns the low 16 bits of n into the top left corner of img, which must be at least 64 by 8 pixels.
func Draw(img *image.YCbCr, n int) {
	size := cell(img.Rect.Dx())
	for bit := range counterBits {
		for row := range 2 {
			shade := byte(32)
			if n>>(counterBits-1-bit)&1 != row {
				shade = 224
			}
			for y := row * size; y < (row+1)*size; y++ {
				line := img.Y[y*img.YStride+bit*size:]
				for x := range size {
					line[x] = shade
				}
			}
		}
	}
}

// Read returns the number that Draw burnt into img; ok is false if there is none that can be told.
func Read(img *image.YCbCr) (n int, ok bool) {
	size := cell(img.Rect.Dx())
	if size < 4 || img.Rect.Dy() < 2*size {
		return 0, false
	}
	for bit := range counterBits {
		one, zero := mean(img, bit*size, 0, size), mean(img, bit*size, size, size)
		if one-zero < 64 && zero-one < 64 {
			return 0, false
		}
		n <<= 1
		if one > zero {
			n |= 1
		}
	}
	return n, true
}

// mean returns the mean luma of the middle half of the cell at x, y.
func mean(img *image.YCbCr, x, y, size int) int {
	sum, margin := 0, size/4
	side := size - 2*margin
	for dy := range side {
		at := (y+margin+dy)*img.YStride + x + margin
		for _, v := range img.Y[at : at+side] {
			sum += int(v)
		}
	}
	return sum / (side * side)
}
