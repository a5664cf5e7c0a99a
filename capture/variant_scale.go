package capture

import (
	"context"
	"image"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/scale"
)

// of makes v of a picture: that one itself if it is what is wanted.
func (v *Variant) of(ctx context.Context, p *frame.Picture) (*frame.Picture, error) {
	whole := image.Rectangle{Max: p.Rect.Size()}
	l, err := v.layout(whole.Max)
	if err != nil || l == (layout{whole, whole.Max, whole}) {
		return p, err
	}
	made, sampling := *p, image.YCbCrSubsampleRatio420
	if p.SubsampleRatio == image.YCbCrSubsampleRatio444 {
		sampling = p.SubsampleRatio
	}
	made.YCbCr = image.NewYCbCr(image.Rectangle{Max: l.size}, sampling)
	if l.to != made.Rect {
		for i := range made.Cb {
			made.Cb[i], made.Cr[i] = 128, 128
		}
	}
	from := p.SubImage(l.from.Add(p.Rect.Min)).(*image.YCbCr)
	to := made.SubImage(l.to).(*image.YCbCr)
	return &made, frame.Work(ctx, func(ctx context.Context) error { return scale.Into(ctx, to, from) })
}
