package capture

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/measure"
)

// A standInID tells what is wanted of a picture that stands in for another.
type standInID struct {
	wanted    sched.ID
	tolerance time.Duration
}

// The most GOPs that are looked into for a picture that stands in for another: all of a second to either side if each picture is a GOP of
// its own, at 30 a second.
const mostGOPsNear = 60

// standIn returns the good picture that was shown nearest to the instant wanted, and within tolerance of it; nil if there is none. What
// follows damage in a GOP is damaged, so that pictures after it come from the next GOP. Its error is a Fault, or that of ctx.
func (c *Camera) standIn(ctx context.Context, t found, tolerance time.Duration) (*frame.Picture, error) {
	gops := c.standInCandidates(t, tolerance)
	best := bestSoFar{away: tolerance + 1}
	for _, candidates := range gops[:min(len(gops), mostGOPsNear)] {
		if least(candidates) >= best.away {
			break
		}
		var demands []*sched.Demand
		for _, candidate := range candidates {
			demands = append(demands, &sched.Demand{Unit: candidate.found.index, Keep: func(l frame.Latent) bool {
				best.look(l, candidate.away)
				return false // none but the nearest is kept
			}})
		}
		if err := c.scheduler().Decode(ctx, candidates[0].found.gop, demands...); err != nil {
			return nil, err
		}
		for _, demand := range demands {
			if err := demand.Fault(); err != nil {
				return nil, err
			}
		}
	}
	return best.Picture, nil
}

// A bestSoFar is the nearest good picture of those that were looked at.
type bestSoFar struct {
	*frame.Picture
	away time.Duration // from the instant wanted
}

// look looks at a picture that is so far away.
func (b *bestSoFar) look(l frame.Latent, away time.Duration) {
	if l.Corrupt || l.Hidden || away >= b.away {
		return
	}
	if p := sched.Develop(l); p != nil && !measure.Blank(p.YCbCr) {
		*b = bestSoFar{p, away} // and the one before is nobody's any more
	}
}

// standInCandidates returns what was shown within tolerance of the instant wanted and can be trusted, by its GOPs, of which the one with the
// nearest picture is the first.
func (c *Camera) standInCandidates(t found, tolerance time.Duration) (gops [][]candidate) {
	away := func(u *frame.AccessUnit) time.Duration { return u.Time.Sub(t.wanted).Abs() }
	gops = byGOP(nearestOf(c.candidates(tolerance, away)))
	slices.SortStableFunc(gops, func(a, b []candidate) int { return cmp.Compare(least(a), least(b)) })
	return gops
}

// least returns how far the nearest of candidates is away.
func least(candidates []candidate) time.Duration {
	return slices.MinFunc(candidates, func(a, b candidate) int { return cmp.Compare(a.away, b.away) }).away
}
