package enhance

import "math"

const (
	// How far the errors of pictures of a GOP are the same, from one to the next, and the seconds in which half of that is forgotten:
	// blocks are copied, along with their errors, until they are coded anew.
	alikeAtOnce = 0.95
	halfAlike   = 0.32

	// Of the same quantiser, key pictures have less error, for they owe none to others, and other pictures more than the target, for they
	// are not quite aligned.
	keyError, otherError = 0.75, 1.1
)

// leastWeight is what the target counts for at least, as a part of what it would count for alone.
const leastWeight = 0.02

// weigh sets how much each picture counts for in the best mean of them: what remains of the error is then 1 over the sum of weights.
// Errors of different GOPs are independent, for each begins anew.
func weigh(all []party) {
	target := &all[0]
	errors := func(p *party) float64 {
		e := float64(p.variance)
		if p.picture.Key {
			e *= keyError
		}
		if p != target && p.gop == target.gop {
			e *= otherError
		}
		return e
	}
	covariance := func(p, q *party) float64 {
		switch {
		case p == q:
			return errors(p)
		case p.gop != q.gop:
			return 0
		}
		apart := (p.picture.PTS - q.picture.PTS).Abs().Seconds()
		return alikeAtOnce * math.Exp2(-apart/halfAlike) * math.Sqrt(errors(p)*errors(q))
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
