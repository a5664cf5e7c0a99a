package capture

import (
	"context"
	"fmt"
	"image"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/scale"
)

// Siblings are the Variants of a capture that are made of the same picture. They are scaled at once, which takes less time than one by one.
type siblings struct {
	id   fileID // of the captures that have the same ones
	made []*Variant
}

// A scaled picture is that of a Variant, or there is an error.
type scaled struct {
	*frame.Picture
	err error
}

// group tells the files of Variants of their siblings.
func group(files []*file) {
	groups := make(map[*frame.Picture]*siblings)
	for _, f := range files {
		if f.variant == nil {
			continue
		}
		s := groups[f.still.Picture]
		if s == nil {
			s = &siblings{id: fileID{ID: f.id.ID, own: f.id.own}}
			groups[f.still.Picture] = s
		}
		f.siblings, f.place = s, len(s.made)
		s.made = append(s.made, f.variant)
		s.id.variant += fmt.Sprintf("%q %+v\n", f.id.variant, f.id.shape)
	}
}

// scale returns the picture of the Variant. Whoever of its siblings comes first makes those of all.
func (f *file) scale(ctx context.Context) (*frame.Picture, error) {
	c, s, p := f.camera, f.siblings, f.still.Picture
	all, err := c.scaled.Do(ctx, &c.running, s.id, func(ctx context.Context) ([]scaled, error) { return s.of(c.working(ctx), p) })
	if err != nil {
		return nil, err
	}
	return all[f.place].Picture, all[f.place].err
}

// of makes all of them of a picture: that one itself if it is what is wanted. Those of the same part of it take one reading.
func (s *siblings) of(ctx context.Context, p *frame.Picture) ([]scaled, error) {
	all := make([]scaled, len(s.made))
	parts := make(map[image.Rectangle][]*image.YCbCr)
	for i, v := range s.made {
		whole := image.Rectangle{Max: p.Rect.Size()}
		l, err := v.layout(whole.Max)
		all[i] = scaled{p, err}
		if err != nil || l == (layout{whole, whole.Max, whole}) {
			continue
		}
		all[i].Picture = l.blank(p)
		parts[l.from] = append(parts[l.from], all[i].SubImage(l.to).(*image.YCbCr))
	}
	for part, made := range parts {
		from := p.SubImage(part.Add(p.Rect.Min)).(*image.YCbCr)
		if err := frame.Work(ctx, func(ctx context.Context) error { return scale.IntoAll(ctx, from, made...) }); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// blank returns a picture like p, of the size of the Variant, and black.
func (l *layout) blank(p *frame.Picture) *frame.Picture {
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
	return &made
}
