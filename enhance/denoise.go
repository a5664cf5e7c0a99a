package enhance

import (
	"context"
	"image"

	"github.com/livestill/livestill/enhance/internal/raster"
	"github.com/livestill/livestill/enhance/internal/spectrum"
)

// Denoise removes noise from a single picture: luma and both chroma planes, each by the noise measured in it. Edges and texture
// that stand out from the noise stay.
//
// It shrinks the spectrum of 8x8 tiles that overlap by half in both directions (Yu and Sapiro, "DCT image denoising", IPOL 2011),
// with a smooth empirical Wiener gain in place of their threshold. A plane in which no noise is measured is left as it is.
type Denoise struct {
	// Strength multiplies the measured noise; zero means 1. Above 1 fine
	// texture goes with the noise. Negative does nothing.
	Strength float64

	// Luma and Chroma are the noise to remove, where the caller knows it:
	// its standard deviation in code values. Zero means measured in the
	// picture, negative leaves those planes alone.
	Luma, Chroma float64
}

// minSigma is noise below which 8-bit pixels would not show the difference.
const minSigma = 0.2

// Apply removes noise from img.
func (d Denoise) Apply(ctx context.Context, img *image.YCbCr) error {
	planes, err := raster.Split(img)
	if err != nil {
		return err
	}
	for i, p := range planes {
		sigma := d.Luma
		if i > 0 {
			sigma = d.Chroma
		}
		if sigma == 0 {
			measured, trust := noise(ctx, p)
			sigma = measured * trust
		}
		if d.Strength != 0 {
			sigma *= d.Strength
		}
		if sigma > minSigma && p.W > 0 {
			if err := spectrum.Denoise(ctx, p, sigma); err != nil {
				return err
			}
		}
	}
	return context.Cause(ctx)
}
