package ffmpeg

// #include "raw.h"
// #include <libavutil/pixfmt.h>
import "C"

import (
	"cmp"
	"context"
	"encoding/binary"
	"image"
	"image/color"
	"io"
	"strconv"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg/internal/imagefile"
	"github.com/livestill/livestill/internal/pixels"
)

const (
	maxWebP            = 16383 // pixels of a side: VP8 has 14 bits for them
	defaultWebPQuality = 90
	// Of 100. Files of 1080p are a fortieth smaller at 50, which takes twice the time, and hardly more so at 90, which takes ten times.
	losslessEffort = "20"
)

// A WebP encodes pictures as WebP files. The linked FFmpeg has to have libwebp. Any number of goroutines may encode at once.
type WebP struct {
	// Quality is 1 to 100, as libwebp means it; zero means 90, where files
	// are level with a JPEG's of 90 in SSIM. Lossless files have none.
	Quality int

	// Lossless makes files whose pixels are those that the picture's At
	// gives. Others have half as many samples of colour as of luma, both
	// across and down.
	Lossless bool
}

// Type returns the media type, image/webp.
func (*WebP) Type() string { return "image/webp" }

// Encode writes p to w as a WebP file with a profile of sRGB. Width and height are 16,383 at most, for which the format has room. If FFmpeg has no
// libwebp, or the picture is larger or has no pixels, the error is an *Error with ErrUnsupported; of a Quality that there is not it has ErrSetting.
// Nothing is written then. FFmpeg cannot be stopped within a picture: ctx ends the waiting for a place alone, see frame.Work.
func (e *WebP) Encode(ctx context.Context, w io.Writer, p *frame.Picture) error {
	return format{e.Type(), maxWebP, inRange("Quality", e.Quality, maxQuality), e.file}.encode(ctx, w, p)
}

// EncodeQuality is Encode at another Quality, from 1 to 100; any other is an ErrSetting. Lossless files have none.
func (e *WebP) EncodeQuality(ctx context.Context, w io.Writer, p *frame.Picture, quality int) error {
	other := *e
	if err := setQuality(&other.Quality, e.Type(), quality); err != nil {
		return err
	}
	return other.Encode(ctx, w, p)
}

func (e *WebP) file(img *image.YCbCr) ([][]byte, error) {
	codec, err := findEncoder("libwebp")
	if err != nil {
		return nil, err
	}
	f, err := e.frame(img)
	if err != nil {
		return nil, err
	}
	defer f.Free()
	C.ls_still(f.UnsafePointer(), 0, 0)
	settings := [][2]string{{"quality", strconv.Itoa(cmp.Or(e.Quality, defaultWebPQuality))}}
	if e.Lossless {
		settings = [][2]string{{"lossless", "1"}, {"quality", losslessEffort}}
	}
	file, err := encodeFrame(codec, f, settings...)
	if err != nil {
		return nil, err
	}
	return imagefile.WebP(file, img.Rect.Size())
}

// frame returns what libwebp is given: the samples of VP8, or pixels.
func (e *WebP) frame(img *image.YCbCr) (*astiav.Frame, error) {
	if e.Lossless {
		return packed(img, C.AV_PIX_FMT_RGB32, 4, func(to []byte, c color.RGBA) {
			binary.NativeEndian.PutUint32(to, uint32(c.A)<<24|uint32(c.R)<<16|uint32(c.G)<<8|uint32(c.B))
		})
	}
	return copied(pixels.Limited420(img), C.AV_PIX_FMT_YUV420P)
}
