package keep

// Bounds are what a store keeps: so many files, and so many bytes of them. Zero is no bound.
type Bounds struct {
	Count int
	Bytes int64
}

// A Round goes once through all that is there. It removes what the round before has found to be over the bounds, and finds that for the next
// round. So nothing has to be remembered of single files.
type Round struct {
	Surplus Surplus   // is to be removed
	Kept    Histogram // of what was not
	Removed int       // files
}

// Next returns what is left for another round of the cycle to remove. What was found over the bounds is removed by one more round, or by a few
// if it is much. What is put meanwhile waits for the next cycle.
func (r *Round) Next(b Bounds) Surplus {
	if r.Surplus.Any && (r.Removed == 0 || !r.Surplus.more()) {
		return Surplus{}
	}
	return r.Kept.over(b)
}
