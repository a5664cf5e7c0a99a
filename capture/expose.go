package capture

import (
	"context"
	"errors"
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/measure"
)

// expose decodes what s asks for, which was found at t: the best of a window, or the one picture. It writes into s what that is. Neighbours
// that come before it go to f.
func (c *Camera) expose(ctx context.Context, s *Still, t found, f *prefetch) (p *frame.Picture, err error) {
	c.scheduler().Captured()
	if m := s.Request.Moment; m.window > 0 && t.remembered() {
		if s.Ranked, s.Literal, err = c.best(ctx, t, m, f.pinned()); err != nil {
			return nil, err
		}
	}
	if len(s.Ranked) > 0 {
		p = s.Ranked[0].Picture
	} else if p, s.Instead, err = c.exactOrStandIn(ctx, s, &t, f); err != nil {
		return nil, err
	}
	s.Time, s.PTS, s.Key, s.QP, s.Frozen, s.Blank, s.Signal = p.Time, p.PTS, p.Key, p.QP, p.Frozen, measure.Blank(p.YCbCr), p.Signal
	if p.Changes&frame.SecondField != 0 {
		half := t.half()
		s.Time, s.PTS = s.Time.Add(half), s.PTS+half
	}
	s.Off = c.off(t, s.Time)
	return p, nil
}

// exactOrStandIn decodes the picture of t. When it is damaged, forgotten or blank, the nearest good picture within tolerance stands in for it,
// and instead says why; without one, err does, but that a blank picture is delivered as it is. It writes into s what is wanted, and into t, if that
// has changed.
func (c *Camera) exactOrStandIn(ctx context.Context, s *Still, t *found, f *prefetch) (p *frame.Picture, instead, err error) {
	instead = ErrForgotten
	tolerance := s.Request.tolerance()
	if t.remembered() {
		p, instead = c.exact(ctx, s, t, f)
		if instead == nil && tolerance > 0 && measure.Blank(p.YCbCr) {
			instead = ErrBlank
		}
		if instead == nil {
			return p, nil, nil
		}
		if sched.Fault(instead) {
			return nil, nil, instead
		}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, nil, err
	}
	if errors.Is(instead, ErrForgotten) && t.gop != nil && t.gop.Forgotten() > 0 {
		c.askForKey() // for those to come
	}
	near, err := c.standIns.Do(ctx, &c.running, standInID{sched.IDOf(0, t.wanted), tolerance}, func(ctx context.Context) (*frame.Picture, error) {
		return c.standIn(ctx, *t, tolerance)
	})
	switch {
	case err != nil:
		return nil, nil, err
	case near != nil:
		return near, instead, nil
	case p != nil:
		return p, nil, nil
	}
	return nil, nil, instead
}

// exact decodes the picture of t. If the decoder that is kept warm has come past it meanwhile, and it cannot be decoded any more, the newest one is
// what has come since.
func (c *Camera) exact(ctx context.Context, s *Still, t *found, f *prefetch) (p *frame.Picture, err error) {
	const tries = 4 // a unit comes between two of them: this takes no time
	for range tries {
		if p, err = c.scheduler().Picture(ctx, t.with(f)); !errors.Is(err, ErrForgotten) || s.Request.Moment.kind != newest {
			return p, err
		}
		now := time.Now()
		later, none := s.Request.Moment.find(&c.History, now, now, time.Time{})
		if none != nil || !later.remembered() || sched.Same(later.gop, t.gop) && later.unit().Time.Equal(t.unit().Time) {
			return nil, err
		}
		*t, f = later, nil // which knows units by indexes in the old GOP
		s.Wanted = t.wanted
	}
	return nil, err
}

// off returns by how many pictures one that was shown at a time comes after the one that was wanted; negative if before.
func (c *Camera) off(t found, shown time.Time) (n int) {
	from, to, sign := t.wanted, shown, 1
	if to.Before(from) {
		from, to, sign = to, from, -1
	}
	if to.Equal(from) {
		return 0
	}
	between := func(u *frame.AccessUnit) bool { return u.Time.After(from) && !u.Time.After(to) }
	for g := range c.History.Backward() {
		for i := range g {
			if between(&g[i]) {
				n += sign
			}
		}
		if forgotten := g.Forgotten(); forgotten > 0 && between(&g[1]) && between(&g[2]) {
			n += sign * (forgotten - 2)
		}
	}
	return n
}
