package sched

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/livestill/livestill/frame"
)

// A batch makes a follower of a Decoder that wants a GOP at once.
type batch struct{ Decoder }

// Reserve gives a place at once: the Decoder sees to it itself.
func (b batch) Reserve(context.Context, string) (frame.Place, error) { return noPlace{}, nil }

type noPlace struct{}

func (noPlace) Yield(context.Context) error { return nil }
func (noPlace) Release()                    {}

// Follow decodes units once all of them are there.
func (b batch) Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
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
		for p, err := range b.Decode(ctx, gop, from) {
			if err != nil {
				yield(frame.Latent{}, err)
				return
			}
			unit := slices.IndexFunc(gop, func(u frame.AccessUnit) bool { return u.PTS == p.PTS && u.Time.Equal(p.Time) })
			if unit < 0 {
				continue
			}
			develop := func() (*frame.Picture, error) { return p, nil }
			if !yield(frame.Latent{Unit: unit, PTS: p.PTS, Corrupt: p.Corrupt, EffectiveQP: p.EffectiveQP, Develop: develop}, nil) {
				return
			}
		}
	}
}
