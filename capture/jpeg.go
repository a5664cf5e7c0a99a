package capture

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"io"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/srgb"
)

// JPEG encodes with the standard library's image/jpeg. ffmpeg.JPEG makes better files four times as fast.
type JPEG struct {
	Quality int // 1 to 100; zero means 90
}

// Encode writes p to w as a JFIF file with a profile of sRGB. It is an error if p has no pixels, or planes that are too small for it.
func (j JPEG) Encode(ctx context.Context, w io.Writer, p *frame.Picture) error {
	if err := sched.Check(p); err != nil {
		return fmt.Errorf("jpeg: %w", err)
	}
	quality := j.Quality
	if quality == 0 {
		quality = 90
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

// EncodeQuality is Encode at another quality, from 1 to 100.
func (j JPEG) EncodeQuality(ctx context.Context, w io.Writer, p *frame.Picture, quality int) error {
	return JPEG{Quality: quality}.Encode(ctx, w, p)
}

// Type returns "image/jpeg".
func (JPEG) Type() string { return "image/jpeg" }
