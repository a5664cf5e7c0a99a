package sched

import (
	"fmt"
	"time"

	"github.com/livestill/livestill/frame"
)

// errUnordered is that of a picture whose place in the order that it is shown in is not known yet. To know it, the Decoder would have to end.
var errUnordered = fmt.Errorf("%w: units that tell when it is shown are late", ErrForgotten)

// irreplaceable reports whether no other decoding can take the place of a warm one: it was given units that the History has forgotten. The mutex
// is held.
func (d *decoding) irreplaceable() bool { return d.warm && d.gop.Forgotten() > 0 }

// An irreplaceable decoding waits for this long: streams of a picture a second are reordered, too.
const irreplaceableTimeout = 2 * time.Second

// awaitTimeout returns for how long the decoding waits for a unit; the mutex is held.
func (d *decoding) awaitTimeout() time.Duration {
	if d.irreplaceable() {
		return irreplaceableTimeout
	}
	return reorderTimeout
}

// endDemands ends all Demands, so that the decoding need not end; the mutex is held.
func (d *decoding) endDemands() {
	for demand := range d.demands.all {
		d.demands.remove(demand)
		demand.meet(result{err: errUnordered})
	}
}

// A newest is the newest picture that a capture wanted of an irreplaceable decoding. It is kept for others: nobody could decode it again.
type newest struct {
	number  int            // of its unit
	picture *frame.Picture // nil for none
}

// keep keeps the picture of a unit, if nobody could decode it again; nil is none.
func (d *decoding) keep(number int, p *frame.Picture) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if p != nil && d.irreplaceable() {
		own := *p // captures write to theirs
		d.newest = newest{number, &own}
	}
}

// is reports whether the picture is what a Demand for the unit of a number wants.
func (n *newest) is(demand *Demand, number int) bool {
	return n.picture != nil && n.number == number && demand.Keep == nil
}

// meet meets the Demands that want the picture, and returns the others.
func (n *newest) meet(demands []*Demand) (others []*Demand) {
	if n.picture == nil {
		return demands
	}
	for _, demand := range demands {
		if !n.is(demand, demand.number) {
			others = append(others, demand)
			continue
		}
		own := *n.picture
		demand.at = -1
		demand.meet(result{Picture: &own})
	}
	return others
}
