package enhance

import (
	"context"
	"math"

	"github.com/livestill/livestill/enhance/internal/raster"
	"github.com/livestill/livestill/frame"
)

// Auto measures first, and then does what helps a picture, or nothing: neighbours in time are merged into it, see Fuse; on its own it gets
// back what a single picture tells of its errors, see Deblock. A picture whose errors are too small to be seen stays as it is.
type Auto struct {
	Effort Effort // as in Fuse
	Style  Style
}

// A Style says what a better picture is.
type Style int8

const (
	// Faithful is as close to the scene as can be: the zero Style.
	Faithful Style = iota

	// Crisp is Faithful, and then sharpened, which people like and which no
	// measure of fidelity does: edges get steeper, but grow no halo, and
	// what may be left of noise or blocks is not amplified.
	Crisp
)

// Neighbours names the pictures that are worth decoding, as Fuse does.
func (a Auto) Neighbours(gops []frame.GOP, gop, unit int) [][]int {
	return Fuse{Effort: a.Effort}.Neighbours(gops, gop, unit)
}

// Enhance returns a new picture in place of b.Picture(), or that very one where nothing helps.
//
// It returns context.Cause(ctx) soon after ctx ends, and an error that wraps ErrImage if the planes are smaller than the picture.
func (a Auto) Enhance(ctx context.Context, b *frame.Burst) (made *frame.Picture, err error) {
	err = frame.Work(ctx, func(ctx context.Context) (err error) {
		made, err = a.enhance(ctx, b)
		return err
	})
	return made, err
}

// enhance is Enhance, where a place is taken.
func (a Auto) enhance(ctx context.Context, b *frame.Burst) (*frame.Picture, error) {
	picture := b.Picture()
	planes, err := raster.Split(picture.YCbCr)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	luma := planes[0]
	if luma.W < tile || luma.H < tile {
		return picture, nil
	}
	qp := float64(picture.EffectiveQP)
	if qp == 0 {
		qp = quantiser(luma, picture.Changes&(frame.Turned|frame.Flipped) != 0)
		b = coded(b, float32(qp))
	}
	sigma, _ := someNoise(ctx, luma, sparse)
	merges := qp == 0 && len(b.Pictures) > 1 // most codecs smooth their blocks: what cannot be seen may be there
	if merges || damaged(qp, sigma) {
		told := picture.EffectiveQP
		if picture, err = (Fuse{Effort: a.Effort}).Enhance(ctx, b); err != nil {
			return nil, err
		}
		picture.EffectiveQP = told
	} else if a.Style == Crisp {
		picture = picture.Clone() // that of the burst is not to be written to
	}
	if a.Style == Crisp {
		return picture, crisp(qp, sigma).Apply(ctx, picture.YCbCr)
	}
	return picture, nil
}

// coded returns a burst as if its decoder had told this quantiser for all pictures of which it did not tell any.
func coded(b *frame.Burst, qp float32) *frame.Burst {
	told := &frame.Burst{Target: b.Target}
	for _, p := range b.Pictures {
		if p.EffectiveQP == 0 {
			q := *p
			q.EffectiveQP = qp
			p = &q
		}
		told.Pictures = append(told.Pictures, p)
	}
	return told
}

// crisp sharpens a picture that had such a quantiser and noise before it was made better.
func crisp(qp, sigma float64) Sharpen {
	// Chosen by trial: an edge is to be seen to be steeper, and what is left of noise is not.
	const (
		amount = 0.5  // as in Sharpen
		core   = 0.25 // of the error that pixels had, by coding and noise: finer detail than that may be what is left of the error
	)
	step := 0.
	if qp > 0 {
		step = math.Exp2((qp - 4) / 6)
	}
	return Sharpen{Amount: amount, Threshold: max(1, core*math.Sqrt(step*step/24+sigma*sigma))}
}
