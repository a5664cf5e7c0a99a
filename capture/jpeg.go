package capture

import (
	"context"
	"image/jpeg"
	"io"

	"github.com/livestill/livestill/frame"
)

// JPEG encodes with the standard library's image/jpeg. ffmpeg.JPEG makes better files four times as fast.
type JPEG struct {
	Quality int // 1 to 100; zero means 90
}

// Encode writes p to w as a JPEG file.
func (j JPEG) Encode(ctx context.Context, w io.Writer, p *frame.Picture) error {
	quality := j.Quality
	if quality == 0 {
		quality = 90
	}
	return frame.Work(ctx, func(context.Context) error { return jpeg.Encode(w, p.YCbCr, &jpeg.Options{Quality: quality}) })
}

// EncodeQuality is Encode at another quality, from 1 to 100.
func (j JPEG) EncodeQuality(ctx context.Context, w io.Writer, p *frame.Picture, quality int) error {
	return JPEG{Quality: quality}.Encode(ctx, w, p)
}

// Type returns "image/jpeg".
func (JPEG) Type() string { return "image/jpeg" }
