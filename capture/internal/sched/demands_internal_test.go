package sched

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestDemands has captures come, leave and be given pictures at random, and compares what is left with a plain list.
func TestDemands(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 4))
		var ds demands
		var list []*Demand
		var parties [][]*Demand
		drop := func(such func(*Demand) bool) (dropped []*Demand) {
			list = slices.DeleteFunc(list, func(d *Demand) bool {
				if such(d) {
					dropped = append(dropped, d)
				}
				return such(d)
			})
			return dropped
		}
		for range 300 {
			switch r.IntN(3) {
			case 0:
				var party []*Demand
				for range r.IntN(5) {
					party = append(party, &Demand{number: r.IntN(10), Optional: r.IntN(3) == 0})
				}
				ds.add(party)
				list, parties = append(list, party...), append(parties, party)
			case 1:
				if len(parties) == 0 {
					continue
				}
				at := r.IntN(len(parties))
				for _, mine := range parties[at] {
					ds.remove(mine)
					ds.remove(mine) // again, which is nothing
					drop(func(d *Demand) bool { return d == mine })
				}
				parties = slices.Delete(parties, at, at+1)
			default:
				unit := r.IntN(10)
				got, want := ds.take(unit), drop(func(d *Demand) bool { return d.number == unit })
				if len(got) != len(want) || slices.ContainsFunc(got, func(d *Demand) bool { return !slices.Contains(want, d) }) {
					t.Fatalf("seed %d: of unit %d %v are removed, want %v", seed, unit, got, want)
				}
			}
			required, highest := 0, -1
			for _, d := range list {
				highest = max(highest, d.number)
				if !d.Optional {
					required++
				}
				if !slices.Contains(ds.of[d.number], d) {
					t.Fatalf("seed %d: a Demand of unit %d is lost", seed, d.number)
				}
			}
			if len(list) > 0 && ds.highest != highest || ds.required != required {
				t.Fatalf("seed %d: up to unit %d, %d required; want %d, %d", seed, ds.highest, ds.required, highest, required)
			}
		}
		n := 0
		for d := range ds.all {
			if n++; r.IntN(2) == 0 {
				ds.remove(d)
				drop(func(other *Demand) bool { return other == d })
			}
		}
		left := len(list)
		for d := range ds.all {
			ds.remove(d)
			left--
		}
		if left != 0 || len(ds.of) > 0 || ds.required != 0 {
			t.Errorf("seed %d: of %d Demands, %d are left", seed, n, left)
		}
	}
}
