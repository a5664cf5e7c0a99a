package ffmpeg

// #cgo pkg-config: libswscale
// #include <libswscale/swscale.h>
// #include "raw.h"
import "C"

import (
	"fmt"
	"math"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/pixels"
)

const (
	// A picture that square pixels make larger than its headers told, by more than this many times, is left as it is: what Cost says of it would be
	// wrong. AV1 and MJPEG, of which Cost does not know the shape of pixels, have up to 16:11 in practice.
	mostWidened = 1.5

	// No picture is made wider than a JPEG file can be.
	mostWidth = pixels.MaxJPEG
)

// readable makes of f a frame that our own loops can read, with square pixels, by swscale. It returns nil if f is one already. size is what
// headers say of it. swscale is not told of the colours, so it leaves them alone; more than 8 bits are dithered down, unless they are to be kept.
func (g *gopDecoder) readable(f *astiav.Frame, raw *C.ls_raw, size bitstream.Size, keepBits bool) (*astiav.Frame, error) {
	most := int(mostWidened * float64(size.Pixels()) * g.d.widened(size))
	width := squareWidth(raw, min(g.d.maxPixels(), most))
	known := raw.layout != C.LS_OTHER || keepBits && raw.wide != C.LS_OTHER
	if known && raw.sub_x <= 1 && raw.sub_y <= raw.sub_x && width == int(raw.width) {
		return nil, nil
	}
	format := readableFormat(raw, keepBits && raw.depth > 8)
	scaler, err := astiav.CreateSoftwareScaleContext(int(raw.width), int(raw.height), f.PixelFormat(), width, int(raw.height),
		format, astiav.SoftwareScaleContextFlags(C.SWS_LANCZOS|C.SWS_ACCURATE_RND))
	if err != nil {
		return nil, fmt.Errorf("%w: pixel format %v", ErrUnsupported, f.PixelFormat())
	}
	defer scaler.Free()
	to := astiav.AllocFrame()
	to.SetWidth(width)
	to.SetHeight(int(raw.height))
	to.SetPixelFormat(format)
	C.ls_like(to.UnsafePointer(), f.UnsafePointer())
	err = to.AllocBuffer(0)
	if err == nil {
		err = scaler.ScaleFrame(f, to)
	}
	if err != nil {
		to.Free()
		return nil, err
	}
	return to, nil
}

// square returns the width that makes the pixels square, even if it is absurd; the height stays.
func square(raw *C.ls_raw) int {
	if raw.sar_num <= 0 || raw.sar_den <= 0 {
		return int(raw.width) // it is not known
	}
	return max(int(math.Round(float64(raw.width)*float64(raw.sar_num)/float64(raw.sar_den))), 1)
}

// squareWidth is square, or the width as it is where that would be absurd, or too large.
func squareWidth(raw *C.ls_raw, maxPixels int) int {
	w, num, den := int(raw.width), int(raw.sar_num), int(raw.sar_den)
	wanted := square(raw)
	if num > bitstream.MaxAspect*den || den > bitstream.MaxAspect*num || wanted > max(w, mostWidth) || wanted*int(raw.height) > maxPixels {
		return w
	}
	return wanted
}

// readableFormat returns the format of 8 bits, or of 16, nearest to that of raw, of the same range as far as swscale is concerned.
func readableFormat(raw *C.ls_raw, wide bool) astiav.PixelFormat {
	format := func(plain, yuvj, wider astiav.PixelFormat) astiav.PixelFormat {
		switch {
		case wide:
			return wider
		case raw.yuvj != 0:
			return yuvj
		}
		return plain
	}
	switch {
	case raw.rgb != 0:
		return format(astiav.PixelFormatGbrp, astiav.PixelFormatGbrp, astiav.PixelFormatGbrp16Le)
	case raw.grey != 0:
		return format(astiav.PixelFormatGray8, astiav.PixelFormatGray8, astiav.PixelFormatGray16Le)
	case raw.sub_x == 0:
		return format(astiav.PixelFormatYuv444P, astiav.PixelFormatYuvj444P, astiav.PixelFormatYuv444P16Le)
	case raw.sub_y == 0:
		return format(astiav.PixelFormatYuv422P, astiav.PixelFormatYuvj422P, astiav.PixelFormatYuv422P16Le)
	}
	return format(astiav.PixelFormatYuv420P, astiav.PixelFormatYuvj420P, astiav.PixelFormatYuv420P16Le)
}
