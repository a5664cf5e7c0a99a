package capture

import (
	"image"
	"math"
	"slices"
	"time"

	"github.com/livestill/livestill/frame"
)

// Rank ranks pictures as a Best does whose window they are.
func Rank(window []*frame.Picture, wanted int, span time.Duration, metric Metric) []int {
	if metric == nil {
		metric = Quality
	}
	var all []candidate
	for _, p := range window {
		all = append(all, candidate{away: p.Time.Sub(window[wanted].Time).Abs(), known: !p.Corrupt, effectiveQP: p.EffectiveQP, picture: p})
	}
	return rank(all, wanted, span, metric)
}

// A Promising tells which pictures of a window are worth their pixels, as it becomes known how they are coded.
type Promising struct{ contest }

// PromisingOf returns a Promising of a window of so many pictures, a second apart.
func PromisingOf(n, wanted int, span time.Duration) *Promising {
	p := &Promising{contest{wanted: wanted, span: span}}
	for i := range n {
		p.pictures = append(p.pictures, candidate{away: time.Duration(max(i-wanted, wanted-i)) * time.Second})
	}
	return p
}

// Know takes in how a picture is coded.
func (p *Promising) Know(i int, known bool, effectiveQP float32) {
	p.pictures[i].known, p.pictures[i].effectiveQP = known, effectiveQP
	p.enter(i)
}

// Kept returns how many pictures are kept in mind.
func (p *Promising) Kept() int { return len(p.listed) }

// Chosen returns which pictures are worth their pixels.
func (p *Promising) Chosen() []int { return p.promising() }

// ChosenOfAll is what Chosen must return: it looks at all pictures.
func (p *Promising) ChosenOfAll() (chosen []int) {
	merits := make([]float64, len(p.pictures))
	for i := range p.pictures {
		merits[i] = math.Inf(-1)
		if c := &p.pictures[i]; i != p.wanted && c.known {
			merits[i] = -decibels(codingError(c.effectiveQP)) - distance(c.away, p.span)
		}
	}
	for len(chosen) < contenders {
		best := -1
		for i, merit := range merits {
			near := func(j int) bool { return max(i-j, j-i) <= 2 }
			if !math.IsInf(merit, -1) && (best < 0 || merit > merits[best]) && !slices.ContainsFunc(chosen, near) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		chosen = append(chosen, best)
	}
	if p.pictures[p.wanted].known {
		chosen = append([]int{p.wanted}, chosen...)
	}
	return chosen
}

// Layout returns which part of a picture of a size a Variant shows, how large it is, and where in it that part goes.
func (v *Variant) Layout(picture image.Point) (from image.Rectangle, size image.Point, to image.Rectangle, err error) {
	if err = v.check(); err != nil {
		return from, size, to, err
	}
	l, err := v.layout(picture)
	return l.from, l.size, l.to, err
}
