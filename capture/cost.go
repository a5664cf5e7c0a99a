package capture

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/livestill/livestill/frame"
)

// budget returns the Budget that captures of the Camera share with others.
func (c *Camera) budget() *frame.Budget {
	if c.Budget != nil {
		return c.Budget
	}
	return frame.DefaultBudget
}

// cost returns what the Decoder says of a GOP; zero if it says nothing.
func (c *Camera) cost(g frame.GOP) frame.Cost {
	d, ok := c.Decoder.(Coster)
	if !ok {
		return frame.Cost{}
	}
	id := idOf(g[0].PTS, g[0].Time)
	if known := c.known.Load(); known != nil && known.id == id {
		return known.cost
	}
	const most = 1 << 50 // more than any machine has, and no sum of some overflows
	cost := d.Cost(g[0])
	cost = frame.Cost{Picture: min(max(cost.Picture, 0), most), Decoding: min(max(cost.Decoding, 0), most)}
	c.known.Store(&knownCost{id, cost})
	return cost
}

// A knownCost is that of the GOP that was last asked for: many captures are of the same.
type knownCost struct {
	id   pictureID // of its key unit
	cost frame.Cost
}

// borrow waits for the memory of the pictures that the capture will hold: the decoded one, for a Best those beside it, and the enhanced
// one. Captures of the same picture share it.
func (w *capture) borrow(ctx context.Context) (err error) {
	c, t := w.camera, w.target
	if t.gop == nil {
		return nil // there may be no picture at all
	}
	pictures := int64(1)
	if w.still.Request.Moment.window > 0 {
		pictures += contenders
	}
	if c.Enhancer != nil {
		pictures++
	}
	id := unitID{idOf(t.gop[0].PTS, t.gop[0].Time), t.index}
	bytes := pictures * c.cost(t.gop).Picture
	w.giveBack, err = c.loans.borrow(ctx, loanID{id, pictures}, func(ctx context.Context) (func(), error) {
		return c.budget().Reserve(ctx, frame.ForPictures, bytes)
	})
	return err
}

// Loans are memory that several hold together. The zero value is ready.
type loans struct {
	mu  sync.Mutex
	all map[loanID]*loan
}

// A loanID names the picture that memory is for, and how many of its size there will be.
type loanID struct {
	unitID
	pictures int64
}

type loan struct {
	holders int           // those who wait are some already
	got     chan struct{} // closed when it is there, or err is
	err     error
	release func()
}

// borrow returns when there is memory for id, which reserve gets for the first who wants it; giveBack is to be called by each.
func (ls *loans) borrow(ctx context.Context, id loanID, reserve func(context.Context) (func(), error)) (giveBack func(), err error) {
	for {
		l, first := ls.find(id)
		if first {
			l.release, l.err = reserve(ctx)
			ls.mu.Lock()
			if l.err != nil {
				delete(ls.all, id)
			}
			close(l.got)
			ls.mu.Unlock()
			if l.err != nil {
				return nil, l.err
			}
		}
		giveBack = sync.OnceFunc(func() { ls.drop(id, l) })
		select {
		case <-l.got:
		case <-ctx.Done():
			giveBack()
			return nil, context.Cause(ctx)
		}
		switch {
		case l.err == nil:
			return giveBack, nil
		case errors.Is(l.err, ErrTooCostly):
			return nil, l.err
		}
		// The first gave up.
	}
}

// find returns the loan for id, and whether it was not there.
func (ls *loans) find(id loanID) (l *loan, first bool) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l = ls.all[id]; l == nil {
		if ls.all == nil {
			ls.all = make(map[loanID]*loan)
		}
		l, first = &loan{got: make(chan struct{})}, true
		ls.all[id] = l
	}
	l.holders++
	return l, first
}

// drop ends the holding of one; the last gives the memory back.
func (ls *loans) drop(id loanID, l *loan) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l.holders--; l.holders == 0 && ls.all[id] == l {
		delete(ls.all, id)
		l.release()
	}
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
