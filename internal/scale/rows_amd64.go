package scale

import "golang.org/x/sys/cpu"

// fastest are the kernels that suit the processor.
var fastest = fastestOf(cpu.X86.HasAVX2)

func fastestOf(avx2 bool) kernels {
	if !avx2 {
		return inGo
	}
	return kernels{
		double: func(to, from []byte) {
			blocks := min(len(from), len(to)/2) / group
			if blocks > 0 {
				doubleAVX2(&to[0], &from[0], blocks)
			}
			double(to[2*group*blocks:], from[group*blocks:])
		},
		light: func(to []int16, above, below *[3][]byte) {
			groups := len(to) / groupSize
			for i := range above {
				_, _ = above[i][:groups*group], below[i][:groups*group]
			}
			lightAVX2(&to[0], above, below, &lightConstants, groups)
		},
		down: func(to []int16, row int, from [][]int16, weights [][2]int16) {
			groups := len(from[0]) / groupSize
			for _, row := range from[:len(weights)] {
				_ = row[:groups*groupSize]
			}
			_ = to[:groups*group/2*mixedSize]
			downAVX2(&to[row*mixedRow], from, weights, groups)
		},
		add: func(sum []int32, pair []int16, weights [2]int16) {
			_ = pair[:2*len(sum)]
			addAVX2(sum, &pair[0], uint32(uint16(weights[0]))|uint32(uint16(weights[1]))<<16)
		},
		across: func(to []lights, from []int16, t *taps) {
			if len(t.first) > len(to) || (t.first[len(t.first)-1]+t.n)*mixedSize > len(from) || t.n*len(t.first) > len(t.weights) {
				panic("scale: taps of another row")
			}
			acrossAVX2(&to[0][0], &from[0], t.first, &t.weights[0], t.n)
		},
		write: func(luma *[2][]byte, cb, cr []byte, from []lights, levels *levelsOfLight) int {
			const block = 8
			blocks := min(len(luma[0]), len(luma[1]), 2*len(cb), 2*len(cr), len(from)) / block
			if blocks > 0 {
				writeAVX2(luma, &cb[0], &cr[0], &from[0][0], &levels[0], &colourShares, blocks)
			}
			return block * blocks
		},
	}
}

// lightConstants are what lightOf computes with, each as often as a register has room.
var lightConstants = func() (all [14][16]int16) {
	for i, v := range [...]int16{
		toe, curve[0], curve[1], curve[2], curve[3], curve[4], curve[5], toeSlope, 128, red, greenCb, greenCr, blue, luma - 1<<16,
	} {
		for k := range all[i] {
			all[i][k] = v
		}
	}
	return all
}()

// colourShares are those of luma, Cb and Cr, for four pixels of red, green, blue and nothing.
var colourShares = func() (all [3][16]int16) {
	for i, of := range [...][3]int16{ofLuma, ofCb, ofCr} {
		for k := range 4 {
			copy(all[i][4*k:], of[:])
		}
	}
	return all
}()

// The kernels in assembly do not check lengths: those above do.

// doubleAVX2 is double of so many times 16 bytes.
//
//go:noescape
func doubleAVX2(to, from *byte, blocks int)

// lightAVX2 is toLight of so many groups.
//
//go:noescape
func lightAVX2(to *int16, above, below *[3][]byte, constants *[14][16]int16, groups int)

// downAVX2 is down of so many groups, to every other half of 32 bytes.
//
//go:noescape
func downAVX2(to *int16, rows [][]int16, weights [][2]int16, groups int)

// addAVX2 is add of a multiple of eight numbers; the first weight is in the lower half.
//
//go:noescape
func addAVX2(sum []int32, pair *int16, weights uint32)

// acrossAVX2 is across.
//
//go:noescape
func acrossAVX2(to *int32, from *int16, first []int, weights *[2]int16, n int)

// writeAVX2 writes so many times eight pixels of both rows.
//
//go:noescape
func writeAVX2(luma *[2][]byte, cb, cr *byte, from *int32, levels *uint16, shares *[3][16]int16, blocks int)
