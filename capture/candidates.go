package capture

import (
	"cmp"
	"slices"
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/frame"
)

// A candidate is a picture that may be delivered for the wanted one. What it lacks is not known yet.
type candidate struct {
	found       found
	away        time.Duration // from the wanted picture, either way
	known       bool          // its data can be decoded, to no corrupt picture
	effectiveQP float32       // as in frame.Latent
	picture     *frame.Picture
	merit       float64
}

// There are no more candidates than these: ten seconds before and after at 100 a second. A Best compares each with all.
const mostCandidates = 2000

// candidates returns the pictures that are no more than span away, in decoding order, as far as their data can be trusted: of too many, the
// nearest, and up to as many again.
func (c *Camera) candidates(span time.Duration, away func(*frame.AccessUnit) time.Duration) (all []candidate) {
	for _, g := range c.some(func(u *frame.AccessUnit) bool { return away(u) <= span }) {
		for i := range c.scheduler().Trusted(g) {
			if d := away(&g[i]); d <= span {
				all = append(all, candidate{found: found{gop: g, index: i}, away: d})
			}
			if len(all) == 2*mostCandidates {
				all = nearestOf(all)
			}
		}
	}
	return all
}

// some returns the GOPs that have such units, in decoding order.
func (c *Camera) some(such func(u *frame.AccessUnit) bool) (gops []frame.GOP) {
	for g := range c.History.Backward() {
		for i := range g {
			if such(&g[i]) {
				gops = append(gops, g)
				break
			}
		}
	}
	slices.Reverse(gops)
	return gops
}

// nearestOf returns candidates, of too many the nearest, in the order they were in.
func nearestOf(all []candidate) []candidate {
	if len(all) <= mostCandidates {
		return all
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(all[a].away, all[b].away) })
	order = order[:mostCandidates]
	slices.Sort(order)
	for i, from := range order {
		all[i] = all[from]
	}
	return all[:mostCandidates]
}

// byGOP parts candidates by their GOPs, which are together.
func byGOP(all []candidate) (gops [][]candidate) {
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && sched.Same(all[to].found.gop, all[from].found.gop) {
			to++
		}
		gops = append(gops, all[from:to])
		from = to
	}
	return gops
}
