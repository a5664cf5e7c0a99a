package capture

import (
	"cmp"
	"context"
	"errors"
	"image"
	"slices"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// expose decodes what s asks for, which was found at t, and writes into s what it is.
func (c *Camera) expose(ctx context.Context, s *Still, t target) (p *frame.Picture, err error) {
	c.lines.ask()
	if m := s.Request.Moment; m.window > 0 && t.remembered() {
		if s.Ranked, s.Literal, err = c.best(ctx, t, m); err != nil {
			return nil, err
		}
	}
	if len(s.Ranked) > 0 {
		p = s.Ranked[0].Picture
	} else if p, s.Instead, err = c.decode(ctx, t, s.Request.tolerance()); err != nil {
		return nil, err
	}
	s.Time, s.PTS, s.Key, s.QP, s.Frozen, s.Blank = p.Time, p.PTS, p.Key, p.QP, p.Frozen, blank(p.YCbCr)
	s.Off = c.off(t, p.Time)
	return p, nil
}

// decode decodes the picture of t. When it is damaged, forgotten or blank, the nearest good picture within tolerance stands in for it,
// and instead says why; without one, err does, but that a blank picture is delivered as it is.
func (c *Camera) decode(ctx context.Context, t target, tolerance time.Duration) (p *frame.Picture, instead, err error) {
	instead = ErrForgotten
	if t.remembered() {
		p, instead = c.exact(ctx, t)
		if instead == nil && tolerance > 0 && blank(p.YCbCr) {
			instead = ErrBlank
		}
		if instead == nil {
			return p, nil, nil
		}
		if fault(instead) {
			return nil, nil, instead
		}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, nil, err
	}
	near, err := c.neighbours.do(ctx, nearID{idOf(0, t.wanted), tolerance}, func(ctx context.Context) (developed, error) {
		p, err := c.nearest(ctx, t, tolerance)
		return developed{Picture: p}, err
	})
	switch {
	case err != nil:
		return nil, nil, err
	case near.Picture != nil:
		return near.Picture, instead, nil
	case p != nil:
		return p, nil, nil
	}
	return nil, nil, instead
}

// blank reports whether a picture is of one colour, as encoders send while they wait for the camera, and decoders make of nothing.
func blank(img *image.YCbCr) bool {
	const step, spread = 4, 6 // what compression leaves of one value
	flat := func(plane []byte, stride, w, h int) bool {
		low, high := byte(255), byte(0)
		for y := 0; y < h; y += step {
			for _, v := range plane[y*stride : y*stride+w] {
				low, high = min(low, v), max(high, v)
			}
			if int(high)-int(low) > spread {
				return false
			}
		}
		return true
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	end := img.COffset(img.Rect.Max.X-1, img.Rect.Max.Y-1) + 1
	cw := img.COffset(img.Rect.Max.X-1, img.Rect.Min.Y) + 1
	ch := (end-cw)/img.CStride + 1
	return flat(img.Y, img.YStride, w, h) && flat(img.Cb, img.CStride, cw, ch) && flat(img.Cr, img.CStride, cw, ch)
}

// off returns by how many pictures one that was shown at a time comes after the one that was wanted; negative if before.
func (c *Camera) off(t target, shown time.Time) (n int) {
	from, to, sign := t.wanted, shown, 1
	if to.Before(from) {
		from, to, sign = to, from, -1
	}
	if to.Equal(from) {
		return 0
	}
	for g := range c.History.Backward() {
		for i := range g {
			if g[i].Time.After(from) && !g[i].Time.After(to) {
				n += sign
			}
		}
	}
	return n
}

// A pictureID tells the pictures of a Camera apart.
type pictureID struct {
	pts  time.Duration
	time int64
}

func idOf(pts time.Duration, t time.Time) pictureID { return pictureID{pts, t.UnixNano()} }

// is reports whether the picture is that of u.
func (id pictureID) is(u *frame.AccessUnit) bool {
	return u.PTS == id.pts && u.Time.UnixNano() == id.time
}

// in reports whether the picture is that of a unit of g.
func (id pictureID) in(g frame.GOP, unit int) bool { return unit < len(g) && id.is(&g[unit]) }

// A nearID tells what is wanted of a picture that stands in for another.
type nearID struct {
	wanted    pictureID
	tolerance time.Duration
}

// A unitID tells the units of a Camera apart, by the GOP that decoding begins with and their place behind its beginning.
type unitID struct {
	gop   pictureID
	index int
}

// Encoders hide a picture or two in a row; this many are no stream to look further back in.
const mostHidden = 16

// exact decodes the very picture of t, which is the one before if t has none of its own. Its error is as in developed, or that of ctx.
func (c *Camera) exact(ctx context.Context, t target) (*frame.Picture, error) {
	for range mostHidden {
		p, err := c.whole(ctx, t)
		if !errors.Is(err, errHidden) {
			return p, err
		}
		last := t.index
		for i, u := range t.gop {
			if later(t.gop, last, i) && (t.index == last || later(t.gop, i, t.index)) && u.Data != nil {
				t.index, t.key = i, u.Key
			}
		}
		if t.index == last {
			break
		}
	}
	return nil, errNone
}

// whole decodes the picture of t from the key unit of its GOP on; if that is not enough, since it refers to what came before, from the
// one before that.
func (c *Camera) whole(ctx context.Context, t target) (p *frame.Picture, err error) {
	if c.trusted(t.gop) <= t.index {
		return nil, errLost
	}
	key := &t.gop[0]
	leads := t.unit().PTS < key.PTS // and may refer to what came before
	if !leads {
		p, err = c.unit(ctx, t)
		if err == nil || !errors.Is(err, ErrCorrupt) || errors.Is(err, errHidden) || errors.Is(err, errLost) || bitstream.Closed(key.Codec, key.Data) {
			return p, err
		}
	}
	if before := c.History.Before(t.gop); before != nil {
		joined := t
		joined.gop = slices.Concat(before, t.gop[:t.index+1])
		joined.gop[len(before)].Key = false // so that damage before it reaches what is asked for
		joined.index += len(before)
		joined.album = nil // its places are not those of the GOP
		if p, err = c.unit(ctx, joined); err == nil || !leads {
			return p, err
		}
	}
	if leads {
		return c.unit(ctx, t)
	}
	return p, err
}

// unit decodes the picture of t, if that can be decoded from the beginning of its GOP on.
func (c *Camera) unit(ctx context.Context, t target) (*frame.Picture, error) {
	if c.trusted(t.gop) <= t.index {
		return nil, errLost
	}
	id := unitID{idOf(t.gop[0].PTS, t.gop[0].Time), t.index}
	d, err := c.pictures.do(ctx, id, func(ctx context.Context) (developed, error) {
		w := newWant(t.index, anyhow)
		passing := c.passing(t)
		err := c.develop(ctx, t.gop, append(passing, w)...)
		for _, n := range passing {
			if p := n.picture(); p != nil {
				t.album[idOf(p.PTS, p.Time)] = p
			}
		}
		switch {
		case err != nil:
			return developed{}, err
		case fault(w.made.err):
			return developed{}, w.made.err // which is not kept
		case w.made.Picture != nil:
			w.made.Key = t.key
		}
		return w.made, nil
	})
	if err != nil {
		return nil, err
	}
	return d.Picture, d.err
}

// The most GOPs that are looked into for a picture that stands in for another: all of a second to either side if each picture is a GOP of
// its own, at 30 a second.
const mostNear = 60

// nearest returns the good picture that was shown nearest to the instant wanted, and within tolerance of it; nil if there is none. What
// follows damage in a GOP is damaged, so that pictures after it come from the next GOP. Its error is a fault, or that of ctx.
func (c *Camera) nearest(ctx context.Context, t target, tolerance time.Duration) (*frame.Picture, error) {
	away := func(u *frame.AccessUnit) time.Duration { return u.Time.Sub(t.wanted).Abs() }
	var window []candidate
	for _, g := range c.some(func(u *frame.AccessUnit) bool { return away(u) <= tolerance }) {
		for i := range c.trusted(g) {
			if d := away(&g[i]); d <= tolerance {
				window = append(window, candidate{target: target{gop: g, index: i}, away: d})
			}
			if len(window) == 2*mostCandidates {
				window = nearby(window)
			}
		}
	}
	gops := byGOP(nearby(window))
	least := func(cs []candidate) time.Duration {
		return slices.MinFunc(cs, func(a, b candidate) int { return cmp.Compare(a.away, b.away) }).away
	}
	slices.SortStableFunc(gops, func(a, b []candidate) int { return cmp.Compare(least(a), least(b)) })
	var best *frame.Picture
	closest := tolerance + 1 // how far best is away
	for _, candidates := range gops[:min(len(gops), mostNear)] {
		if least(candidates) >= closest {
			break
		}
		var wants []*want
		for _, candidate := range candidates {
			wants = append(wants, newWant(candidate.target.index, func(l frame.Latent) bool {
				if !l.Corrupt && !l.Hidden && candidate.away < closest {
					if p := develop(l).Picture; p != nil && !blank(p.YCbCr) {
						best, closest = p, candidate.away // and the one before is nobody's any more
					}
				}
				return false
			}))
		}
		if err := c.develop(ctx, candidates[0].target.gop, wants...); err != nil {
			return nil, err
		}
		for _, w := range wants {
			if fault(w.made.err) {
				return nil, w.made.err
			}
		}
	}
	return best, nil
}

// byGOP parts candidates, which are in decoding order, by their GOPs.
func byGOP(all []candidate) (gops [][]candidate) {
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && same(all[to].target.gop, all[from].target.gop) {
			to++
		}
		gops = append(gops, all[from:to])
		from = to
	}
	return gops
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

// firstLost returns the index of the first unit of g that is not whole or was forgotten, len(g) if all are there.
func firstLost(g frame.GOP) int {
	for i := range g {
		if g[i].Lost || g[i].Data == nil {
			return i
		}
	}
	return len(g)
}
