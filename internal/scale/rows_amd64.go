package scale

import "golang.org/x/sys/cpu"

// fastest are the kernels that suit the processor.
var fastest = fastestOf(cpu.X86.HasAVX2)

func fastestOf(avx2 bool) kernels {
	if !avx2 {
		return inGo
	}
	return kernels{
		func(to, from []byte) {
			blocks := min(len(from), len(to)/2) / group
			if blocks > 0 {
				doubleAVX2(&to[0], &from[0], blocks)
			}
			double(to[2*group*blocks:], from[group*blocks:])
		},
		func(to []int16, above, below *[3][]byte) {
			groups := len(to) / groupSize
			for i := range above {
				_, _ = above[i][:groups*group], below[i][:groups*group]
			}
			lightAVX2(&to[0], above, below, &constants, groups)
		},
		func(to []int16, row int, from [][]int16, weights [][2]int16) {
			groups := len(from[0]) / groupSize
			for _, row := range from[:len(weights)] {
				_ = row[:groups*groupSize]
			}
			_ = to[:groups*group/2*mixedSize]
			downAVX2(&to[row*mixedRow], from, weights, groups)
		},
		func(to []lights, from []int16, t *taps) {
			if (t.first[len(to)-1]+t.n)*mixedSize > len(from) || t.n*len(to) > len(t.weights) {
				panic("scale: taps of another row")
			}
			acrossAVX2(to, &from[0], t.first, &t.weights[0], t.n)
		},
		func(luma *[2][]byte, cb, cr []byte, from []lights, levels *[1 << 15]uint16) int {
			blocks := min(len(luma[0]), len(luma[1]), 2*len(cb), 2*len(cr), len(from)) / 8
			if blocks > 0 {
				writeAVX2(luma, &cb[0], &cr[0], &from[0], levels, &shares, blocks)
			}
			return 8 * blocks
		},
	}
}

// constants are those of lightOf, as the instructions want them.
var constants = func() (all [14][group]int16) {
	for i, v := range [...]int16{
		toe, curve[0], curve[1], curve[2], curve[3], curve[4], curve[5], toeSlope, 128, red, greenCb, greenCr, blue, luma - 1<<16,
	} {
		for k := range all[i] {
			all[i][k] = v
		}
	}
	return all
}()

// shares are those of luma and chroma, as the instructions want them: of four pixels.
var shares = func() (all [3][16]int16) {
	for i, of := range [...][3]int16{ofLuma, ofCb, ofCr} {
		for k := range 4 {
			copy(all[i][4*k:], of[:])
		}
	}
	return all
}()

// writeAVX2 is write of so many times eight pixels.
//
//go:noescape
func writeAVX2(luma *[2][]byte, cb, cr *byte, from *lights, levels *[1 << 15]uint16, shares *[3][16]int16, blocks int)

// doubleAVX2 is double of so many times 16 numbers.
//
//go:noescape
func doubleAVX2(to, from *byte, blocks int)

// lightAVX2 is light of rows that are long enough.
//
//go:noescape
func lightAVX2(to *int16, above, below *[3][]byte, constants *[14][group]int16, groups int)

// downAVX2 is down of rows that are long enough.
//
//go:noescape
func downAVX2(to *int16, rows [][]int16, weights [][2]int16, groups int)

// acrossAVX2 is across of rows that are long enough.
//
//go:noescape
func acrossAVX2(to []lights, from *int16, first []int, weights *[2]int16, n int)
