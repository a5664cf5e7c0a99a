package capture

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/frame"
)

// A Ranked is a picture of the window of a Best, and how it rates there.
type Ranked struct {
	*frame.Picture

	// Merit is in decibels: by the Metric, less what the picture loses by
	// not being the literal one, which is a part of a decibel.
	Merit float64
}

// best returns the pictures around t that are worth their pixels, the best first, and of those the literal one, if it is undamaged. It
// looks in two stages: how well the pictures are coded is known before their pixels are, and only the best of those are converted
// and rated. What comes after the last picture of the window is not decoded.
func (c *Camera) best(ctx context.Context, t found, m Moment, pin *sched.Pin) (ranked []Ranked, literal *frame.Picture, err error) {
	window := c.window(t, m.window)
	wanted := slices.IndexFunc(window, func(w candidate) bool { return w.away == 0 })
	if wanted < 0 {
		return nil, nil, nil
	}
	from, soFar := 0, &contest{pictures: window, wanted: wanted, span: m.window}
	for _, gop := range byGOP(window) {
		to := from + len(gop)
		if err := c.look(ctx, soFar, from, to, pin); err != nil {
			return nil, nil, err
		}
		from = to
	}
	metric := Metric(Quality)
	if m.metric != nil {
		metric = *m.metric
	}
	for _, i := range rank(window, wanted, m.window, metric) {
		ranked = append(ranked, Ranked{window[i].picture, window[i].merit})
	}
	return ranked, window[wanted].picture, nil
}

// window returns the pictures that were shown no more than span away from that of t, in presentation order, as far as their data can be
// trusted: of too many, the nearest.
func (c *Camera) window(t found, span time.Duration) []candidate {
	center := t.gop[t.index].Shown()
	window := nearestOf(c.candidates(span, func(u *frame.AccessUnit) time.Duration { return u.Shown().Sub(center).Abs() }))
	slices.SortStableFunc(window, func(a, b candidate) int { return cmp.Compare(a.found.unit().PTS, b.found.unit().PTS) })
	return window
}

// look decodes the pictures from and up to an index of a window, which are of the same GOP, and converts those that promise to be
// the best of the window so far.
func (c *Camera) look(ctx context.Context, soFar *contest, from, to int, pin *sched.Pin) error {
	window := soFar.pictures
	demands := make([]*sched.Demand, 0, to-from)
	for i := from; i < to; i++ {
		p := &window[i]
		demands = append(demands, &sched.Demand{Unit: p.found.index, Pin: pin, Keep: func(l frame.Latent) bool {
			p.known, p.effectiveQP = !l.Corrupt && !l.Hidden, l.EffectiveQP
			soFar.enter(i)
			return slices.Contains(soFar.promising(), i)
		}})
	}
	if err := c.scheduler().Decode(ctx, window[from].found.gop, demands...); err != nil {
		return err
	}
	for n, demand := range demands {
		window[from+n].picture = demand.Picture()
	}
	return nil
}
