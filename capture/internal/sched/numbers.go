package sched

import "github.com/livestill/livestill/frame"

// The number of a unit counts the units of its GOP from the key unit on, which is 0. It stays the same when a History forgets units before it:
// their indexes do not. It is also what a Follower calls the unit, as it was given all of them.

// numberOf returns the number of unit i of g.
func numberOf(g frame.GOP, i int) int {
	if forgotten := g.Forgotten(); forgotten > 0 && i > 1 {
		return i - 2 + forgotten // g[2] is the last of them
	}
	return i
}

// indexOf returns the index in g of the unit of a number; -1 if it is forgotten, or still to come.
func indexOf(g frame.GOP, number int) int {
	i := number
	if forgotten := g.Forgotten(); forgotten > 0 && number > 0 {
		if number <= forgotten {
			return -1
		}
		i = number + 2 - forgotten
	}
	if i >= len(g) {
		return -1
	}
	return i
}

// endOf returns the number of the unit that comes behind g.
func endOf(g frame.GOP) int { return numberOf(g, len(g)-1) + 1 }

// isForgotten reports whether the unit of a number was there, and is not any more.
func isForgotten(g frame.GOP, number int) bool { return number < endOf(g) && indexOf(g, number) < 0 }
