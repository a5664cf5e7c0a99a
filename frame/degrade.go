package frame

const (
	// How many units stand for those that are forgotten.
	standing = 2

	// The first of them tells for how many: as its backlog, which is this and
	// their number. No backlog is as long, which is 24 days.
	standsFor = 1 << 31
)

// overflow has the only GOP of a History fit its bound with u, the next unit: it forgets the older units behind the key unit. What is left is a
// quarter of the room for them, so that this takes little time for each unit. It is u at least, as far as that fits.
func (h *History) overflow(u *AccessUnit) {
	room := h.bound() - bareWeight(&h.gops[0].GOP[0])
	most := room / 4
	if weight := tailWeight(u); weight <= room {
		most = max(most, weight)
	}
	h.degrade(h.gops[0].GOP, u, most)
}

// halve forgets the older half of the units of the only GOP behind the key unit. It is false if there are none.
func (h *History) halve() bool {
	g := h.gops[0].GOP
	n := len(g) - tailOf(g)
	if n == 0 {
		return false
	}
	most := 0
	for i := range g[len(g)-n:] {
		most += tailWeight(&g[len(g)-n+i])
	}
	h.degrade(g[:len(g)-1], &g[len(g)-1], most/2)
	return true
}

// degrade makes the only GOP of the key unit of g and of the newest of its units, of which u comes after those of g, as far as these weigh no
// more than most together. Those between are forgotten.
func (h *History) degrade(g GOP, u *AccessUnit, most int) {
	at := func(i int) *AccessUnit {
		if i == len(g) {
			return u
		}
		return &g[i]
	}
	begin, end := tailOf(g), len(g)+1
	from := end
	for from > begin && tailWeight(at(from-1)) <= most {
		from--
		most -= tailWeight(at(from))
	}
	kept := append(make(GOP, 0, 1+standing+2*(end-from)), g[0])
	if from > 1 {
		first, last := *at(1), *at(begin - 1)
		for i := begin; i < from; i++ {
			last = *at(i)
			if last.Time.Before(first.Time) {
				first = last // B-frames are shown before what was decoded before them
			}
		}
		first.Data, last.Data = nil, nil
		first.backlog, last.backlog = standsFor+uint32(g.Forgotten()+from-begin), 0
		kept = append(kept, first, last)
	}
	weight := gopWeight + weightOf(cap(kept)) + allocated(cap(g[0].Data))
	for i := from; i < end; i++ {
		kept = append(kept, *at(i))
		weight += allocated(cap(at(i).Data))
	}
	h.gops[0].GOP, h.gops[0].weight = kept, weight // anew, since readers may have the old units
	h.weight = weight
}

// tailOf returns the index of the first unit of a GOP, behind the key unit, that is not forgotten.
func tailOf(g GOP) int {
	if g.Forgotten() > 0 {
		return 1 + standing
	}
	return 1
}

// bareWeight returns what a GOP weighs of which all but the key unit is forgotten.
func bareWeight(key *AccessUnit) int {
	return gopWeight + weightOf(1+standing) + allocated(cap(key.Data))
}

// tailWeight returns what a unit weighs at most that is kept as others are forgotten, with room for another.
func tailWeight(u *AccessUnit) int { return 3*unitSize + allocated(cap(u.Data)) }
