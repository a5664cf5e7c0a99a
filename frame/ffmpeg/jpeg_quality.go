package ffmpeg

import (
	"context"
	"io"

	"github.com/livestill/livestill/frame"
)

// EncodeQuality is Encode at another Quality, from 1 to 100.
func (j *JPEG) EncodeQuality(ctx context.Context, w io.Writer, p *frame.Picture, quality int) error {
	other := *j
	other.Quality = quality
	return other.Encode(ctx, w, p)
}
