package sched

import "slices"

// demands are those of a decoding that are not met yet. To add or to remove one takes the same however many there are: a hundred captures
// may want two thousand pictures each.
type demands struct {
	of       map[int][]*Demand // by the numbers of their units
	required int               // how many are not Optional
	highest  int               // the highest number, if there is any
}

func (ds *demands) add(all []*Demand) {
	if ds.of == nil {
		ds.of = make(map[int][]*Demand)
	}
	for _, d := range all {
		if len(ds.of) == 0 || d.number > ds.highest {
			ds.highest = d.number
		}
		d.at = len(ds.of[d.number])
		ds.of[d.number] = append(ds.of[d.number], d)
		if !d.Optional {
			ds.required++
		}
	}
}

// remove removes a Demand, unless that has been done.
func (ds *demands) remove(d *Demand) {
	if d.at < 0 {
		return
	}
	same := ds.of[d.number]
	last := len(same) - 1
	same[d.at], same[last].at = same[last], d.at
	same[last], d.at = nil, -1
	if !d.Optional {
		ds.required--
	}
	if last > 0 {
		ds.of[d.number] = same[:last]
		return
	}
	delete(ds.of, d.number)
	if d.number == ds.highest {
		ds.highest = -1
		for number := range ds.of {
			ds.highest = max(ds.highest, number)
		}
	}
}

// take removes and returns all Demands for the unit of a number.
func (ds *demands) take(number int) (taken []*Demand) {
	for len(ds.of[number]) > 0 {
		d := ds.of[number][0]
		ds.remove(d)
		taken = append(taken, d)
	}
	return taken
}

// all ranges over all Demands, each of which may be removed then.
func (ds *demands) all(yield func(*Demand) bool) {
	for _, same := range ds.of {
		for _, d := range slices.Backward(same) {
			if !yield(d) {
				return
			}
		}
	}
}
