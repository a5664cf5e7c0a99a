package capture

import (
	"context"
	"errors"
	"fmt"
	"image"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// A format says of a picture what counts for the memory that its Variants take.
type format struct {
	bytes   int64       // of the picture
	size    image.Point // of square pixels, upright; what counts is the aspect
	variant int64       // bytes of two pixels of a Variant
}

// Bytes of two pixels.
const (
	of420 = 3
	of444 = 6
)

// expectedFormat returns that of the pictures of a GOP, as the headers of its key unit have it; if they do not tell, of pictures of 16:9 and 4:2:0.
func (c *Camera) expectedFormat(g frame.GOP) format {
	f := format{bytes: c.scheduler().Cost(g).Picture, size: image.Pt(16, 9), variant: of420}
	key := g[0]
	key.Key = true
	h := new(bitstream.Tracker).Next(&key)
	turned := (h.Orientation.Rotation+c.Rotate)%180 != 0
	if s := h.Size; s.Pixels() > 0 {
		f.size = image.Pt(max(int(float64(s.Width)*s.Aspect()), 1), s.Height)
		if s.ChromaFormat > 2 || s.ChromaFormat == 2 && turned {
			f.variant = of444
		}
	}
	if turned {
		f.size.X, f.size.Y = f.size.Y, f.size.X
	}
	return f
}

// formatOf returns that of a picture.
func formatOf(p *frame.Picture) format {
	f := format{bytes: size(p), size: p.Rect.Size(), variant: of420}
	if p.SubsampleRatio == image.YCbCrSubsampleRatio444 {
		f.variant = of444
	}
	return f
}

// most returns how many bytes the pixels of v take at most, made of a picture of a format.
func (v *Variant) most(f format) int64 {
	if v.Width == 0 && v.Height == 0 {
		return f.bytes
	}
	part := f.size
	if c := v.Crop; c != (Crop{}) {
		part = image.Pt(c.Width, c.Height)
	}
	box := v.box(part)
	pixels := int64(box.X) * int64(box.Y)
	if pixels > maxVariantPixels && v.Crop != (Crop{}) {
		return f.bytes // it is not made, unless the picture is as large
	}
	n := (f.variant*min(pixels, maxVariantPixels) + 1) / 2
	if v.Enlarge || v.Fit == Pad {
		return n
	}
	return min(n, f.bytes)
}

// memory returns how many bytes the pixels of the variants take at most, and which takes the most of them; nil if there is none.
func (c choice) memory(f format) (n int64, largest *Variant) {
	var most int64
	for _, v := range c.variants {
		bytes := v.most(f)
		if n += bytes; largest == nil || bytes > most {
			largest, most = v.Variant, bytes
		}
	}
	return n, largest
}

// borrow waits for the memory of the pictures that the capture will have: the decoded one, for a Best those beside it, the enhanced one, and those
// of the Variants. Captures of the same picture share it. Until the picture is decoded, Variants count by what its GOP is expected to be like.
func (w *capture) borrow(ctx context.Context) (err error) {
	c, t := w.camera, w.found
	if t.gop == nil {
		return nil // there may be no picture at all
	}
	pictures := int64(1)
	if w.still.Request.Moment.window > 0 {
		pictures += contenders
	}
	if c.Enhancer != nil && w.choice.enhanced() {
		pictures++
	}
	var largest *Variant
	if w.picture != nil {
		w.variants, largest = w.choice.memory(formatOf(w.picture))
	} else {
		w.variants, largest = w.choice.memory(c.expectedFormat(t.gop))
	}
	w.giveBack, err = c.scheduler().Reserve(ctx, t.gop, t.index, pictures, w.variants)
	if largest != nil && errors.Is(err, ErrTooCostly) {
		err = fmt.Errorf("%w, %.1f MiB of it for %d Variants, of which %s takes the most: "+
			"ask for smaller ones, or raise Bytes of the Budget, of which an eighth is for pictures",
			err, float64(w.variants)/(1<<20), len(w.choice.variants), largest.Name)
	}
	return err
}

// borrowMore has memory for the Variants of the decoded picture if they take more than was expected: it is turned within its GOP, or of another one.
// What the capture has is given back first, or those who wait for more would wait for each other.
func (w *capture) borrowMore(ctx context.Context) error {
	if n, _ := w.choice.memory(formatOf(w.picture)); n <= w.variants {
		return nil
	}
	w.repay()
	return w.borrow(ctx)
}

// repay gives back the memory of the pictures: from now on they are the caller's.
func (w *capture) repay() {
	if w.giveBack != nil {
		w.giveBack()
		w.giveBack = nil
	}
}
