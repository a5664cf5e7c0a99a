package capture

import (
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
