package ffmpeg

// #include "raw.h"
import "C"

import (
	"time"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
)

// show yields what is ready. It returns false if the caller has had enough.
func (g *gopDecoder) show(yield func(frame.Latent, error) bool) bool {
	for {
		o, ok := g.reorder.Next()
		if !ok {
			return true
		}
		if !o.Hidden {
			if !g.present(o, yield) {
				return false
			}
			continue
		}
		// Of a unit that is shown before the first it cannot be told: what it refers to is not there.
		u := g.units.At(o.Unit)
		if u.wanted && !u.offered && u.pts >= g.start && !yield(frame.Latent{Unit: o.Unit, PTS: u.pts, Hidden: true}, nil) {
			return false
		}
	}
}

// latent yields a picture, if it is wanted. s is nil if it is progressive.
func (g *gopDecoder) latent(o output, s *fields, yield func(frame.Latent, error) bool) bool {
	u, f, since := g.units.At(o.Unit), o.Picture, g.lasting.since
	if s != nil && s.second {
		since = g.interlacing.second.since
	}
	if !u.wanted {
		return true
	}
	g.given = true
	g.d.stats.pictures.Add(1)
	raw := new(C.ls_raw)
	C.ls_read(f.UnsafePointer(), raw)
	g.supplement(raw, u.colours)
	if raw.sar_num == 0 { // FFmpeg tells no absurd ones
		raw.sar_num, raw.sar_den = C.int(u.size.SampleWidth), C.int(u.size.SampleHeight)
	}
	corrupt := o.Corrupt || raw.corrupt != 0 || raw.errors != 0
	l := frame.Latent{Unit: o.Unit, PTS: u.pts, Corrupt: corrupt, EffectiveQP: u.qp}
	l.Develop = func() (*frame.Picture, error) { return g.picture(u, f, raw, s, corrupt, since) }
	if s != nil && !s.apart && !s.split {
		second := *s
		second.second = true
		l.Second = func() (*frame.Picture, error) { return g.picture(u, f, raw, &second, corrupt, since) }
	}
	return yield(l, nil)
}

// picture makes the picture of a unit.
func (g *gopDecoder) picture(u *unit, f *astiav.Frame, raw *C.ls_raw, s *fields, corrupt bool, since time.Time) (*frame.Picture, error) {
	img, changes, err := g.develop(f, raw, u, s)
	if err != nil {
		return nil, &Error{Step: "convert", Codec: g.codec, Err: err}
	}
	return &frame.Picture{
		YCbCr: img, PTS: u.pts, Time: u.time, Key: u.key, Corrupt: corrupt,
		QP: float32(raw.qp), EffectiveQP: u.qp, Frozen: u.time.Sub(since),
		Signal: signal(raw, u.status.Orientation, s), Changes: changes,
	}, nil
}
