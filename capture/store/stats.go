package store

import "github.com/livestill/livestill/capture"

// statsOf returns the Stats of each store; those of a list in its place.
func statsOf(stores []capture.Store) []capture.StoreStats {
	all := make([]capture.StoreStats, 0, len(stores))
	for _, store := range stores {
		switch s := store.(type) {
		case interface{ Stats() []capture.StoreStats }:
			all = append(all, s.Stats()...)
		case interface{ Stats() capture.StoreStats }:
			all = append(all, s.Stats())
		default:
			all = append(all, capture.StoreStats{})
		}
	}
	return all
}
