package capture

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/livestill/livestill/frame"
)

// A Score rates a picture against others of the same scene, in decibels: the higher, the better. It is called for the literal picture
// and the few that are coded best beside it. They are shared and must not be written to.
type Score func(*frame.Picture) float64

// The constants of Quality and of the choice: round numbers near a flat optimum, the same for streams they were not found on. The
// program examples/quality measures what they do.
const (
	// Steps of the effective quantiser that double the error. At high bitrates error is quantisation noise, which doubles in three;
	// at those of live streams most of it is detail that the encoder dropped, and the little that is left to drop grows slower.
	doubling = 7.

	noiseWeight     = 3.  // noise is measured where it is least, in the flattest blocks, which encoders clean most
	sharpnessWeight = 0.1 // dB per dB: pictures of a pan differ by 1 dB and are equally true, a shaken one loses 6 dB and more
	clippedWeight   = 10. // dB for a picture that is all black or white

	// What a picture must gain to stand for the wanted one: to show another instant is a loss by itself, the greater the further away.
	leaving  = 0.2 // dB
	farthest = 0.2 // dB more, at the edge of the window

	contenders = 3 // pictures beside the wanted one that are worth their pixels; more of them win nothing
)

// Quality rates a picture by what is wrong with it beside its source: what compression took (frame.Picture.EffectiveQP), sensor
// noise, blur by motion or focus, and what is lost in black and white. Differences are near those in PSNR of the luma against a clean
// source, as far as compression and noise make them.
//
// Noise matters because a low quantiser keeps it: of a noisy scene the key picture is the most faithful copy, and not the best picture.
// Where the decoder does not tell quantisers, noise has no say: what compression has blurred most has least of it.
func Quality(p *frame.Picture) float64 {
	l := lookAt(p.Y, p.YStride, p.Rect.Dx(), p.Rect.Dy())
	q := sharpnessWeight*20*math.Log10(l.sharpness+1) - clippedWeight*l.clipped
	if p.EffectiveQP != 0 {
		q -= decibels(codingError(p.EffectiveQP) + noiseWeight*l.noise*l.noise)
	}
	return q
}

// codingError estimates the mean square error of a picture by its effective quantiser: 20 at the usual 30.
func codingError(qp float32) float64 { return math.Exp2(float64(qp) / doubling) }

func decibels(power float64) float64 { return 10 * math.Log10(power) }

// A candidate is a picture of a window. What it lacks is not known yet.
type candidate struct {
	target      target
	away        time.Duration // from the wanted picture, either way
	known       bool          // its data can be decoded, to no corrupt picture
	effectiveQP float32       // as in frame.Latent
	picture     *frame.Picture
	merit       float64
}

// promising returns which of the pictures of a window, in presentation order, are worth their pixels: the wanted one if it is whole, and
// the best coded ones, the best first, that could make up for their distance. Of neighbours, who are coded alike, it takes one.
func promising(window []candidate, wanted int, span time.Duration) []int {
	order := make([]int, 0, len(window))
	for i, p := range window {
		if i != wanted && p.known {
			order = append(order, i)
		}
	}
	merit := func(i int) float64 {
		return -decibels(codingError(window[i].effectiveQP)) - distance(window[i].away, span)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(merit(b), merit(a)) })
	var chosen []int
	for _, i := range order {
		alike := func(j int) bool { return max(i-j, j-i) <= 2 }
		if len(chosen) < contenders && !slices.ContainsFunc(chosen, alike) {
			chosen = append(chosen, i)
		}
	}
	if window[wanted].known {
		chosen = append([]int{wanted}, chosen...)
	}
	return chosen
}

// rank sorts those pictures of a window, given in presentation order, that are worth their pixels, the best to stand for the wanted one
// first. The window reaches span away from that.
func rank(window []candidate, wanted int, span time.Duration, score Score) (order []int) {
	for _, i := range promising(window, wanted, span) {
		if window[i].picture != nil {
			window[i].merit = score(window[i].picture)
			order = append(order, i)
		}
	}
	literal := window[wanted]
	for _, i := range order {
		if i == wanted {
			continue
		}
		p := &window[i]
		p.merit -= leaving + distance(p.away, span)
		if literal.picture != nil && p.merit > literal.merit && sameLuma(p.picture, literal.picture) { // a frozen stream
			p.merit = literal.merit
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(window[b].merit, window[a].merit) })
	return order
}

// distance returns what a picture loses by being away from the wanted instant.
func distance(away, span time.Duration) float64 {
	if span <= 0 {
		return 0
	}
	return farthest * float64(away) / float64(span)
}

func sameLuma(a, b *frame.Picture) bool {
	if a.Rect != b.Rect {
		return false
	}
	w := a.Rect.Dx()
	for y := range a.Rect.Dy() {
		if !slices.Equal(a.Y[y*a.YStride:][:w], b.Y[y*b.YStride:][:w]) {
			return false
		}
	}
	return true
}

// A look is what the luma of a picture shows at a glance.
type look struct {
	noise     float64 // standard deviation, in code values
	sharpness float64 // root mean square of the gradient, in code values per pixel
	clipped   float64 // share that is black or white
}

// lookAt looks at one in four blocks of 8x8 pixels, along diagonals: blocks as codecs have them, so that what a codec dropped is not
// smeared into what it kept.
func lookAt(pix []byte, stride, w, h int) look {
	var noise []float64
	sharp, clipped, n := 0., 0, 0
	for y := 0; y+8 <= h; y += 8 {
		for x := y & 24; x+8 <= w; x += 32 {
			fine, gradient, out := block(pix[y*stride+x:], stride)
			sharp += gradient
			clipped += out
			n++
			if out == 0 { // else clipping took its noise
				noise = append(noise, fine)
			}
		}
	}
	if n == 0 {
		return look{}
	}
	return look{noise: floor(noise), sharpness: math.Sqrt(sharp / float64(n)), clipped: float64(clipped) / float64(64*n)}
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

// block returns the mean energy of the 48 coefficients of a block of 8x8 pixels whose frequency is high in either direction, the mean
// square of its gradient, and how many of its pixels are black or white. The energy is that of the pixels less that of the 16 other
// coefficients.
func block(pix []byte, stride int) (fine, gradient float64, out int) {
	var rows [4][8]float64 // the lower half of each row's transform
	energy, slope := int32(0), int32(0)
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
				out++
			}
		}
		above = row
		rows[0][v], rows[1][v], rows[2][v], rows[3][v] = lower(float64(row[0]), float64(row[1]), float64(row[2]), float64(row[3]),
			float64(row[4]), float64(row[5]), float64(row[6]), float64(row[7]))
	}
	coarse := 0.
	for _, r := range rows {
		a, b, c, d := lower(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7])
		coarse += a*a + b*b + c*c + d*d
	}
	return (float64(energy) - coarse) / 48, float64(slope) / 56, out
}

// lower returns the lower half of the discrete cosine transform of eight values.
func lower(a, b, c, d, e, f, g, h float64) (c0, c1, c2, c3 float64) {
	const k0, k1, k2, k3, k5, k6, k7 = 0.353553391, 0.490392640, 0.461939766, 0.415734806, 0.277785117, 0.191341716, 0.097545161
	s0, s1, s2, s3 := a+h, b+g, c+f, d+e
	d0, d1, d2, d3 := a-h, b-g, c-f, d-e
	return k0 * (s0 + s1 + s2 + s3), k1*d0 + k3*d1 + k5*d2 + k7*d3, k2*(s0-s3) + k6*(s1-s2), k3*d0 - k7*d1 - k1*d2 - k5*d3
}
