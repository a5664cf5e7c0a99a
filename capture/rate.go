package capture

import (
	"math"
	"slices"

	"github.com/livestill/livestill/frame"
)

// Scores tell what is wrong with a picture, as far as it can be told without the scene. All are of the luma of the picture as it was
// decoded, by one in four of its blocks of 8x8 pixels; of one with no such block all are zero.
type Scores struct {
	// PSNR estimates the peak signal-to-noise ratio against the scene that a perfect camera would have seen, 0 to 60 dB: what
	// compression and sensor noise took, by the quantisers, what fine detail there is to be lost, and the noise left. Of live encodes
	// half are within 1 dB of it, nearly all within 3. It knows nothing of focus, shake, and damage. It is zero if the decoder tells no
	// quantisers, as it does of H.264 and MPEG-4: by pixels alone, detail that never was there looks like detail that was lost.
	PSNR float64

	// Quality is what the function Quality says: near the PSNR in its differences, for pictures of one scene only, with blur counted in.
	// It is there for all codecs.
	Quality float64

	// Sharpness is the root mean square of the gradient, 0 to 361 code values per pixel. It compares pictures of one scene, too: 8
	// to 25 are usual.
	Sharpness float64

	Noise      float64 // standard deviation where the picture is flattest, 0 to 128 code values; 1 is hardly seen, 5 is a bad night
	Blockiness float64 // by what part steps are smaller within blocks than between them, 0 to 1; below 0.2 is none to be seen
	Brightness float64 // mean, 0 to 255
	Black      float64 // share of pixels that are black, 0 to 1
	White      float64 // share that is white, burnt out, 0 to 1

	// MotionBlur tells by what part steps are weaker along one direction than along another, by what coarser detail promises, 0 to 1.
	// Sharp pictures and those that are soft all around have up to 0.35, those smeared by four pixels or more 0.4 to 0.7 as a rule;
	// it does not tell by how far, and a smear that is longer than most things are large is not seen.
	MotionBlur float64
}

// Rate measures a picture, in about 4 ms at 1080p. A Camera does so beside enhancing and encoding.
func Rate(p *frame.Picture) Scores {
	l := lookAt(p.Y, p.YStride, p.Rect.Dx(), p.Rect.Dy())
	if l == (look{}) {
		return Scores{}
	}
	s := Scores{
		Quality: quality(p, l), Sharpness: l.sharpness, Noise: l.noise, Blockiness: l.blockiness, Brightness: l.brightness,
		Black: l.black, White: l.white, MotionBlur: l.smear,
	}
	if p.EffectiveQP != 0 {
		s.PSNR = min(max(decibels(255*255/squaredError(float64(p.EffectiveQP), l)), 0), 60)
	}
	return s
}

// The constants of squaredError are fitted to 600 pictures: pans, zooms, and shakes over 15 photographs, clean and with noise, coded by
// x264 at four bitrates each. Streams of other scenes are as near to it: see examples/quality.
const (
	usualQP = 30.
	usual   = 7.8 // mean square error at usualQP of a picture whose fine coefficients have an energy of 1

	// Were all coefficients quantised, the error would double in three steps of the quantiser, whatever the detail; were all dropped,
	// it would be their energy, whatever the quantiser. Live streams are between the two.
	stepsDoubling = 4.7
	detailPower   = 0.29

	grainWeight = 0.65 // half of the blocks have less grain than the median, and in most scenes some of it is texture
	rounding    = 1. / 12
)

// squaredError estimates the mean square error of a picture.
func squaredError(qp float64, l look) float64 {
	const least = 0.1 // of detail, that of rounding
	coding := usual * math.Exp2((qp-usualQP)/stepsDoubling) * math.Pow(l.detail+least, detailPower)
	return coding + grainWeight*l.grain + rounding
}

// A look is what the luma of a picture shows at a glance.
type look struct {
	noise        float64 // standard deviation, in code values
	grain        float64 // variance of what looks like noise in the median block
	sharpness    float64 // root mean square of the gradient, in code values per pixel
	detail       float64 // mean energy of fine coefficients
	black, white float64 // shares
	brightness   float64 // mean, in code values
	blockiness   float64 // as in Scores
	smear        float64 // MotionBlur of Scores
}

