package scale

import "golang.org/x/sys/cpu"

// fastest are the kernels that suit the processor.
var fastest = fastestOf(cpu.X86.HasAVX2 && cpu.X86.HasFMA)

func fastestOf(avx2 bool) kernels {
	if !avx2 {
		return kernels{across, down}
	}
	return kernels{
		func(to, from []pixel, t *taps) {
			if t.first[len(to)-1]+t.n > len(from) || t.n*len(to) > len(t.weights) {
				panic("scale: taps of another row")
			}
			acrossAVX2(to, from, t.first, t.weights, t.n)
		},
		func(to []lights, rows [][]pixel, weights []float32) {
			for _, row := range rows[:len(weights)] {
				_ = row[:len(to)]
			}
			downAVX2(to, rows, weights)
		},
	}
}

// acrossAVX2 is across of rows that are long enough.
//
//go:noescape
func acrossAVX2(to, from []pixel, first []int, weights []float32, n int)

// downAVX2 is down of rows that are long enough.
//
//go:noescape
func downAVX2(to []lights, rows [][]pixel, weights []float32)
