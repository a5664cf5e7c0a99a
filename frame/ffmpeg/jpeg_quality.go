package ffmpeg

import (
	"context"
	"io"

	"github.com/livestill/livestill/frame"
)

// EncodeQuality is Encode at another Quality, from 1 to 100; any other is an ErrSetting.
func (j *JPEG) EncodeQuality(ctx context.Context, w io.Writer, p *frame.Picture, quality int) error {
	other := *j
	if err := setQuality(&other.Quality, j.Type(), quality); err != nil {
		return err
	}
	return other.Encode(ctx, w, p)
}
