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
	apart := []int{3, 8, 24} // pictures of the same GOP, and of the one before from its last on
	beyond := 1 + 3*max(0, int(f.Effort)+1)/2
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
	at := slices.Index(shown(gops[gop]), unit)
	add(gop, at)
	add(gop, 0)
	for _, d := range apart {
		if at >= d {
			add(gop, at-d)
		} else if d == 3 {
			add(gop-1, at-d)
		}
		if d < 24 {
			if at+d < len(gops[gop]) {
				add(gop, at+d)
			} else {
				add(gop+1, at+d-len(gops[gop]))
			}
		}
	}
	if gop+1 < len(gops) {
		add(gop, -1)
		add(gop+1, 0)
	}
	add(gop-1, -1)
	add(gop-1, -1-8)
	add(gop-1, -1-24)
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
