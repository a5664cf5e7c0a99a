package enhance

import (
	"context"
	"image"

	"github.com/livestill/livestill/enhance/internal/raster"
	"github.com/livestill/livestill/frame"
)

// Fuse makes a better picture of a burst: what neighbours in time show of the scene, each with compression errors and noise of its own,
// is averaged. It invents nothing: where neighbours show something else, or it cannot be told where they show the same, the picture
// stays as it is, except for what a single picture tells of its own errors.
//
// Neighbours are aligned by dense optical flow, forth and back, and merged by frequency: Hasinoff et al., "Burst photography for high
// dynamic range and low-light imaging on mobile cameras" (2016). Their weights follow from their quantisers, their noise, from how far
// pictures of a GOP share their errors, and, tile by tile, from what two small neural networks have learned of such differences; they
// only weigh what pictures show, and paint nothing. Neighbours says which pictures are worth decoding for it.
//
// While it works it takes 20 bytes for each pixel of the picture, 23 at High effort, if there are six neighbours, and 5 more for each
// processor but the first: 19 MB for 1280x720. Most of that is kept for the next fusion, until the garbage collector wants it. All
// processors that GOMAXPROCS allows share the work.
type Fuse struct {
	Effort Effort
}

// An Effort is how much work is worth a better picture.
type Effort int8

// Efforts differ in how finely neighbours are aligned, and in how many of them there are.
const (
	Low    Effort = iota - 1
	Medium        // the zero Effort
	High
)

// finest is the layer of the pyramid on which flow is looked for last, for pictures of a size.
func (e Effort) finest(size image.Point) int {
	const small = 1024 * 600 // pixels, on which the work of the next finer layer is small as well
	finest := 1 - int(e)
	if size.X*size.Y <= small {
		finest--
	}
	return max(0, finest)
}

// Enhance returns a new picture in place of b.Picture(). Neighbours that are corrupt or of another size have no say.
//
// It returns context.Cause(ctx) soon after ctx ends, and an error that wraps ErrImage if the planes are smaller than the picture.
func (f Fuse) Enhance(ctx context.Context, b *frame.Burst) (made *frame.Picture, err error) {
	err = frame.Work(ctx, func(ctx context.Context) (err error) {
		made, err = f.fuse(ctx, b)
		return err
	})
	return made, err
}

// fuse is Enhance, where a place is taken.
func (f Fuse) fuse(ctx context.Context, b *frame.Burst) (*frame.Picture, error) {
	s := fusers.Get().(*fuser)
	defer fusers.Put(s)
	defer s.release()
	target := b.Picture()
	if err := s.choose(b); err != nil {
		return nil, err
	}
	made := *target
	if target.Rect.Empty() {
		return &made, nil
	}
	finest := f.Effort.finest(target.Rect.Size())
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	if err := s.align(ctx, finest); err != nil {
		return nil, err
	}
	made.YCbCr = image.NewYCbCr(target.Rect, target.SubsampleRatio)
	planes, err := raster.Split(made.YCbCr)
	if err != nil {
		return nil, err
	}
	for c, p := range planes {
		inputs, err := s.see(ctx, c)
		if err != nil {
			return nil, err
		}
		if err := merge(ctx, p, inputs); err != nil {
			return nil, err
		}
	}
	return &made, nil
}
