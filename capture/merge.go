package capture

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/livestill/livestill/frame"
)

// A Merger is an Enhancer that makes a better picture of a picture and its neighbours in time, as enhance.Fuse does. Its Bursts hold
// what it asks for, as far as that is remembered, undamaged, not blank, and of the size of the picture.
//
// Neighbours names the units whose pictures are worth decoding for that of a unit of gops[gop]: for each GOP their indexes, ascending.
// The unit itself may be among them. It costs the decoding of a GOP up to the last of them; pictures between come nearly for free. The
// GOPs are in decoding order, with no gap between, up to 1,000 before the picture's and after it; what comes after the picture is there if
// the capture may wait for it: see Request.Lookahead. They are not to be written to.
type Merger interface {
	Enhancer
	Neighbours(gops []frame.GOP, gop, unit int) [][]int
}

// Alone is the reach of a capture whose picture has to do without neighbours.
const alone = time.Duration(-1)

// locate returns where a picture's unit is; no GOP if that is forgotten.
func (c *Camera) locate(id pictureID) (g frame.GOP, unit int) {
	for g := range c.History.Backward() {
		for unit := range g {
			if id.is(&g[unit]) {
				return g, unit
			}
		}
	}
	return nil, 0
}

// A Merger is given no more GOPs than these, before a picture and after it: ten seconds of 100 key pictures each.
const mostGOPs = 1000

// around returns the GOPs before and after a picture without a gap, and where in them its unit is; nil if that is forgotten.
func (c *Camera) around(id pictureID) (gops []frame.GOP, gop, unit int) {
	g, unit := c.locate(id)
	if g == nil {
		return nil, 0, 0
	}
	all, gop := c.History.Around(g, mostGOPs)
	if gop < 0 || !id.in(all[gop], unit) {
		return nil, 0, 0
	}
	from, to := gop, gop+1
	for from > 0 && c.History.Before(all[from]) != nil {
		from--
	}
	for to < len(all) && c.History.Before(all[to]) != nil {
		to++
	}
	return all[from:to], gop - from, unit
}

// await waits until all is there that is shown up to reach after a picture, or the next GOP has begun, or the stream has ended, or the
// clock says that it stalls.
func (c *Camera) await(ctx context.Context, id pictureID, reach time.Duration) error {
	if reach == 0 {
		return nil
	}
	stalled := time.NewTimer(max(reach, reach+patience))
	defer stalled.Stop()
	g, unit := c.locate(id)
	if g == nil {
		return nil
	}
	for {
		changed, ended := c.History.Changed(), c.serving()
		gops, i := c.History.Around(g, 1)
		if i < 0 || !id.in(gops[i], unit) || i < len(gops)-1 && c.History.Before(gops[i+1]) != nil || ended == nil {
			return nil
		}
		if g = gops[i]; g[len(g)-1].DTS-g[unit].PTS >= reach { // no unit is shown before it is decoded
			return nil
		}
		select {
		case <-changed:
		case <-ended:
		case <-stalled.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// take waits until this is the capture that may hold neighbours, until end is called.
func (c *Camera) take(ctx context.Context) (end func(), err error) {
	c.mu.Lock()
	if c.turn == nil {
		c.turn = make(chan struct{}, 1)
	}
	turn := c.turn
	c.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// gather has merge work on a picture with what m wants beside it, as far as that can be had and there is memory for it. Its own error is
// that of ctx.
func (c *Camera) gather(ctx context.Context, m Merger, p *frame.Picture, have album, merge func(*frame.Burst) error) error {
	end, err := c.take(ctx)
	if err != nil {
		return err
	}
	defer end()
	gops, gop, unit := c.around(idOf(p.PTS, p.Time))
	if gops == nil {
		return merge(&frame.Burst{Pictures: []*frame.Picture{p}})
	}
	wanted, n := trim(m.Neighbours(gops, gop, unit), gop, c.budget().Most(frame.ForNeighbours)/size(p))
	giveBack, err := c.budget().Reserve(ctx, frame.ForNeighbours, n*size(p))
	if err != nil {
		return err
	}
	defer giveBack()
	b, err := c.burst(ctx, p, gops, gop, wanted, have)
	if err != nil {
		return err
	}
	return merge(b)
}

// burst decodes the neighbours of a picture, which is of gops[gop]. Its error is that of ctx.
func (c *Camera) burst(ctx context.Context, p *frame.Picture, gops []frame.GOP, gop int, wanted [][]int, have album) (*frame.Burst, error) {
	id := idOf(p.PTS, p.Time)
	b := new(frame.Burst)
	for i, g := range gops {
		var shown []*frame.Picture
		if i < len(wanted) {
			var wants []*want
			for _, n := range c.decodable(g, wanted[i]) {
				switch q := idOf(g[n].PTS, g[n].Time); {
				case q == id:
				case have[q] != nil:
					shown = append(shown, have[q])
				default:
					wants = append(wants, newWant(n, anyhow))
				}
			}
			if len(wants) > 0 {
				if err := c.develop(ctx, g, wants...); err != nil {
					return nil, err
				}
			}
			for _, w := range wants {
				if q := w.picture(); q != nil {
					shown = append(shown, q)
				}
			}
			shown = slices.DeleteFunc(shown, func(q *frame.Picture) bool {
				return q.Rect != p.Rect || q.SubsampleRatio != p.SubsampleRatio || blank(q.YCbCr)
			})
		}
		if i == gop {
			shown = append(shown, p)
		}
		slices.SortStableFunc(shown, func(a, b *frame.Picture) int { return cmp.Compare(a.PTS, b.PTS) })
		b.Pictures = append(b.Pictures, shown...)
	}
	b.Target = slices.Index(b.Pictures, p)
	return b, nil
}

// passing returns wants of the neighbours of a picture that come out of the decoder before it.
func (c *Camera) passing(t target) (wants []*want) {
	m, ok := c.Enhancer.(Merger)
	if !ok || t.album == nil {
		return nil
	}
	u := t.unit()
	gops, gop, unit := c.around(idOf(u.PTS, u.Time))
	if gops == nil {
		return nil
	}
	wanted := m.Neighbours(gops, gop, unit)
	if gop >= len(wanted) {
		return nil
	}
	for _, n := range c.decodable(gops[gop], wanted[gop]) {
		if later(gops[gop], unit, n) {
			w := newWant(n, anyhow)
			w.passing = true
			wants = append(wants, w)
		}
	}
	return wants
}

// decodable returns those of the indexes of units of a GOP whose pictures can be had from the GOP alone: those that lead its key
// picture may refer to what came before.
func (c *Camera) decodable(g frame.GOP, units []int) (can []int) {
	if len(units) == 0 {
		return nil
	}
	end := c.trusted(g)
	for _, i := range units {
		if i >= 0 && i < end && g[i].PTS >= g[0].PTS {
			can = append(can, i)
		}
	}
	return can
}

// anyhow wants a picture whatever it is like.
func anyhow(frame.Latent) bool { return true }
