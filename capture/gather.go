package capture

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/livestill/livestill/frame"
)

// follower returns the Camera's Decoder as one that can go on where it was, as far as it can.
func (c *Camera) follower() Follower {
	if f, ok := c.Decoder.(Follower); ok {
		return f
	}
	return gatherer{c.Decoder}
}

// A gatherer makes a Follower of a Decoder that wants a GOP at once.
type gatherer struct{ Decoder }

// Reserve gives leave at once: the Decoder sees to it itself.
func (g gatherer) Reserve(context.Context, string) (frame.Place, error) { return noPlace{}, nil }

type noPlace struct{}

func (noPlace) Yield(context.Context) error { return nil }
func (noPlace) Release()                    {}

// Follow decodes units once all of them are there.
func (g gatherer) Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return func(yield func(frame.Latent, error) bool) {
		var gop frame.GOP
		var from time.Time
		for u, wanted := range units {
			gop = append(gop, u)
			if wanted && (from.IsZero() || u.Time.Before(from)) {
				from = u.Time
			}
		}
		if from.IsZero() {
			return // nobody waits any more
		}
		for p, err := range g.Decode(ctx, gop, from) {
			if err != nil {
				yield(frame.Latent{}, err)
				return
			}
			unit := slices.IndexFunc(gop, func(u frame.AccessUnit) bool { return u.PTS == p.PTS && u.Time.Equal(p.Time) })
			if unit < 0 {
				continue
			}
			if !yield(frame.Latent{Unit: unit, PTS: p.PTS, Corrupt: p.Corrupt, EffectiveQP: p.EffectiveQP, Develop: func() (*frame.Picture, error) { return p, nil }}, nil) {
				return
			}
		}
	}
}
