package capture

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A contest finds the pictures of a window that are worth their pixels, while it becomes known how they are coded.
type contest struct {
	pictures []candidate // in presentation order
	wanted   int         // index of the literal one
	span     time.Duration
	listed   []entry // those that promise most, the best first
}

// An entry is a picture of a contest.
type entry struct {
	index int
	merit float64 // by how well it is coded, and how far it is away
}

// So many entries decide who the contenders are: the last of them is at worst behind all others, and behind those that are like these.
const mostListed = 1 + (contenders-1)*(1+2*alike)

// enter takes in a picture, once it is known how it is coded.
func (c *contest) enter(i int) {
	p := &c.pictures[i]
	if i == c.wanted || !p.known {
		return
	}
	e := entry{i, -decibels(codingError(p.effectiveQP)) - distance(p.away, c.span)}
	if math.IsInf(e.merit, -1) {
		return
	}
	at, _ := slices.BinarySearchFunc(c.listed, e, func(a, b entry) int {
		return cmp.Or(cmp.Compare(b.merit, a.merit), cmp.Compare(a.index, b.index))
	})
	c.listed = slices.Insert(c.listed, at, e)
	c.listed = c.listed[:min(len(c.listed), mostListed)]
}

// promising returns which of the pictures so far are worth their pixels: the wanted one if it is whole, and the best coded ones, the best
// first, that could make up for their distance. Of neighbours, who are coded alike, it takes one.
func (c *contest) promising() (chosen []int) {
	for _, e := range c.listed {
		near := func(i int) bool { return max(i-e.index, e.index-i) <= alike }
		if len(chosen) < contenders && !slices.ContainsFunc(chosen, near) {
			chosen = append(chosen, e.index)
		}
	}
	if c.pictures[c.wanted].known {
		chosen = append([]int{c.wanted}, chosen...)
	}
	return chosen
}
