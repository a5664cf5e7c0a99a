package capture

import (
	"math"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/measure"
	"github.com/livestill/livestill/internal/pixels"
)

// Scores tell what is wrong with a picture, as far as it can be told without the scene. All are of the luma of the picture as it was
// decoded, by one in four of its blocks of 8x8 pixels; of one with no such block all are zero.
type Scores struct {
	// PSNR estimates the peak signal-to-noise ratio against the scene that
	// a perfect camera would have seen, 0 to 60 dB: what compression and
	// sensor noise took, by the quantisers, what fine detail there is to be
	// lost, and the noise left. Of live encodes half are within 1 dB of it,
	// nearly all within 3. It knows nothing of focus, shake, and damage.
	//
	// It is zero if the decoder tells no quantisers, as it does of H.264
	// and MPEG-4: by pixels alone, detail that never was there looks like
	// detail that was lost.
	PSNR float64 `json:"psnr"`

	// Quality is what the function Quality says: near the PSNR in its
	// differences, for pictures of one scene only, with blur counted in. It
	// is there for all codecs.
	Quality float64 `json:"quality"`

	// Sharpness is the root mean square of the gradient, 0 to 361 code
	// values per pixel. It compares pictures of one scene, too: 8 to 25 are
	// usual.
	Sharpness float64 `json:"sharpness"`

	// Noise is a standard deviation where the picture is flattest, 0 to 128
	// code values; 1 is hardly seen, 5 is a bad night.
	Noise float64 `json:"noise"`

	// Blockiness tells by what part steps are smaller within blocks than
	// between them, 0 to 1; below 0.2 is none to be seen.
	Blockiness float64 `json:"blockiness"`

	Brightness float64 `json:"brightness"` // mean, 0 to 255

	// Black is the share of pixels that are black, 0 to 1.
	Black float64 `json:"black"`

	// White is the share that is white, burnt out, 0 to 1.
	White float64 `json:"white"`

	// MotionBlur tells by what part steps are weaker along one direction
	// than along another, by what coarser detail promises, 0 to 1. Sharp
	// pictures and those that are soft all around have up to 0.35, those
	// smeared by four pixels or more 0.4 to 0.7 as a rule; it does not tell
	// by how far, and a smear that is longer than most things are large is
	// not seen.
	MotionBlur float64 `json:"motion_blur"`
}

// Rate measures a picture, in about 4 ms at 1080p. A Camera does so beside enhancing and encoding. Without pixels all Scores are zero: of a nil picture,
// an empty one, and one whose planes are too small for it.
func Rate(p *frame.Picture) Scores {
	if pixels.Check(p) != nil {
		return Scores{}
	}
	l := measure.LumaOf(p.Y, p.YStride, p.Rect.Dx(), p.Rect.Dy())
	if l == (measure.Luma{}) {
		return Scores{}
	}
	s := Scores{
		Quality: quality(p, l), Sharpness: l.Sharpness, Noise: l.Noise, Blockiness: l.Blockiness, Brightness: l.Brightness,
		Black: l.Black, White: l.White, MotionBlur: l.Smear,
	}
	if p.EffectiveQP != 0 {
		s.PSNR = min(max(decibels(255*255/squaredError(float64(p.EffectiveQP), l)), 0), 60)
	}
	return s
}

// The constants of squaredError were fitted together to the mean square errors of 600 pictures: pans, zooms, and shakes over 15 photographs,
// clean and with noise, coded by x264 at four bitrates each. Streams of other scenes are as near to it: examples/quality -score tells how near.
const (
	usualQP = 30.
	usual   = 7.8 // mean square error at usualQP of a picture whose fine coefficients have an energy of 1

	// Were all coefficients quantised, the error would double in three steps of the quantiser, whatever the detail; were all dropped,
	// it would be their energy, whatever the quantiser. Live streams are between the two.
	stepsDoubling = 4.7
	detailPower   = 0.29

	grainWeight = 0.65    // half of the blocks have less grain than the median, and in most scenes some of it is texture
	rounding    = 1. / 12 // the variance of rounding to whole values
)

// squaredError estimates the mean square error of a picture.
func squaredError(qp float64, l measure.Luma) float64 {
	const least = 0.1 // of detail, that of rounding
	coding := usual * math.Exp2((qp-usualQP)/stepsDoubling) * math.Pow(l.Detail+least, detailPower)
	return coding + grainWeight*l.Grain + rounding
}
