package enhance

import (
	"cmp"
	"slices"

	"github.com/livestill/livestill/frame"
)

// Neighbours names the pictures that are worth merging with that of a unit of gops[gop]: for each GOP the indexes of units, ascending.
// The picture itself is one of them. Pictures after it are named only if their units are there already: who waits for the next pictures, or
// for the next key unit, gets a better one.
//
// Pictures just before and after show the same scene, but also the same errors, since encoders copy blocks along with their errors. Further
// away in a GOP, more of the errors are new. Pictures of other GOPs have errors of their own, so those of the GOP before are worth the most.
// The last of a GOP are the best, since encoders refine what stays. Key pictures copy nothing. GOPs further back are decoded as long as that
// costs little.
func (f Fuse) Neighbours(gops []frame.GOP, gop, unit int) [][]int {
	// Chosen by trial, for the PSNR of what is merged, and for the time it takes: each neighbour costs a seventh of a fusion or so.
	const (
		// Pictures apart. At 30 a second near is a tenth of a second, which a capture may well wait for. Half of the errors are new after
		// mid, nearly all after far: see halfAlike.
		near, mid, far = 3, 8, 24

		most   = 1100 << 10 // bytes to decode at Medium effort: measured, of 720p a tenth of a second's work
		beyond = 3          // GOPs back
	)
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
	for _, d := range []int{-far, -mid, 0, near, mid} {
		switch i := at + d; {
		case i >= len(gops[gop]):
			add(gop+1, i-len(gops[gop]))
		case i >= 0:
			add(gop, i)
		}
	}
	if gop == 0 { // others are better
		add(gop, max(0, at-near))
	}
	add(gop, 0)
	if gop+1 < len(gops) {
		add(gop, -1)
		add(gop+1, 0)
	}
	spent := gops[gop][:unit+1].Size()
	for g := gop - 1; g >= max(0, gop-beyond); g-- {
		if spent += gops[g].Size(); g < gop-1 && (f.Effort < Medium || f.Effort == Medium && spent > most) {
			break
		}
		add(g, -1)
		if g == gop-1 && f.Effort >= Medium {
			add(g, -1-mid)
			add(g, -1-2*mid)
			add(g, -1-far)
		}
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
