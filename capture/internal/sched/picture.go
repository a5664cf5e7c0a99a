package sched

import (
	"context"
	"errors"
	"slices"

	"github.com/livestill/livestill/frame"
)

// A Wanted is a picture that is wanted, and others that are taken along.
type Wanted struct {
	GOP  frame.GOP
	Unit int // index in GOP

	Second bool // what it shows in the second half of its time, if it has two fields

	Along []int                  // units whose pictures are taken along if they come out of the Decoder before it
	Take  func(p *frame.Picture) // is given these
	Pin   *Pin                   // of the decoding; nil for none
}

// Encoders hide a picture or two in a row; this many are no stream to look further back in.
const mostHidden = 16

// Picture decodes the very picture that is wanted, or that before it if its unit has none of its own. Its error is an ErrCorrupt, an ErrForgotten, a
// Fault, or that of ctx.
func (s *Scheduler) Picture(ctx context.Context, w Wanted) (*frame.Picture, error) {
	w.Second = w.Second && s.hasFields(w.GOP)
	trusted := s.Trusted(w.GOP)
	for range mostHidden {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err := doubt(w.GOP, w.Unit, trusted); err != nil {
			return nil, err
		}
		p, err := s.fromGOP(ctx, w)
		if !errors.Is(err, errHidden) {
			return p, err
		}
		if w.Unit = shownBefore(w.GOP, w.Unit); w.Unit < 0 {
			break
		}
	}
	return nil, errNone
}

// shownBefore returns the unit of g that is shown right before another; -1 if there is none.
func shownBefore(g frame.GOP, unit int) (before int) {
	before = -1
	for i := range g {
		if Later(g, unit, i) && (before < 0 || Later(g, i, before)) {
			before = i
		}
	}
	return before
}

// doubt returns why a unit has no picture that is right, as far as is known without decoding; nil if it may have one. So many units of its GOP can be
// trusted. Those behind units that are forgotten may be decoded by who was given these.
func doubt(g frame.GOP, unit, trusted int) error {
	switch {
	case unit < trusted:
		return nil
	case g.Forgotten() == 0 || trusted == 0:
		return errLost
	case g[unit].Data == nil:
		return ErrForgotten
	case firstLost(g[3:unit+1]) < unit-2:
		return errLost
	}
	return nil
}

// fromGOP decodes what is wanted from the key unit of its GOP on; if that is not enough, since it refers to what came before, from the one
// before that.
func (s *Scheduler) fromGOP(ctx context.Context, w Wanted) (p *frame.Picture, err error) {
	key := w.GOP[w.Unit].Key
	leads := w.GOP[w.Unit].PTS < w.GOP[0].PTS // and may refer to what came before
	if !leads {
		p, err = s.sharedUnit(ctx, w, key)
		if !s.mayBeOpen(w.GOP, err) {
			return p, err
		}
	}
	if before := s.History.Before(w.GOP); before != nil {
		if p, err = s.fromGOPBefore(ctx, before, w, key); err == nil || !leads {
			return p, err
		}
	}
	if leads {
		return s.sharedUnit(ctx, w, key)
	}
	return p, err
}

// No picture is decoded from a GOP and the one before if that takes more units. It is a minute at 60 a second: encoders that make open GOPs
// begin one every ten seconds or more often.
const mostJoined = 3600

// fromGOPBefore decodes what is wanted from the key unit of the GOP before its own on.
func (s *Scheduler) fromGOPBefore(ctx context.Context, before frame.GOP, w Wanted, key bool) (*frame.Picture, error) {
	unit := len(before) + w.Unit
	switch {
	case unit >= mostJoined:
		return nil, errFar
	case s.Trusted(before) < len(before) || firstLost(w.GOP[:w.Unit+1]) <= w.Unit:
		return nil, errLost
	}
	if err := s.foundFruitless(before, unit); err != nil {
		return nil, err
	}
	return s.shared(ctx, unitID{gopID(before), unit, w.Second}, key, func() Wanted {
		g := slices.Concat(before, w.GOP[:w.Unit+1])
		g[len(before)].Key = false                          // so that damage before it reaches what is asked for
		return Wanted{GOP: g, Unit: unit, Second: w.Second} // takes none along: they have other indexes in g
	})
}

// mayBeOpen reports whether an error in a GOP may come of its beginning with pictures that refer to what came before.
func (s *Scheduler) mayBeOpen(g frame.GOP, err error) bool {
	known := err == nil || errors.Is(err, errHidden) || errors.Is(err, errLost)
	return !known && errors.Is(err, ErrCorrupt) && !s.isClosed(g)
}

// sharedUnit decodes what is wanted from the beginning of its GOP on, once for all captures of the unit.
func (s *Scheduler) sharedUnit(ctx context.Context, w Wanted, key bool) (*frame.Picture, error) {
	return s.shared(ctx, unitID{gopID(w.GOP), numberOf(w.GOP, w.Unit), w.Second}, key, func() Wanted { return w })
}

// shared is sharedUnit of what wanted returns, which is called for the first capture of the unit alone.
func (s *Scheduler) shared(ctx context.Context, id unitID, key bool, wanted func() Wanted) (*frame.Picture, error) {
	made, err := s.pictures.Do(ctx, s.Group, id, func(ctx context.Context) (result, error) {
		w := wanted()
		demand := &Demand{Unit: w.Unit, Second: w.Second, Pin: w.Pin}
		demands := []*Demand{demand}
		for _, unit := range w.Along {
			demands = append(demands, &Demand{Unit: unit, Optional: true})
		}
		along := demands[1:]
		if before := shownBefore(w.GOP, w.Unit); before >= 0 && w.GOP.Forgotten() > 0 { // is kept, if the unit has no picture of its own
			demands = append(demands, &Demand{Unit: before, Optional: true})
		}
		err := s.Decode(ctx, w.GOP, demands...)
		for _, demand := range along {
			if p := demand.Picture(); p != nil {
				w.Take(p)
			}
		}
		switch {
		case err != nil:
			return result{}, err
		case Fault(demand.made.err):
			return result{}, demand.made.err // which is not kept
		case demand.made.Picture != nil && demand.made.Key != key:
			p := *demand.made.Picture // which other captures may have
			p.Key = key
			demand.made.Picture = &p
		}
		return demand.made, nil
	})
	if err != nil {
		return nil, err
	}
	return made.Picture, made.err
}
