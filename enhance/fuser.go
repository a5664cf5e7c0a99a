package enhance

import (
	"context"
	"math"
	"sync"

	"github.com/livestill/livestill/enhance/internal/raster"
	"github.com/livestill/livestill/frame"
)

// A fuser is the memory of one fusion.
type fuser struct {
	members   []member // the target first; those beyond n are left from other fusions
	n         int
	luma      pyramid // of the target
	level     int     // the layer of pyramids that the flows are of
	backLevel int     // likewise, of those back
	inputs    []input
}

var fusers = sync.Pool{New: func() any { return new(fuser) }}

// A member is a picture that takes part.
type member struct {
	picture   *frame.Picture
	gop       int
	planes    [3]raster.Plane
	noise     float32 // variance, of the luma
	variance  float32 // of all errors
	weight    float32
	there     flow      // to where it shows what the target shows
	back      flow      // and from there back
	nodeTrust []float32 // in the flow, at each node
	trust     []float32 // for each tile of the plane
	share     []float32 // for each tile of the luma, see input
}

// sparse is how many rows of blocks there are for one in which noise is measured. Chosen for speed: a quarter of the blocks of a picture
// have flat ones enough among them.
const sparse = 4

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
			s.members[0].gop = gop
			continue
		}
		if p.Corrupt || p.YCbCr == nil || p.Rect.Size() != first.Rect.Size() || p.SubsampleRatio != first.SubsampleRatio {
			continue
		}
		if s.add(p) != nil {
			continue
		}
		last := &s.members[s.n-1]
		last.gop = gop
		if target := &s.members[0]; last.planes[1].W != target.planes[1].W || last.planes[1].H != target.planes[1].H { // begins amid a chroma sample
			s.n--
		}
	}
	return nil
}

func (s *fuser) add(p *frame.Picture) error {
	planes, err := raster.Split(p.YCbCr)
	if err != nil {
		return err
	}
	if s.n == len(s.members) {
		s.members = append(s.members, member{})
	}
	s.members[s.n].picture, s.members[s.n].planes = p, planes
	s.n++
	return nil
}

// release lets go of the pictures, which are not the fuser's to keep.
func (s *fuser) release() {
	for i := range s.members {
		s.members[i].picture, s.members[i].planes = nil, [3]raster.Plane{}
	}
	clear(s.inputs)
}

// prepare measures the pictures, and forgets those that have no say.
func (s *fuser) prepare(ctx context.Context) error {
	err := raster.Each(ctx, s.n, func(ctx context.Context, i int) {
		p := &s.members[i]
		sigma, _ := someNoise(ctx, p.planes[0], sparse)
		p.noise = float32(sigma * sigma)
		p.variance = coding(p.picture.EffectiveQP) + p.noise
	})
	if err != nil {
		return err
	}
	weigh(s.members[:s.n])
	n := 1
	for i := 1; i < s.n; i++ {
		if s.members[i].weight > 0 {
			s.members[n], s.members[i] = s.members[i], s.members[n]
			n++
		}
	}
	s.n = n
	return nil
}

// coding returns the variance of the errors that the quantiser made in the luma of a picture. A quantiser of zero is unknown.
//
// A uniform quantiser has a twelfth of the square of its step. Half of that is expected, since most coefficients are smaller than the step
// and are dropped whole, and 2 more for what else goes wrong. Measured by enhance/train/constants.py: 0.7 to 1.5 times that for quantisers
// from 18 to 39, about half of it for larger ones.
func coding(qp float32) float32 {
	const usual = 30 // of live streams: the middle of those that enhance/train makes
	if qp == 0 {
		qp = usual
	}
	step := math.Exp2((float64(qp) - 4) / 6) // H.264, table 8-15: doubles with every 6
	return float32(step*step/24 + 2)
}

// ofChroma is the variance of the coding errors of chroma, in parts of that of luma. Chosen by trial. Measured by
// enhance/train/constants.py: less than 0.1 of what coding expects of luma. The networks have learned with what was chosen.
const ofChroma = 0.4

// align finds the flows between the target and its neighbours. Those back, which are but to tell how far those there are to be trusted,
// are found on the next smaller layer, at a quarter of the cost.
func (s *fuser) align(ctx context.Context, finest int) error {
	if s.n == 1 {
		return nil
	}
	target := &s.members[0]
	largest := max(0, finest-1) // see tracker.refine
	s.luma.build(target.planes[0], largest)
	last := len(s.luma) - 1
	s.level, s.backLevel = min(finest, last), min(finest+1, last)
	return raster.Each(ctx, s.n-1, func(_ context.Context, i int) {
		p := &s.members[1+i]
		noise := target.variance + p.variance
		t := trackers.Get().(*tracker)
		defer trackers.Put(t)
		t.luma.build(p.planes[0], largest)
		t.find(s.luma, t.luma, s.level, noise, &p.there)
		if s.level > 0 {
			t.refine(&s.luma[s.level-1], &t.luma[s.level-1], noiseAt(noise, s.level-1), &p.there)
		}
		t.find(t.luma, s.luma, s.backLevel, noise, &p.back)
	})
}

