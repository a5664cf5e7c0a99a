package enhance

import (
	"math"
	"time"
)

// How far the errors of pictures of a GOP are the same, from one to the next, and by which factor less with each further one: blocks
// are copied, along with their errors, until they are coded anew. Live encodes take some ten pictures to forget half.
const (
	alikeAtOnce = 0.95
	alikeStill  = 0.93
)

// leastWeight is what the target counts for at least, as a part of what it would count for alone.
const leastWeight = 0.02

// weigh sets how much each picture counts for in the best mean of them: what remains of the error is then 1 over the sum of weights.
// Errors of different GOPs are independent, for each begins anew.
func weigh(all []party) {
	interval := time.Duration(math.MaxInt64) // from one picture to the next
	for i := range all {
		for j := range i {
			if d := (all[i].picture.PTS - all[j].picture.PTS).Abs(); d > 0 {
				interval = min(interval, d)
			}
		}
	}
	covariance := func(p, q *party) float64 {
		apart := float64((p.picture.PTS - q.picture.PTS).Abs()) / float64(interval)
		switch {
		case p == q:
			return float64(p.variance)
		case p.gop != q.gop:
			return 0
		}
		return alikeAtOnce * math.Pow(alikeStill, apart) * math.Sqrt(float64(p.variance)*float64(q.variance))
	}
	taken := make([]*party, len(all))
	for i := range all {
		taken[i] = &all[i]
	}
	for {
		m := make([][]float64, len(taken))
		for i, p := range taken {
			m[i] = make([]float64, len(taken)+1)
			for j, q := range taken {
				m[i][j] = covariance(p, q)
			}
			m[i][len(taken)] = 1
		}
		solve(m)
		worst, least := 0, 0.
		for i, p := range taken {
			p.weight = float32(m[i][len(taken)])
			if w := p.weight * p.variance; float64(w) < least {
				worst, least = i, float64(w)
			}
		}
		if least == 0 {
			break
		}
		taken[worst].weight = 0 // others show all that it shows, and better
		taken = append(taken[:worst], taken[worst+1:]...)
	}
	all[0].weight = max(all[0].weight, leastWeight/all[0].variance)
}

// solve solves symmetric, positive definite equations in place: the last column of m, the right side, becomes the solution.
func solve(m [][]float64) {
	for i := range m {
		d := 1 / m[i][i]
		for k := i; k <= len(m); k++ {
			m[i][k] *= d
		}
		for j := range m {
			if j != i {
				f := m[j][i]
				for k := i; k <= len(m); k++ {
					m[j][k] -= f * m[i][k]
				}
			}
		}
	}
}
