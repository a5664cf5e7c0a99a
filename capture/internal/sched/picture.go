package sched

import (
	"context"
	"errors"
	"slices"

	"github.com/livestill/livestill/frame"
)

// A Target is a picture that is wanted, and others that are taken along.
type Target struct {
	GOP  frame.GOP
	Unit int // index in GOP

	Along []int                  // units whose pictures are taken along if they come out of the Decoder before it
	Take  func(p *frame.Picture) // is given these
	Hold  *Hold                  // of the decoding; nil for none
}

// Encoders hide a picture or two in a row; this many are no stream to look further back in.
const mostHidden = 16

// Picture decodes the very picture of a Target, or that before it if its unit has none of its own. Its error is an ErrCorrupt, a Fault, or that
// of ctx.
func (s *Scheduler) Picture(ctx context.Context, t Target) (*frame.Picture, error) {
	trusted := s.Trusted(t.GOP)
	for range mostHidden {
		if trusted <= t.Unit {
			return nil, errLost
		}
		p, err := s.whole(ctx, t)
		if !errors.Is(err, errHidden) {
			return p, err
		}
		last := t.Unit
		for i, u := range t.GOP {
			if Later(t.GOP, last, i) && (t.Unit == last || Later(t.GOP, i, t.Unit)) && u.Data != nil {
				t.Unit = i
			}
		}
		if t.Unit == last {
			break
		}
	}
	return nil, errNone
}

// whole decodes a Target from the key unit of its GOP on; if that is not enough, since it refers to what came before, from the one before
// that.
func (s *Scheduler) whole(ctx context.Context, t Target) (p *frame.Picture, err error) {
	key := t.GOP[t.Unit].Key
	leads := t.GOP[t.Unit].PTS < t.GOP[0].PTS // and may refer to what came before
	if !leads {
		p, err = s.unit(ctx, t, key)
		if !s.mayBeOpen(t.GOP, err) {
			return p, err
		}
	}
	if before := s.History.Before(t.GOP); before != nil {
		if p, err = s.joined(ctx, before, t, key); err == nil || !leads {
			return p, err
		}
	}
	if leads {
		return s.unit(ctx, t, key)
	}
	return p, err
}

// joined decodes a Target from the key unit of the GOP before its own on.
func (s *Scheduler) joined(ctx context.Context, before frame.GOP, t Target, key bool) (*frame.Picture, error) {
	g := slices.Concat(before, t.GOP[:t.Unit+1])
	g[len(before)].Key = false // so that damage before it reaches what is asked for
	unit := len(before) + t.Unit
	if s.Trusted(g) <= unit {
		return nil, errLost
	}
	return s.unit(ctx, Target{GOP: g, Unit: unit}, key) // takes none along: they have other indexes in g
}

// mayBeOpen reports whether an error in a GOP may come of its beginning with pictures that refer to what came before.
func (s *Scheduler) mayBeOpen(g frame.GOP, err error) bool {
	known := err == nil || errors.Is(err, errHidden) || errors.Is(err, errLost)
	return !known && errors.Is(err, ErrCorrupt) && !s.isClosed(g)
}

// unit decodes a Target, if that can be decoded from the beginning of its GOP on.
func (s *Scheduler) unit(ctx context.Context, t Target, key bool) (*frame.Picture, error) {
	made, err := s.pictures.Do(ctx, s.Group, unitID{gopID(t.GOP), t.Unit}, func(ctx context.Context) (result, error) {
		demand := &Demand{Unit: t.Unit, Hold: t.Hold}
		demands := []*Demand{demand}
		for _, unit := range t.Along {
			demands = append(demands, &Demand{Unit: unit, Optional: true})
		}
		err := s.Decode(ctx, t.GOP, demands...)
		for _, along := range demands[1:] {
			if p := along.Picture(); p != nil {
				t.Take(p)
			}
		}
		switch {
		case err != nil:
			return result{}, err
		case Fault(demand.made.err):
			return result{}, demand.made.err // which is not kept
		case demand.made.Picture != nil:
			demand.made.Key = key
		}
		return demand.made, nil
	})
	if err != nil {
		return nil, err
	}
	return made.Picture, made.err
}
