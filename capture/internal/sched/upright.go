package sched

import (
	"image"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/pixels"
	"github.com/livestill/livestill/internal/turn"
)

// upright returns l, whose pictures are turned as the Source wants it.
func (s *Scheduler) upright(l frame.Latent) frame.Latent {
	if s.Rotate != 0 {
		l.Develop, l.Second = s.turned(l.Develop), s.turned(l.Second)
	}
	return l
}

// turned returns what develops the same and turns it; nil if there is nothing. It is another picture: what a Decoder gives may be shared.
func (s *Scheduler) turned(develop func() (*frame.Picture, error)) func() (*frame.Picture, error) {
	if develop == nil {
		return nil
	}
	return func() (*frame.Picture, error) {
		p, err := develop()
		if err == nil {
			err = pixels.Check(p)
		}
		if err != nil {
			return nil, err
		}
		turned := *p
		turned.YCbCr = turn.Picture(p.YCbCr, s.Rotate, false, image.NewYCbCr)
		turned.Changes |= frame.Turned
		return &turned, nil
	}
}

// turning adds to a cost what it takes to turn pictures: each is there twice then, and of one that stands on its side afterwards more samples of
// chroma may be needed, of 4:2:2 half as many samples again.
func (s *Scheduler) turning(c frame.Cost) frame.Cost {
	if s.Rotate == 0 {
		return c
	}
	c.Decoding += c.Picture
	if s.Rotate != 180 {
		c.Picture += c.Picture / 2
	}
	return c
}
