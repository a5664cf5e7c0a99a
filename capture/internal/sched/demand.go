package sched

import (
	"context"
	"slices"
	"time"

	"github.com/livestill/livestill/capture/internal/shared"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/pixels"
)

// A Demand is what a capture wants of a GOP: the picture of a unit.
type Demand struct {
	Unit     int                     // index in the GOP
	Second   bool                    // as in Wanted
	Optional bool                    // nobody waits for it: it is made if it comes before what somebody waits for
	Keep     func(frame.Latent) bool // is asked whether to make the picture; nil makes it whatever it is like
	Pin      *Pin                    // of the decoding that meets it; nil for none

	number int           // of the unit
	pts    time.Duration // of the unit
	at     int           // index among those for its unit that a decoding has; negative if it has it no more
	spent  time.Duration // what the decoding had spent when this came
	made   result        // once it is met; neither picture nor error if it was not to be kept
	met    chan struct{} // closed then; made by Decode
}

// A result is a picture, or why there is none: an ErrCorrupt or a Fault.
type result struct {
	*frame.Picture
	err error
}

// Picture returns what was made of a Demand by the time that Decode has returned; nil if nothing was.
func (d *Demand) Picture() *frame.Picture {
	select {
	case <-d.met:
		return d.made.Picture
	default:
		return nil
	}
}

// Fault returns the error of a Demand, if that is a Fault.
func (d *Demand) Fault() error {
	select {
	case <-d.met:
		if Fault(d.made.err) {
			return d.made.err
		}
	default:
	}
	return nil
}

// meet ends a Demand.
func (d *Demand) meet(made result) {
	d.made = made
	close(d.met)
}

// wants reports whether the picture is to be made of l.
func (d *Demand) wants(l frame.Latent) bool { return d.Keep == nil || d.Keep(l) }

// Decode has pictures of a GOP made, as far as they can be, and waits for all but the Optional ones. Its own error is that of ctx: those who
// wait for the same pictures are nothing to each other.
func (s *Scheduler) Decode(ctx context.Context, g frame.GOP, demands ...*Demand) error {
	for _, demand := range demands {
		demand.met = make(chan struct{})
	}
	d := s.join(ctx, g, demands)
	if d == nil {
		return nil
	}
	defer s.leave(d, demands)
	for _, demand := range demands {
		if demand.Optional {
			continue
		}
		select {
		case <-demand.met:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// join gives Demands to a decoding, which begins if there is none that can meet them. It is nil if they are met already: the GOP is fruitless, or
// forgotten.
func (s *Scheduler) join(ctx context.Context, g frame.GOP, demands []*Demand) *decoding {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, demand := range demands {
		demand.number, demand.pts = numberOf(g, demand.Unit), g[demand.Unit].PTS
	}
	d := s.find(g, demands)
	if d == nil {
		if err := s.hopeless(g, demands); err != nil {
			for _, demand := range demands {
				demand.meet(result{err: err})
			}
			return nil
		}
		d = s.begin(ctx, g)
	}
	d.see(g)
	demands = d.newest.meet(demands)
	if len(d.demands.of) == 0 {
		d.oldest = d.spent
	}
	for _, demand := range demands {
		demand.spent = d.spent
		demand.Pin.on(d)
	}
	d.demands.add(demands)
	d.wake()
	return d
}

// leave takes Demands back.
func (s *Scheduler) leave(d *decoding, demands []*Demand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, demand := range demands {
		d.demands.remove(demand)
	}
	d.wake()
}

// find returns the decoding that has the least to decode for Demands, nil if all are past one of them; s.mu is held.
func (s *Scheduler) find(g frame.GOP, demands []*Demand) (nearest *decoding) {
	for _, d := range s.decodings {
		past := func(demand *Demand) bool {
			return !demand.Optional && !d.before(g, demand.Unit) && !d.newest.is(demand, numberOf(g, demand.Unit))
		}
		if d.open && Same(d.gop, g) && !slices.ContainsFunc(demands, past) && (nearest == nil || nearest.sent.Len() < d.sent.Len()) {
			nearest = d
		}
	}
	return nearest
}

// hopeless returns why no decoding that begins now meets Demands; nil if one may. s.mu is held.
func (s *Scheduler) hopeless(g frame.GOP, demands []*Demand) error {
	for _, demand := range demands {
		if !demand.Optional && demand.Unit > 0 && g.Forgotten() > 0 {
			return ErrForgotten
		}
	}
	return s.fruitless.of(g, demands)
}

// begin begins a decoding for ctx, and for others, too; s.mu is held.
func (s *Scheduler) begin(ctx context.Context, g frame.GOP) *decoding {
	ctx, cancel := context.WithCancel(shared.Common(ctx))
	d := &decoding{
		s: s, cancel: cancel, poke: make(chan struct{}, 1), done: make(chan struct{}),
		gop: g, newestDTS: g[len(g)-1].DTS, out: -1, open: true,
	}
	s.decodings = append(s.decodings, d)
	s.Group.Go(func() {
		defer close(d.done)
		d.run(ctx, g)
	})
	return d
}

// develop has a Latent make a picture.
func develop(latent func() (*frame.Picture, error)) (made result) {
	made.err = shared.Contain(func() (err error) {
		if made.Picture, err = latent(); err == nil {
			err = pixels.Check(made.Picture)
		}
		return err
	})
	if made.err != nil {
		made.Picture, made.err = nil, corrupt(made.err)
	}
	return made
}

// Develop makes the picture of l; nil if there is none. It is for a Demand's Keep that looks at pixels.
func Develop(l frame.Latent) *frame.Picture { return develop(l.Develop).Picture }
