// Package publishers makes publishers whose clock is not the time, for tests, and says what a viewer of each saw.
//
// A viewer without delay has the picture on show that is the latest in the order of presentation, of all that have arrived. A picture that is
// decoded before others which are shown before it is on show when it arrives. Those others come too late for him: they have their places right
// before it, as far apart as they were made, or nearer if less time has passed since the picture before them. What he saw is known from arrival
// and from the order of presentation alone: timestamps do not count.
package publishers

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"time"
)

// A Publisher is a stream as it arrives.
type Publisher struct {
	About  string
	FPS    float64
	Units  []Unit        // in the order that they are decoded and arrive in
	Jitter time.Duration // of arrival, at most
	Depth  time.Duration // by how much later a picture is shown than one that is decoded after it, at most

	// Adaptive says that at times fewer pictures are reordered. Of those one
	// comes later than it would, by up to Depth.
	Adaptive bool

	// Steady says that timestamps pass as time does, and that nothing but
	// Jitter delays units.
	Steady bool

	// Honest says that each timestamp is when the picture was made: what
	// arrives later was delayed.
	Honest bool

	records []int // of Units: pictures that are shown later than all before them
}

// A Unit is one picture. Its times are from when the stream begins.
type Unit struct {
	Picture  int           // its number in the order of presentation
	Key      bool          // nothing decoded before it is shown after it
	PTS, DTS time.Duration // as it is stamped
	Made     time.Duration // when the camera saw it
	Arrival  time.Duration
}

// A plan says what is particular to a kind of publisher.
type plan struct {
	about  string
	steady bool
	honest bool

	// stamps returns how far timestamps are at a time, without steps; it never
	// goes back. Nil is that they are the time.
	stamps func(at time.Duration) time.Duration

	// step returns what steps of the timestamps add up to at a time; nil is
	// none.
	step func(at time.Duration) time.Duration

	// network returns when what is sent at a time arrives, which is at this time or later; nil is at once.
	network func(sent time.Duration) time.Duration

	plain bool // no picture is reordered
}

// All yields publishers of each kind, as many as asked for, that send for some time each.
func All(each int, length time.Duration) func(yield func(*Publisher) bool) {
	return func(yield func(*Publisher) bool) {
		for k := range kinds {
			for n := range each {
				r := rand.New(rand.NewPCG(uint64(k), uint64(n)))
				if !yield(made(r, kinds[k](r), length)) {
					return
				}
			}
		}
	}
}

var rates = []float64{1, 2, 5, 10, 12.5, 15, 20, 24, 25, 30000. / 1001, 30, 50, 60, 90, 120}

// made makes a publisher by a plan.
func made(r *rand.Rand, p plan, length time.Duration) *Publisher {
	s := &Publisher{FPS: rates[r.IntN(len(rates))], Steady: p.steady, Honest: p.honest}
	s.Jitter = []time.Duration{0, 0, time.Millisecond, 20 * time.Millisecond, 60 * time.Millisecond, 90 * time.Millisecond}[r.IntN(6)]
	depth := 0 // of the pictures that are decoded after the one that is shown after them
	if !p.plain && r.IntN(2) == 0 {
		depth = []int{1, 2, 3, 3, 7, 15}[r.IntN(6)]
	}
	s.Adaptive = depth > 0 && r.IntN(2) == 0
	s.About = fmt.Sprintf("%s, %.4g a second, %d reordered (fewer at times: %v), jitter of %v", p.about, s.FPS, depth, s.Adaptive, s.Jitter)
	at := func(n int) time.Duration { return time.Duration(float64(n) * float64(time.Second) / s.FPS) }
	s.Depth = at(depth)
	begin, next := 0, 0 // the numbers of the units that the group and the one after it begin with
	for n := 0; at(n) < length; n++ {
		u := Unit{Picture: n}
		if n == next {
			begin, next = n, n+depth+1
			if s.Adaptive {
				next -= r.IntN(depth + 1)
			}
			if n == 0 {
				next = 1
			}
		}
		u.Picture = n - 1
		if n == begin {
			u.Picture = next - 1
		}
		sent, group := at(n+depth), at(begin)
		u.Made = at(u.Picture)
		u.PTS = apply(p.stamps, u.Made+at(depth))
		u.DTS = apply(p.stamps, at(n))
		if p.step != nil {
			u.PTS, u.DTS = u.PTS+p.step(group), u.DTS+p.step(group)
		}
		u.Arrival = apply(p.network, sent)
		if s.Jitter > 0 {
			u.Arrival += time.Duration(r.Int64N(int64(s.Jitter)))
		}
		s.add(u)
	}
	return s
}

func apply(f func(time.Duration) time.Duration, at time.Duration) time.Duration {
	if f == nil {
		return at
	}
	return f(at)
}

// add adds a unit, which arrives after all before it.
func (p *Publisher) add(u Unit) {
	if n := len(p.Units); n > 0 {
		u.Arrival = max(u.Arrival, p.Units[n-1].Arrival+time.Microsecond)
	}
	if n := len(p.records); n == 0 || u.Picture > p.Units[p.records[n-1]].Picture {
		u.Key = true
		p.records = append(p.records, len(p.Units))
	}
	p.Units = append(p.Units, u)
}

// Saw returns the pictures that a viewer without delay saw about a time, from the first to the last: within so much, and 200 ms more where now and
// then a picture comes late, as fewer are reordered. ok is false before the stream.
func (p *Publisher) Saw(at, within time.Duration) (first, last int, ok bool) {
	if p.Adaptive {
		within += 200 * time.Millisecond
	}
	i := p.record(at - within)
	if i < 0 {
		return 0, 0, false
	}
	j := p.record(at + within)
	a := &p.Units[p.records[j]]
	last = a.Picture
	if j+1 < len(p.records) {
		b := &p.Units[p.records[j+1]]
		span := min(b.Arrival-a.Arrival, b.Made-a.Made)
		passed := max(0, at+within-b.Arrival+span) // less than span
		last += int(float64(passed) / float64(span) * float64(b.Picture-a.Picture))
	}
	return p.Units[p.records[i]].Picture, last, true
}

// record returns the last record that has arrived at a time; -1 if there is none.
func (p *Publisher) record(at time.Duration) int {
	return sort.Search(len(p.records), func(i int) bool { return p.Units[p.records[i]].Arrival > at }) - 1
}

// A Shown is a picture by when it was shown, as somebody has it.
type Shown struct {
	At      time.Duration
	Picture int
}

// Wrong looks at random instants, and says at which what was on show is none of what a viewer without delay saw within so much; empty if at none.
func (p *Publisher) Wrong(r *rand.Rand, all []Shown, within time.Duration) string {
	slices.SortStableFunc(all, func(a, b Shown) int { return cmp.Compare(a.At, b.At) })
	for range 200 {
		at := time.Duration(r.Int64N(int64(p.Units[len(p.Units)-1].Arrival)))
		from, to, ok := p.Saw(at, within)
		if !ok {
			continue // the stream begins
		}
		i, _ := slices.BinarySearchFunc(all, at+1, func(s Shown, at time.Duration) int { return cmp.Compare(s.At, at) })
		switch {
		case i == 0:
			return fmt.Sprintf("%s: at %v nothing was on show", p.About, at)
		case all[i-1].Picture < from || all[i-1].Picture > to:
			return fmt.Sprintf("%s: at %v picture %d was on show, to a viewer %d to %d", p.About, at, all[i-1].Picture, from, to)
		}
	}
	return ""
}