// see returns plane c of all pictures as the target sees them.
func (s *fuser) see(ctx context.Context, c int) ([]input, error) {
	target := &s.members[0]
	hs, vs := 1, 1
	if c > 0 {
		hs, vs, _ = raster.Subsampling(target.picture.SubsampleRatio)
	}
	grain := float32(int(1) << s.level) // pixels of luma for one of the flow's layer
	variance := func(p *member) float32 {
		if c == 0 {
			return p.variance
		}
		return ofChroma*coding(p.picture.EffectiveQP) + p.noise
	}
	s.inputs = raster.Grow(s.inputs, s.n)
	err := raster.Each(ctx, s.n, func(_ context.Context, i int) {
		p := &s.members[i]
		in := &s.inputs[i]
		*in = input{Plane: p.planes[c], variance: variance(p), weight: p.weight}
		if i == 0 {
			in.hidden = trained().Truth.ofTarget(in.variance, p.noise)
			return
		}
		in.hidden = trained().Worth.ofNeighbour(factsOf(target, p, variance(target), in.variance))
		in.flow = &p.there
		in.nodeX, in.nodeY = float32(hs)/(step*grain), float32(vs)/(step*grain)
		in.pixelX, in.pixelY = grain/float32(hs), grain/float32(vs)
		switch c {
		case 0:
			p.doubt(grain, float32(int(1)<<(s.backLevel-s.level)))
			p.trusts(in)
			p.share = raster.Grow(p.share, len(p.trust))
			in.share = p.share
		case 1: // both chroma planes are alike
			p.trustsChroma(in, hs, vs)
		}
		in.trust = p.trust
	})
	return s.inputs, err
}

// doubt finds how far the flow is trusted at its nodes: less where the way back leads elsewhere, and at edges of motion, where it changes
// from one node to the next. A pixel of its layer is grain pixels of luma, and one of the way back's is coarse of its own.
func (p *member) doubt(grain, coarse float32) {
	// Chosen by trial, between the PSNR of what is merged and the ghosts that the ghost tests of internal/e2e look for.
	const (
		stray = 0.8 // pixels off, there and back, at which half of the trust is gone
		shear = 4   // pixels of change from node to node, likewise; a zoom by half has 4 at Medium effort
	)
	f := &p.there
	p.nodeTrust = raster.Grow(p.nodeTrust, f.w*f.h)
	for j := range f.h {
		for i := range f.w {
			n := j*f.w + i
			u, v := f.u[n], f.v[n]
			bu, bv := p.back.vector((float32(i)+u/step+1)/coarse-1, (float32(j)+v/step+1)/coarse-1)
			bu, bv = bu*coarse, bv*coarse
			change := float32(0)
			for _, k := range [4]int{n - min(i, 1), n + min(f.w-1-i, 1), n - f.w*min(j, 1), n + f.w*min(f.h-1-j, 1)} {
				du, dv := f.u[k]-u, f.v[k]-v
				change = max(change, du*du+dv*dv)
			}
			change *= grain * grain / (shear * shear)
			off := ((u+bu)*(u+bu) + (v+bv)*(v+bv)) * grain * grain / (stray * stray)
			p.nodeTrust[n] = 1 / ((1 + off) * (1 + change*change))
		}
	}
}

// trusts lists the trust in the node at the middle of each tile of a plane.
func (p *member) trusts(in *input) {
	across, down := (in.W-1)/hop+2, (in.H-1)/hop+2
	p.trust = raster.Grow(p.trust, across*down)
	at := func(i, n int, nodes float32) int { return max(0, min(int(float32(hop*i)*nodes-0.5), n-1)) } // a node less, rounded
	for j := range down {
		row := p.nodeTrust[at(j, p.there.h, in.nodeY)*p.there.w:]
		for i := range across {
			p.trust[j*across+i] = row[at(i, p.there.w, in.nodeX)]
		}
	}
}

// trustsChroma lists the trust in tiles of chroma, of which a sample is hs by vs pixels: a neighbour whose luma shows something else there has
// no say, for chroma often looks alike where luma does not.
func (p *member) trustsChroma(in *input, hs, vs int) {
	// The share of a tile is how much of a neighbour counted there, from zero to one. Chosen by trial, as those of doubt.
	const (
		usual = 1.5 // times the mean share of the luma's tiles there, which is below one even where both show the same
		last  = 15  // times the least share
	)
	luma := p.planes[0]
	lumaAcross, lumaDown := (luma.W-1)/hop+2, (luma.H-1)/hop+2
	across, down := (in.W-1)/hop+2, (in.H-1)/hop+2
	p.trust = raster.Grow(p.trust, across*down)
	for j := range down {
		for i := range across {
			least, sum, n := float32(1), float32(0), float32(0)
			for y := max(0, vs*(j-1)+1); y < min(vs*(j+1), lumaDown); y++ {
				for x := max(0, hs*(i-1)+1); x < min(hs*(i+1), lumaAcross); x++ {
					share := p.share[y*lumaAcross+x]
					least, sum, n = min(least, share), sum+share, n+1
				}
			}
			p.trust[j*across+i] = min(1, usual*sum/max(1, n), last*least)
		}
	}
}