// lookAt looks at one in four blocks of 8x8 pixels, along diagonals: blocks as codecs have them, so that what a codec dropped is not
// smeared into what it kept.
func lookAt(pix []byte, stride, w, h int) look {
	var noise, grain []float64
	var s sums
	n := 0
	for y := 0; y+8 <= h; y += 8 {
		for x := y & 24; x+8 <= w; x += 32 {
			fine, clipped := s.block(pix[y*stride+x:], stride)
			grainy := s.directions(pix[y*stride+x:], stride)
			if x+8 < w && y+8 < h {
				s.borders(pix[y*stride+x:], stride)
			}
			n++
			if !clipped { // else clipping took its noise
				noise, grain = append(noise, fine), append(grain, grainy)
			}
		}
	}
	if n == 0 {
		return look{}
	}
	const most = 255. // which bounds the standard deviation to half of it
	blocks, pixels := float64(n), float64(64*n)
	l := look{
		noise: min(floor(noise), most/2), sharpness: math.Sqrt(float64(s.slope) / 56 / blocks), detail: s.fine / blocks,
		black: float64(s.black) / pixels, white: float64(s.white) / pixels, brightness: min(s.light/8/blocks, most),
	}
	if len(grain) > 0 {
		slices.Sort(grain)
		l.grain = grain[len(grain)/2]
	}
	if 2*s.between > s.within {
		l.blockiness = 1 - float64(s.within)/float64(2*s.between)
	}
	white := blocks * l.noise * l.noise // white noise is in all directions alike
	s.steps.add(-28*white, -28*white, 0)
	s.swings.add(-white, -white, 0)
	l.smear = smear(s.steps, s.swings)
	return l
}

// floor returns the standard deviation of noise that is the same all over a picture, of the energies of blocks in which there may be
// texture, too. The flattest tenth tells it, unless the flattest fiftieth says otherwise: see enhance.Noise.
func floor(energies []float64) float64 {
	const tenthOfChi, fiftiethOfChi = 0.749, 0.626 // quantiles of chi-squared over its 48 degrees of freedom
	if len(energies) == 0 {
		return 0
	}
	slices.Sort(energies)
	tenth := math.Sqrt(max(0, energies[len(energies)/10]) / tenthOfChi)
	fiftieth := math.Sqrt(max(0, energies[len(energies)/50]) / fiftiethOfChi)
	if tenth <= 2*fiftieth {
		return tenth
	}
	return fiftieth * max(1, 4*fiftieth/tenth)
}

// A tensor tells how much a picture changes along each direction: sums of products of differences across and down.
type tensor struct{ xx, yy, xy float64 }

func (t *tensor) add(xx, yy, xy float64) { *t = tensor{t.xx + xx, t.yy + yy, t.xy + xy} }

// smear returns by what part fine change falls short, in the direction where it does most, of what coarse change there says that it should
// be, beside the direction where it falls short least. Were the scene's edges smeared over n pixels along one direction, each step
// there would be n times smaller and n times as long, and its square sum n times smaller, as long as coarse change is not smeared, too.
func smear(fine, coarse tensor) float64 {
	const least = 1e-3 // of the one direction beside the other; below, there is nothing to tell
	det := coarse.xx*coarse.yy - coarse.xy*coarse.xy
	if coarse.xx <= 0 || coarse.yy <= 0 || fine.xx <= 0 || fine.yy <= 0 || det <= least*coarse.xx*coarse.yy {
		return 0
	}
	// The eigenvalues of fine over coarse are the least and the most that is left of change in any direction.
	trace := (coarse.yy*fine.xx - 2*coarse.xy*fine.xy + coarse.xx*fine.yy) / det
	product := max(0, fine.xx*fine.yy-fine.xy*fine.xy) / det
	root := math.Sqrt(max(0, trace*trace/4-product))
	return min(max(1-(trace/2-root)/(trace/2+root), 0), 1)
}

// Sums over the blocks that were looked at.
type sums struct {
	fine            float64 // energy of fine coefficients, the mean of each block
	slope           int64   // squares of all steps across and down
	steps           tensor  // of steps in the middle of four pixels, 28 in each block
	swings          tensor  // of the coarsest coefficients
	black, white    int
	light           float64 // of eight times the mean
	within, between int64   // steps in size: two per row and column within a block, one to the next block
}

