package enhance

import (
	"context"
	"math"
	"sync"

	"github.com/livestill/livestill/frame"
)

// A fuser is the memory of one fusion.
type fuser struct {
	parties []party // the target first; those beyond n are left from other fusions
	n       int
	level   int // the layer of the pyramids that the flows are of
	inputs  []input
}

var fusers = sync.Pool{New: func() any { return new(fuser) }}

// A party is a picture that takes part.
type party struct {
	picture  *frame.Picture
	gop      int
	planes   [3]plane
	luma     pyramid
	chroma   layer
	coefs    []float32 // of a plane's spline
	noise    float32   // variance, of the luma
	variance float32   // of all errors
	weight   float32
	there    flow // to where it shows what the target shows
	back     flow // and from there back
	tracker  tracker
	trust    []float32
}

// choose takes up the pictures of a burst that can take part.
func (s *fuser) choose(b *frame.Burst) error {
	s.n = 0
	if err := s.add(b.Picture()); err != nil {
		return err
	}
	first := b.Picture()
	gop := 0
	for i, p := range b.Pictures {
		if p.Key {
			gop++
		}
		if i == b.Target {
			s.parties[0].gop = gop
			continue
		}
		if p.Corrupt || p.YCbCr == nil || p.Rect.Size() != first.Rect.Size() || p.SubsampleRatio != first.SubsampleRatio {
			continue
		}
		if s.add(p) != nil {
			continue
		}
		last := &s.parties[s.n-1]
		last.gop = gop
		if target := &s.parties[0]; last.planes[1].w != target.planes[1].w || last.planes[1].h != target.planes[1].h { // begins amid a chroma sample
			s.n--
		}
	}
	return nil
}

func (s *fuser) add(p *frame.Picture) error {
	planes, err := split(p.YCbCr)
	if err != nil {
		return err
	}
	if s.n == len(s.parties) {
		s.parties = append(s.parties, party{})
	}
	s.parties[s.n].picture, s.parties[s.n].planes = p, planes
	s.n++
	return nil
}

// release lets go of the pictures, which are not the fuser's to keep.
func (s *fuser) release() {
	for i := range s.parties {
		s.parties[i].picture, s.parties[i].planes = nil, [3]plane{}
	}
}

// prepare measures the pictures and makes their pyramids.
func (s *fuser) prepare(ctx context.Context) error {
	for i := range s.n {
		p := &s.parties[i]
		sigma, _ := noise(ctx, p.planes[0])
		p.noise = float32(sigma * sigma)
		p.variance = coding(p.picture) + p.noise
	}
	weigh(s.parties[:s.n])
	return bands(ctx, s.n, 1, func(ctx context.Context, from, to int) {
		for i := from; i < to && ctx.Err() == nil; i++ {
			s.parties[i].luma.build(s.parties[i].planes[0])
		}
	})
}

// coding returns the variance of what the quantiser did to a picture.
func coding(p *frame.Picture) float32 {
	const usual = 30 // of live streams
	qp := float64(p.EffectiveQP)
	if qp == 0 {
		qp = usual
	}
	step := math.Exp2((qp - 4) / 6)
	return float32(step*step/24 + 2) // half of a uniform quantiser's, since most coefficients are small; and what else goes wrong
}

// align finds the flows between the target and its neighbours.
func (s *fuser) align(ctx context.Context, finest int) error {
	target := &s.parties[0]
	s.level = min(finest, len(target.luma)-1)
	if s.n == 1 {
		return nil
	}
	return bands(ctx, s.n-1, 1, func(ctx context.Context, from, to int) {
		for i := from + 1; i <= to && ctx.Err() == nil; i++ {
			p := &s.parties[i]
			both := target.variance + p.variance
			p.tracker.find(target.luma, p.luma, s.level, both, &p.there)
			p.tracker.find(p.luma, target.luma, s.level, both, &p.back)
		}
	})
}

// see returns plane c of all pictures as the target sees them; dst is as large as that is.
func (s *fuser) see(c int, dst plane) []input {
	s.inputs = s.inputs[:0]
	target := &s.parties[0]
	hs, vs := 1, 1
	if c > 0 {
		hs, vs, _ = subsampling(target.picture.SubsampleRatio)
	}
	grain := float32(int(1) << s.level) // pixels of luma for one of the flow's layer
	for i := range s.n {
		p := &s.parties[i]
		in := input{variance: p.variance, noise: p.noise, weight: p.weight}
		in.layer = &p.luma[0]
		if c > 0 {
			p.chroma.load(p.planes[c])
			in.layer = &p.chroma
		}
		if i > 0 {
			p.coefs = in.layer.spline(p.coefs)
			in.coefs, in.flow = p.coefs, &p.there
			in.nodeX, in.nodeY = float32(hs)/(step*grain), float32(vs)/(step*grain)
			in.pixelX, in.pixelY = grain/float32(hs), grain/float32(vs)
			p.trust = p.trusts(dst, in.nodeX, in.nodeY, grain)
			in.trust = p.trust
		}
		s.inputs = append(s.inputs, in)
	}
	return s.inputs
}

// trusts returns how far the flow is trusted at each tile of a plane: less where the way back leads elsewhere, and at edges of motion,
// where it changes from one node to the next.
func (p *party) trusts(dst plane, nodeX, nodeY, grain float32) []float32 {
	const (
		stray = 1 // pixels off, there and back, at which half the trust is gone
		shear = 6 // pixels of change, likewise; a zoom by half has 4 at Medium effort
	)
	across, down := (dst.w-1)/hop+2, (dst.h-1)/hop+2
	list := grow(p.trust, across*down)
	for j := range down {
		for i := range across {
			x, y := float32(hop*i)*nodeX-1, float32(hop*j)*nodeY-1
			u, v := p.there.vector(x, y)
			bu, bv := p.back.vector(x+u/step, y+v/step)
			change := p.there.change(x, y, u, v) * grain * grain / (shear * shear)
			off := ((u+bu)*(u+bu) + (v+bv)*(v+bv)) * grain * grain / (stray * stray)
			list[j*across+i] = 1 / ((1 + off) * (1 + change*change))
		}
	}
	return list
}
