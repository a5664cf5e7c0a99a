package ffmpeg

import (
	"image"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/turn"
)

// upright returns the image that convert makes with the function that it is given, turned as o says, and tells what was changed for that. Where
// nothing is to be turned, that is done in one go; else the image is made twice.
func (d *Decoder) upright(o bitstream.Orientation,
	convert func(newImage imageMaker) (*image.YCbCr, error),
) (img *image.YCbCr, changes frame.Changes, err error) {
	if o == (bitstream.Orientation{}) {
		img, err = convert(d.newImage)
		return img, 0, err
	}
	coded, err := convert(image.NewYCbCr)
	if err != nil {
		return nil, 0, err
	}
	if o.Rotation != 0 {
		changes |= frame.Turned
	}
	if o.Mirrored {
		changes |= frame.Flipped
	}
	return turn.Picture(coded, o.Rotation, o.Mirrored, d.newImage), changes, nil
}
