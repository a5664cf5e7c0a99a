package enhance

import "math"

// The constants below were chosen by trial, for the PSNR of what is merged. The networks were learned with them in place, and correct them
// for each tile: whoever changes one has the networks learn again. enhance/train/constants.py measures the same quantities on the training
// streams, where neighbours are seen through their flow, so that errors of alignment count as well.
const (
	// An encoder copies blocks, along with their errors, until it codes them anew. alikeAtOnce is the correlation of the errors of two
	// pictures of a GOP, shown one right after the other. It falls by half every halfAlike seconds. Measured: 0.75, and by half in 1.4 s, as
	// detail that all pictures have lost is among the errors.
	alikeAtOnce = 0.95
	halfAlike   = 0.32

	// keyError is the variance of a key picture's errors, where coding expects 1, and otherError that of another picture of the target's
	// GOP, which is not quite aligned. Measured, where the target's is 1: 1.45 and 1.31.
	keyError, otherError = 0.75, 1.1
)

// leastWeight is the least weight of the target, in parts of what it has without neighbours. Others may show all that it shows, and better;
// but where none of them is trusted there is nothing else. Chosen so small that it does not matter elsewhere.
const leastWeight = 0.02

// weigh sets the weight of each picture in the best mean of all: the variance of what remains of their errors is then 1 over the sum of the
// weights. Errors of pictures of different GOPs are assumed to be independent, since each GOP begins anew.
func weigh(all []member) {
	target := &all[0]
	errors := func(p *member) float64 {
		e := float64(p.variance)
		if p.picture.Key {
			e *= keyError
		}
		if p != target && p.gop == target.gop {
			e *= otherError
		}
		return e
	}
	covariance := func(p, q *member) float64 {
		switch {
		case p == q:
			return errors(p)
		case p.gop != q.gop:
			return 0
		}
		apart := (p.picture.PTS - q.picture.PTS).Abs().Seconds()
		return alikeAtOnce * math.Exp2(-apart/halfAlike) * math.Sqrt(errors(p)*errors(q))
	}
	taken := make([]*member, len(all))
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
