package capture

import (
	"context"
	"fmt"
	"time"

	"github.com/livestill/livestill/frame"
)

// decode decodes the picture of t. When it is damaged or forgotten, the nearest undamaged picture within tolerance stands in for
// it, and instead says why; without one, err does.
func (c *Camera) decode(ctx context.Context, t target, tolerance time.Duration) (p *frame.Picture, instead, err error) {
	instead = ErrForgotten
	if t.remembered() {
		if p, instead = c.exact(ctx, t); instead == nil {
			return p, nil, nil
		}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, nil, err
	}
	if p = c.nearest(ctx, t, tolerance); p == nil {
		return nil, nil, instead
	}
	return p, instead, nil
}

// exact decodes the very picture of t. Its error is an ErrCorrupt.
func (c *Camera) exact(ctx context.Context, t target) (*frame.Picture, error) {
	u := t.unit()
	if i := firstLost(t.gop); i <= t.index {
		return nil, fmt.Errorf("%w: data was lost on the way", ErrCorrupt)
	}
	for p, err := range c.Decoder.Decode(ctx, t.gop[:t.index+1], u.Time) {
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		case p.PTS != u.PTS:
		case p.Corrupt:
			return nil, fmt.Errorf("%w: decoding saw errors", ErrCorrupt)
		default:
			return p, nil
		}
	}
	return nil, fmt.Errorf("%w: the decoder made none of the unit", ErrCorrupt)
}

// nearest returns the undamaged picture that was shown nearest to the instant wanted, and within tolerance of it; nil if there
// is none. What follows damage in a GOP is damaged, so that pictures after it come from the next GOP.
func (c *Camera) nearest(ctx context.Context, t target, tolerance time.Duration) (best *frame.Picture) {
	away := func(at time.Time) time.Duration { return at.Sub(t.wanted).Abs() }
	for _, g := range c.History.GOPs() {
		end := 0 // of the units that need decoding
		for i, u := range g[:firstLost(g)] {
			if away(u.Time) <= tolerance {
				end = i + 1
			}
		}
		if end == 0 {
			continue
		}
		for p, err := range c.Decoder.Decode(ctx, g[:end], t.wanted.Add(-tolerance)) {
			if err != nil {
				break
			}
			if !p.Corrupt && away(p.Time) <= tolerance && (best == nil || away(p.Time) < away(best.Time)) {
				best = p
			}
		}
	}
	return best
}

// firstLost returns the index of the first unit of g that is not whole or was forgotten, len(g) if all are there.
func firstLost(g frame.GOP) int {
	for i, u := range g {
		if u.Lost || u.Data == nil {
			return i
		}
	}
	return len(g)
}
