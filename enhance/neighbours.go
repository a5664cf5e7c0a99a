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
	n := neighbours{gops, make([][]int, len(gops))}
	n.beside(gop, unit)
	n.back(gop, unit, f.Effort)
	for g := range n.wanted {
		slices.Sort(n.wanted[g])
		n.wanted[g] = slices.Compact(n.wanted[g])
	}
	return n.wanted
}

// Chosen by trial, for the PSNR of what is merged, and for the time it takes: each neighbour costs a seventh of a fusion or so.
const (
	// Pictures apart. At 30 a second near is a tenth of a second, which a capture may well wait for. Half of the errors are new after
	// mid, nearly all after far: see halfAlike.
	near, mid, far = 3, 8, 24

	mostDecoded = 1100 << 10 // bytes at Medium effort: measured, of 720p a tenth of a second's work
	mostBack    = 3          // GOPs before that of the picture
)

// neighbours are what Neighbours has chosen so far.
type neighbours struct {
	gops   []frame.GOP
	wanted [][]int // of each GOP
}

// add chooses the picture at a position of a GOP in presentation order, counted from its end if it is negative; nothing if there is none.
func (n *neighbours) add(gop, position int) {
	if gop < 0 || gop >= len(n.gops) {
		return
	}
	order := shown(n.gops[gop])
	if position < 0 {
		position += len(order)
	}
	if position >= 0 && position < len(order) && n.gops[gop][order[position]].Data != nil {
		n.wanted[gop] = append(n.wanted[gop], order[position])
	}
}

// beside chooses pictures of the same GOP, and of the next as far as that is there.
func (n *neighbours) beside(gop, unit int) {
	at, length := slices.Index(shown(n.gops[gop]), unit), len(n.gops[gop])
	for _, d := range []int{-far, -mid, 0, near, mid} {
		if i := at + d; i >= length {
			n.add(gop+1, i-length)
		} else if i >= 0 {
			n.add(gop, i)
		}
	}
	if gop == 0 { // others are better
		n.add(gop, max(0, at-near))
	}
	n.add(gop, 0)
	if gop+1 < len(n.gops) {
		n.add(gop, -1)
		n.add(gop+1, 0)
	}
}

// back chooses pictures of the GOPs before.
func (n *neighbours) back(gop, unit int, effort Effort) {
	spent := n.gops[gop][:unit+1].Size()
	for g := gop - 1; g >= max(0, gop-mostBack); g-- {
		spent += n.gops[g].Size()
		if g < gop-1 && (effort < Medium || effort == Medium && spent > mostDecoded) {
			return
		}
		n.add(g, -1)
		if g == gop-1 && effort >= Medium {
			n.add(g, -1-mid)
			n.add(g, -1-2*mid)
			n.add(g, -1-far)
		}
	}
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