// block adds a block of 8x8 pixels. It returns the mean energy of the 48 coefficients whose frequency is high in either direction, and
// whether any of its pixels is black or white. The energy is that of the pixels less that of the 16 other coefficients.
func (s *sums) block(pix []byte, stride int) (fine float64, clipped bool) {
	var rows [4][8]float64 // the lower half of each row's transform
	energy, slope, black, white := int32(0), int32(0), 0, 0
	above := (*[8]byte)(pix)
	for v := range 8 {
		row := (*[8]byte)(pix[v*stride:])
		left := int32(row[0])
		for u, b := range row {
			c := int32(b)
			energy += c * c
			slope += (c-left)*(c-left) + (c-int32(above[u]))*(c-int32(above[u]))
			left = c
			if b-2 >= 252 { // 0, 1, 254, 255
				if b < 2 {
					black++
				} else {
					white++
				}
			}
		}
		above = row
		rows[0][v], rows[1][v], rows[2][v], rows[3][v] = lower(float64(row[0]), float64(row[1]), float64(row[2]), float64(row[3]),
			float64(row[4]), float64(row[5]), float64(row[6]), float64(row[7]))
	}
	coarse, across, down := 0., 0., 0.
	for u, r := range rows {
		a, b, c, d := lower(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7])
		coarse += a*a + b*b + c*c + d*d
		switch u {
		case 0:
			s.light += a
			down = b
		case 1:
			across = a
		}
	}
	fine = max(0, (float64(energy)-coarse)/48)
	s.fine += fine
	s.slope += int64(slope)
	s.swings.add(across*across, down*down, across*down)
	s.black += black
	s.white += white
	return fine, black+white > 0
}

// directions adds the steps of a block. Where four pixels meet, the differences along the diagonals, p and q, tell those across and down:
//
//	a b    p = d - a    across (p+q)/2
//	c d    q = b - c    down   (p-q)/2
//
// Of an edge across or down a+d is b+c, and nearly so of a slanted one; of white noise the difference has four times its variance (much
// as Immerkaer, "Fast noise variance estimation", 1996). directions returns what variance that is.
func (s *sums) directions(pix []byte, stride int) (grain float64) {
	var pp, qq, pq, rr int32
	for v := 0; v < 8; v += 2 {
		upper, lower := (*[8]byte)(pix[v*stride:]), (*[8]byte)(pix[(v+1)*stride:])
		a, c := int32(upper[0]), int32(lower[0])
		for u := 1; u < 8; u++ {
			b, d := int32(upper[u]), int32(lower[u])
			p, q, r := d-a, b-c, a+d-b-c
			pp += p * p
			qq += q * q
			pq += p * q
			rr += r * r
			a, c = b, d
		}
	}
	s.steps.add(float64(pp+qq+2*pq)/4, float64(pp+qq-2*pq)/4, float64(pp-qq)/4)
	return float64(rr) / 4 / 28
}

// borders adds steps from a block to the next ones, and steps within it that are between no blocks of any transform. It looks at every
// other row and column.
func (s *sums) borders(pix []byte, stride int) {
	var within, between int32
	for v := 0; v < 8; v += 2 {
		r := (*[9]byte)(pix[v*stride:])
		within += distant(r[1], r[2]) + distant(r[5], r[6])
		between += distant(r[7], r[8])
	}
	a, b := (*[8]byte)(pix[stride:]), (*[8]byte)(pix[2*stride:])
	c, d := (*[8]byte)(pix[5*stride:]), (*[8]byte)(pix[6*stride:])
	e, f := (*[8]byte)(pix[7*stride:]), (*[8]byte)(pix[8*stride:])
	for u := 0; u < 8; u += 2 {
		within += distant(a[u], b[u]) + distant(c[u], d[u])
		between += distant(e[u], f[u])
	}
	s.within += int64(within)
	s.between += int64(between)
}

func distant(a, b byte) int32 {
	d := int32(a) - int32(b)
	return max(d, -d)
}

// lower returns the lower half of the discrete cosine transform of eight values.
func lower(a, b, c, d, e, f, g, h float64) (c0, c1, c2, c3 float64) {
	const k0, k1, k2, k3, k5, k6, k7 = 0.353553391, 0.490392640, 0.461939766, 0.415734806, 0.277785117, 0.191341716, 0.097545161
	s0, s1, s2, s3 := a+h, b+g, c+f, d+e
	d0, d1, d2, d3 := a-h, b-g, c-f, d-e
	return k0 * (s0 + s1 + s2 + s3), k1*d0 + k3*d1 + k5*d2 + k7*d3, k2*(s0-s3) + k6*(s1-s2), k3*d0 - k7*d1 - k1*d2 - k5*d3
}
