package ffmpeg

// #include "raw.h"
// #include <libavutil/pixfmt.h>
import "C"

import (
	"context"
	"image"
	"image/color"
	"io"
	"unsafe"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg/internal/imagefile"
)

// Pixels of a side: the format has room for 2^31, but libpng takes no more unless it is told to (PNG_USER_WIDTH_MAX).
const maxPNG = 1_000_000

// A PNG encodes pictures as PNG files, which lose nothing: their pixels are those that the picture's At gives. At 1080p a file has some
// megabytes. Any number of goroutines may encode at once.
type PNG struct{}

// Type returns the media type, image/png.
func (*PNG) Type() string { return "image/png" }

// Encode writes p to w as a PNG file of 8-bit RGB that says it is sRGB. Width and height are a million at most, for libpng and all that reads files by it
// takes no more. A picture that is larger, or has no pixels, is an *Error with ErrUnsupported, and nothing is written. FFmpeg cannot be stopped within a picture: ctx ends the waiting for a
// place alone, see frame.Work.
func (e *PNG) Encode(ctx context.Context, w io.Writer, p *frame.Picture) error {
	return format{e.Type(), maxPNG, nil, e.file}.encode(ctx, w, p)
}

// By measure of BenchmarkEfforts, whose figures are in docs/figures.md: no other filter makes smaller files, and level 6 makes them 3.5 % smaller in
// twice the time.
func (*PNG) file(img *image.YCbCr) ([][]byte, error) { return pngFile(img, "up", "3") }

// pngFile makes a file with a filter for its lines, as pred of FFmpeg's encoder has them, and a level of zlib.
func pngFile(img *image.YCbCr, filter, level string) ([][]byte, error) {
	codec, err := findEncoder("png")
	if err != nil {
		return nil, err
	}
	f, err := packed(img, C.AV_PIX_FMT_RGB24, 3, func(to []byte, c color.RGBA) { to[0], to[1], to[2] = c.R, c.G, c.B })
	if err != nil {
		return nil, err
	}
	defer f.Free()
	file, err := encodeFrame(codec, f, [][2]string{{"pred", filter}, {"compression_level", level}}...)
	if err != nil {
		return nil, err
	}
	return imagefile.PNG(file)
}

// packed returns a frame with the pixels that img.At gives, as put writes each into its size bytes.
func packed(img *image.YCbCr, pixels astiav.PixelFormat, size int, put func(to []byte, c color.RGBA)) (*astiav.Frame, error) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	f, err := newFrame(w, h, pixels)
	if err != nil {
		return nil, err
	}
	line := make([]byte, w*size)
	for y := range h {
		for x := range w {
			c := img.YCbCrAt(img.Rect.Min.X+x, img.Rect.Min.Y+y)
			r, g, b := color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
			put(line[x*size:], color.RGBA{R: r, G: g, B: b, A: 255})
		}
		C.ls_line(f.UnsafePointer(), C.int(y), (*C.uint8_t)(unsafe.SliceData(line)), C.int(len(line)))
	}
	return f, nil
}
