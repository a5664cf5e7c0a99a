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

// A Merger is an Enhancer that makes a better picture of a picture and its neighbours in time, as enhance.Fuse does. Its Bursts have
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
func (c *Camera) locate(id sched.ID) (g frame.GOP, unit int) {
	for g := range c.History.Backward() {
		for unit := range g {
			if id.Is(&g[unit]) {
				return g, unit
			}
		}
	}
	return nil, 0
}

// A Merger is given no more GOPs than these, before a picture and after it: ten seconds of 100 key pictures each.
const mostGOPs = 1000

// around returns the GOPs before and after a picture without a gap, and where in them its unit is; nil if that is forgotten.
func (c *Camera) around(id sched.ID) (gops []frame.GOP, gop, unit int) {
	g, unit := c.locate(id)
	if g == nil {
		return nil, 0, 0
	}
	all, gop := c.History.Around(g, mostGOPs)
	if gop < 0 || !id.In(all[gop], unit) {
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

// A stream that sends nothing for longer than this beyond what a capture waits for is taken to stall: more than any jitter of a live one.
const stallTimeout = 500 * time.Millisecond

// await waits until all is there that is shown up to reach after a picture, or the next GOP has begun, or the stream has ended, or the
// clock says that it stalls.
func (c *Camera) await(ctx context.Context, id sched.ID, reach time.Duration) error {
	if reach == 0 {
		return nil
	}
	stalled := time.NewTimer(max(reach, reach+stallTimeout))
	defer stalled.Stop()
	g, unit := c.locate(id)
	if g == nil {
		return nil
	}
	for {
		changed, ended := c.History.Changed(), c.scheduler().Live()
		gops, i := c.History.Around(g, 1)
		if i < 0 || !id.In(gops[i], unit) || i < len(gops)-1 && c.History.Before(gops[i+1]) != nil || ended == nil {
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

// gather has merge work on a picture with what m wants beside it, as far as that can be had and there is memory for it. Its own error is
// that of ctx.
func (c *Camera) gather(ctx context.Context, m Merger, p *frame.Picture, f *prefetch, merge func(*frame.Burst) error) error {
	if err := c.merging.Acquire(ctx); err != nil {
		return err
	}
	defer c.merging.Release()
	gops, gop, unit := c.around(sched.IDOf(p.PTS, p.Time))
	if gops == nil {
		return merge(&frame.Burst{Pictures: []*frame.Picture{p}})
	}
	budget := c.scheduler().Budget
	wanted, n := trim(m.Neighbours(gops, gop, unit), gop, budget.Most(frame.ForNeighbours)/size(p))
	giveBack, err := budget.Reserve(ctx, frame.ForNeighbours, n*size(p))
	if err != nil {
		return err
	}
	defer giveBack()
	b, err := c.burst(ctx, p, gops, gop, wanted, f)
	if err != nil {
		return err
	}
	return merge(b)
}

// size returns the bytes of a picture.
func size(p *frame.Picture) int64 { return int64(len(p.Y) + len(p.Cb) + len(p.Cr)) }

// trim keeps of the neighbours that are wanted no more than there is room for: those of the GOP of the picture first, and then of the
// GOPs nearest to it.
func trim(wanted [][]int, gop int, room int64) (kept [][]int, n int64) {
	kept = make([][]int, len(wanted))
	order := make([]int, len(wanted))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return abs(a-gop) - abs(b-gop) })
	for _, i := range order {
		take := min(room-n, int64(len(wanted[i])))
		kept[i] = wanted[i][int64(len(wanted[i]))-take:]
		n += take
	}
	return kept, n
}

func abs(n int) int { return max(n, -n) }

// burst decodes the neighbours of a picture, which is of gops[gop]. Its error is that of ctx.
func (c *Camera) burst(ctx context.Context, p *frame.Picture, gops []frame.GOP, gop int, wanted [][]int, f *prefetch) (*frame.Burst, error) {
	b := new(frame.Burst)
	for i, g := range gops {
		var shown []*frame.Picture
		if i < len(wanted) {
			var err error
			if shown, err = c.neighbours(ctx, p, g, wanted[i], f); err != nil {
				return nil, err
			}
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

// neighbours returns the pictures of units of a GOP that are good neighbours of p. Its error is that of ctx.
func (c *Camera) neighbours(ctx context.Context, p *frame.Picture, g frame.GOP, units []int, f *prefetch) (good []*frame.Picture, err error) {
	var demands []*sched.Demand
	for _, unit := range c.decodable(g, units) {
		id := sched.IDOf(g[unit].PTS, g[unit].Time)
		switch q := f.picture(id); {
		case id == sched.IDOf(p.PTS, p.Time):
		case q != nil:
			good = append(good, q)
		default:
			demands = append(demands, &sched.Demand{Unit: unit})
		}
	}
	if len(demands) > 0 {
		if err := c.scheduler().Decode(ctx, g, demands...); err != nil {
			return nil, err
		}
	}
	for _, demand := range demands {
		if q := demand.Picture(); q != nil {
			good = append(good, q)
		}
	}
	return slices.DeleteFunc(good, func(q *frame.Picture) bool {
		return q.Rect != p.Rect || q.SubsampleRatio != p.SubsampleRatio || measure.Blank(q.YCbCr)
	}), nil
}

// before returns the units of the GOP of what was found whose pictures are neighbours of its own that come out of the Decoder before it.
func (c *Camera) before(t found) (units []int) {
	m, ok := c.Enhancer.(Merger)
	if !ok {
		return nil
	}
	u := t.unit()
	gops, gop, unit := c.around(sched.IDOf(u.PTS, u.Time))
	if gops == nil {
		return nil
	}
	wanted := m.Neighbours(gops, gop, unit)
	if gop >= len(wanted) {
		return nil
	}
	g := gops[gop]
	return slices.DeleteFunc(c.decodable(g, wanted[gop]), func(n int) bool { return !sched.Later(g, unit, n) })
}

// decodable returns those of the indexes of units of a GOP whose pictures can be had from the GOP alone: those that lead its key
// picture may refer to what came before.
func (c *Camera) decodable(g frame.GOP, units []int) (can []int) {
	if len(units) == 0 {
		return nil
	}
	end := c.scheduler().Trusted(g)
	for _, i := range units {
		if i >= 0 && i < end && g[i].PTS >= g[0].PTS {
			can = append(can, i)
		}
	}
	return can
}
