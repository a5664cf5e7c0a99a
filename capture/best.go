package capture

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/livestill/livestill/frame"
)

// A Ranked is a picture of the window of a Best, and how it rates there.
type Ranked struct {
	*frame.Picture
	Merit float64 // by the Score, less what it loses by not being the literal picture: a part of a decibel
}

// best returns the pictures around t that are worth their pixels, the best first, and of those the literal one, if it is undamaged. It
// looks in two stages: how well the pictures are coded is known before their pixels are, and only the best of those are converted
// and rated. What comes after the last picture of the window is not decoded.
func (c *Camera) best(ctx context.Context, t target, m Moment) (ranked []Ranked, literal *frame.Picture, err error) {
	window := c.window(t, m.window)
	wanted := slices.IndexFunc(window, func(w candidate) bool { return w.away == 0 })
	if wanted < 0 {
		return nil, nil, nil
	}
	for from := 0; from < len(window); { // a GOP at a time
		to := from + 1
		for to < len(window) && same(window[to].target.gop, window[from].target.gop) {
			to++
		}
		if err := c.look(ctx, window, from, to, wanted, m.window); err != nil {
			return nil, nil, err
		}
		from = to
	}
	score := Score(Quality)
	if m.score != nil {
		score = *m.score
	}
	for _, i := range rank(window, wanted, m.window, score) {
		ranked = append(ranked, Ranked{window[i].picture, window[i].merit})
	}
	return ranked, window[wanted].picture, nil
}

// window returns the pictures that were shown no more than span away from that of t, in presentation order, as far as their data is
// there.
func (c *Camera) window(t target, span time.Duration) (window []candidate) {
	center := t.unit()
	from := func(u *frame.AccessUnit) time.Duration { return u.Shown().Sub(center.Shown()).Abs() }
	for _, g := range c.some(func(u *frame.AccessUnit) bool { return from(u) <= span }) {
		for i := range c.trusted(g) {
			if away := from(&g[i]); away <= span {
				window = append(window, candidate{target: target{gop: g, index: i}, away: away})
			}
		}
	}
	slices.SortStableFunc(window, func(a, b candidate) int {
		x, y := a.target.unit(), b.target.unit()
		return cmp.Compare(x.PTS, y.PTS)
	})
	return window
}

// look decodes the pictures from and up to an index of a window, which are of the same GOP, and converts those that promise to be
// the best of the window so far.
func (c *Camera) look(ctx context.Context, window []candidate, from, to, wanted int, span time.Duration) error {
	gop := window[from].target.gop
	wants := make([]*want, 0, to-from)
	for i := from; i < to; i++ {
		p := &window[i]
		wants = append(wants, newWant(p.target.index, func(l frame.Latent) bool {
			p.known, p.effectiveQP = !l.Corrupt && !l.Hidden, l.EffectiveQP
			return slices.Contains(promising(window, wanted, span), i)
		}))
	}
	if err := c.develop(ctx, gop, wants...); err != nil {
		return err
	}
	for n, w := range wants {
		window[from+n].picture = w.made.Picture
	}
	return nil
}
