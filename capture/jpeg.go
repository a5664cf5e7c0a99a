package capture

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image/jpeg"
	"io"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/pixels"
	"github.com/livestill/livestill/internal/srgb"
)

// JPEG encodes with the standard library's image/jpeg. ffmpeg.JPEG makes better files four times as fast.
type JPEG struct {
	Quality int // 1 to 100; zero means 90
}

// Encode writes p to w as a JFIF file with a profile of sRGB. Width and height are 65,500 at most, for libjpeg and all that reads files by it takes
// no more. A picture that is larger, or has no pixels, is an ErrUnsupported, a Quality that there is not an ErrSetting, and nothing is written.
func (j JPEG) Encode(ctx context.Context, w io.Writer, p *frame.Picture) error {
	if err := pixels.CheckFile(p, pixels.MaxJPEG); err != nil {
		return fmt.Errorf("%s: %w", j.Type(), err)
	}
	quality := cmp.Or(j.Quality, 90)
	if err := j.checkQuality(quality); err != nil {
		return err
	}
	var file bytes.Buffer
	err := frame.Work(ctx, func(context.Context) error { return jpeg.Encode(&file, p.YCbCr, &jpeg.Options{Quality: quality}) })
	if err != nil {
		return err
	}
	if _, err = w.Write(srgb.JFIF()); err != nil {
		return err
	}
	const marker = 2 // bytes of SOI, with which image/jpeg begins, and JFIF too
	_, err = w.Write(file.Bytes()[marker:])
	return err
}

// checkQuality refuses a quality that there is not.
func (j JPEG) checkQuality(quality int) error {
	if quality < 1 || quality > 100 {
		return fmt.Errorf("%s: %w: the quality %d: ask for 1 to 100", j.Type(), ErrSetting, quality)
	}
	return nil
}

// EncodeQuality is Encode at another quality, from 1 to 100; any other is an ErrSetting.
func (j JPEG) EncodeQuality(ctx context.Context, w io.Writer, p *frame.Picture, quality int) error {
	if err := j.checkQuality(quality); err != nil {
		return err
	}
	return JPEG{Quality: quality}.Encode(ctx, w, p)
}

// Type returns "image/jpeg".
func (JPEG) Type() string { return "image/jpeg" }
