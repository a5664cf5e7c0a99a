package capture

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/measure"
	"github.com/livestill/livestill/internal/pixels"
)

// A Metric measures how good a picture is beside others of the same scene, in decibels: the higher, the better. It is called for the
// literal picture and the few that are coded best beside it. They are shared and must not be written to.
type Metric func(*frame.Picture) float64

// The constants of Quality and of the choice: round numbers near a flat optimum on five scenes in twelve encodes, the same for streams they
// were not found on. The optimum is of what examples/quality -best prints, the gain in PSNR over the literal picture.
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
	alike      = 2 // pictures before and after a contender, which are coded as it is, and so no contenders
)

// Quality is the Metric of whoever names no other. It judges a picture by what is wrong with it beside its source: what compression took
// (frame.Picture.EffectiveQP), sensor noise, blur by motion or focus, and what is lost in black and white. Differences are near those in PSNR of
// the luma against a clean source, as far as compression and noise make them.
//
// Noise matters because a low quantiser keeps it: of a noisy scene the key picture is the most faithful copy, and not the best picture.
// Where the decoder does not tell quantisers, noise has no say: what compression has blurred most has least of it.
//
// It compares pictures of one scene. What a picture is worth beside those of other scenes is the PSNR of its Scores. That of a picture without pixels,
// which is nil, empty, or whose planes are too small for it, is zero.
func Quality(p *frame.Picture) float64 {
	if pixels.Check(p) != nil {
		return 0
	}
	return quality(p, measure.LumaOf(p.Y, p.YStride, p.Rect.Dx(), p.Rect.Dy()))
}

func quality(p *frame.Picture, l measure.Luma) float64 {
	q := sharpnessWeight*20*math.Log10(l.Sharpness+1) - clippedWeight*(l.Black+l.White)
	if p.EffectiveQP != 0 {
		q -= decibels(codingError(p.EffectiveQP) + noiseWeight*l.Noise*l.Noise)
	}
	return q
}

// codingError estimates the mean square error of a picture by its effective quantiser: 20 at the usual 30.
func codingError(qp float32) float64 { return math.Exp2(float64(qp) / doubling) }

func decibels(power float64) float64 { return 10 * math.Log10(power) }

// rank sorts those pictures of a window, given in presentation order, that are worth their pixels, the best to stand for the wanted one
// first. The window reaches span away from that.
func rank(window []candidate, wanted int, span time.Duration, metric Metric) (order []int) {
	all := contest{pictures: window, wanted: wanted, span: span}
	for i := range window {
		all.enter(i)
	}
	for _, i := range all.promising() {
		if window[i].picture != nil {
			window[i].merit = metric(window[i].picture)
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
		if literal.picture != nil && p.merit > literal.merit && measure.SameLuma(p.picture.YCbCr, literal.picture.YCbCr) { // a frozen stream
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
