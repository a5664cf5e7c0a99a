package scale

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestKernelsAgree compares the kernels that suit this processor with those in Go, with rows and taps of all lengths.
func TestKernelsAgree(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	row := func(n int) []pixel {
		r := make([]pixel, n)
		for i := range r {
			r[i] = pixel{r: random.Float32(), g: random.Float32() * 1.4, b: random.Float32() - 0.2}
		}
		return r
	}
	for size := 1; size <= 40; size++ {
		for _, n := range []int{1, 2, 3, 5, 8, 17, 40, 81, 200} {
			taps, from := newTaps(size, n), row(n)
			got, want := make([]pixel, size), make([]pixel, size)
			fastest.across(got, from, taps)
			across(want, from, taps)
			for i := range want {
				if d := max(math.Abs(float64(got[i].r-want[i].r)), math.Abs(float64(got[i].g-want[i].g)), math.Abs(float64(got[i].b-want[i].b))); d > 1e-5 {
					t.Fatalf("%d of %d: pixel %d is %v, want %v", size, n, i, got[i], want[i])
				}
			}
			rows := make([][]pixel, taps.n)
			for i := range rows {
				rows[i] = row(size)
			}
			sums, exact := make([]lights, size), make([]lights, size)
			fastest.down(sums, rows, taps.weights[:taps.n])
			down(exact, rows, taps.weights[:taps.n])
			for i := range exact {
				for k := range 3 {
					if d := sums[i][k] - exact[i][k]; d < -1 || d > 1 || sums[i][k] < 0 || sums[i][k] > white {
						t.Fatalf("%d rows of %d: pixel %d is %v, want %v", len(rows), size, i, sums[i], exact[i])
					}
				}
			}
		}
	}
}
