package enhance

import (
	"cmp"
	"slices"

	"github.com/livestill/livestill/frame"
)

// Neighbours names the pictures that are worth merging with that of a unit of gops[gop]: for each GOP the indexes of units, ascending.
// The picture itself is one of them. What comes after it counts only if it is there already: who waits for the next three pictures, or
// for the next key unit, gets a better one.
//
// Just before and after, the scene is the same, and much of the error as well: the further away in a GOP, the more of the error is new.
// Pictures of other GOPs share none of it, and the last of a GOP are the best, since encoders refine what stays. Key pictures are the
// worst of live encodes, but the first in their GOP that owe nothing to others.
func (f Fuse) Neighbours(gops []frame.GOP, gop, unit int) [][]int {
	const (
		near   = 3 // pictures just before, and after
		beyond = 4 // GOPs before
		stride = 8 // pictures that lie between others of a GOP
	)
	spread := 2 + 3*(int(f.Effort)+1) // pictures of the GOP before: its last, and others
	back := 1 + int(f.Effort)         // pictures of the same GOP before those just before
	wanted := make([][]int, len(gops))
	add := func(g, place int) {
		if g < 0 || g >= len(gops) {
			return
		}
		order := shown(gops[g])
		if place < 0 {
			place += len(order)
		}
		if place >= 0 && place < len(order) && gops[g][order[place]].Data != nil {
			wanted[g] = append(wanted[g], order[place])
		}
	}
	at, end := slices.Index(shown(gops[gop]), unit), len(gops[gop])
	for i := at - near; i <= at+near; i++ {
		switch {
		case i < 0:
			add(gop-1, i)
		case i < end:
			add(gop, i)
		default:
			add(gop+1, i-end)
		}
	}
	for i := 1; i <= back && at-i*stride > 0; i++ {
		add(gop, at-i*stride)
	}
	add(gop, 0)
	if gop+1 < len(gops) {
		add(gop, -1)
		add(gop+1, 0)
	}
	for i := range spread {
		add(gop-1, -1-i*stride)
	}
	add(gop-1, 0)
	for g := gop - 2; g >= gop-beyond; g-- {
		add(g, -1)
	}
	for g := range wanted {
		slices.Sort(wanted[g])
		wanted[g] = slices.Compact(wanted[g])
	}
	return wanted
}

// shown returns the indexes of the units of a GOP in presentation order.
func shown(g frame.GOP) []int {
	order := make([]int, len(g))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(g[a].PTS, g[b].PTS) })
	return order
}
