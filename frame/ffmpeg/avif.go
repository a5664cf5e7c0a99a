package ffmpeg

// #include "raw.h"
// #include <libavutil/pixfmt.h>
import "C"

import (
	"cmp"
	"context"
	"image"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg/internal/imagefile"
)

// FFmpeg's names of encoders of AV1.
const (
	libaom = "libaom-av1"
	rav1e  = "librav1e"
)

const (
	maxAVIF            = 1 << 15 // pixels of a side: AV1 has room for twice as many, but libavif takes no more (AVIF_DEFAULT_IMAGE_DIMENSION_LIMIT)
	defaultAVIFQuality = 84
	slowest            = 1
	fastest            = 8 // of libaom's cpu-used for FFmpeg
)

// An AVIF encodes pictures as AVIF files, which are a fifth smaller than JPEG files at equal looks and take twenty times as long. The linked FFmpeg
// has to have libaom or librav1e, of which the first that is there is taken. Any number of goroutines may encode at once; each has one
// thread. An encoding takes some 30 bytes a pixel.
type AVIF struct {
	// Quality is 1 to 100, in even steps of AV1's quantiser; zero means 84,
	// where libaom's files are level with a JPEG's of 90 in SSIM.
	Quality int

	// Speed is 1, the slowest, whose files are the smallest, to 8, the
	// fastest; zero means 8. At equal SSIM files are 2 % smaller at 7, in
	// twice the time; 7 % at 6, in four times; 17 % at 4, in eighteen.
	Speed int
}

// Type returns the media type, image/avif.
func (*AVIF) Type() string { return "image/avif" }

// Encode writes p to w as an AVIF file that says it is sRGB. The picture may be 4:4:4, 4:2:2 or 4:2:0, and stays so; other subsamplings become 4:4:4.
// Width and height are 32,768 at most, for libavif and all that reads files by it takes no more; librav1e knows none below 16. If the picture is
// larger, or has no pixels, or FFmpeg has no encoder for it, the error is an *Error with ErrUnsupported; of a Quality or a Speed that there is not it
// has ErrSetting. Nothing is written then. FFmpeg cannot be stopped within a picture: ctx ends the waiting for a place alone, see frame.Work.
func (e *AVIF) Encode(ctx context.Context, w io.Writer, p *frame.Picture) error {
	settings := cmp.Or(inRange("Quality", e.Quality, maxQuality), inRange("Speed", e.Speed, fastest))
	return format{e.Type(), maxAVIF, settings, func(img *image.YCbCr) ([][]byte, error) {
		// By measure, of TestSizesOfFiles at equal SSIM: libaom takes half of the time of others, and the files of librav1e are a fifth larger. SVT-AV1
		// is left out: 1.4.1, which Debian 12 has, crashes where two encode at once.
		return e.file(img, libaom, rav1e)
	}}.encode(ctx, w, p)
}

// EncodeQuality is Encode at another Quality, from 1 to 100; any other is an ErrSetting.
func (e *AVIF) EncodeQuality(ctx context.Context, w io.Writer, p *frame.Picture, quality int) error {
	other := *e
	if err := setQuality(&other.Quality, e.Type(), quality); err != nil {
		return err
	}
	return other.Encode(ctx, w, p)
}

// file makes a file by the first of some encoders that there is for the image.
func (e *AVIF) file(img *image.YCbCr, encoders ...string) ([][]byte, error) {
	img, layout := encodable(img)
	size := img.Rect.Size()
	codec, err := findEncoder(slices.DeleteFunc(encoders, func(name string) bool {
		return name == rav1e && min(size.X, size.Y) < 16
	})...)
	if err != nil {
		return nil, err
	}
	f, err := copied(img, map[astiav.PixelFormat]astiav.PixelFormat{
		C.AV_PIX_FMT_YUVJ420P: C.AV_PIX_FMT_YUV420P,
		C.AV_PIX_FMT_YUVJ422P: C.AV_PIX_FMT_YUV422P,
		C.AV_PIX_FMT_YUVJ444P: C.AV_PIX_FMT_YUV444P,
	}[layout])
	if err != nil {
		return nil, err
	}
	defer f.Free()
	C.ls_still(f.UnsafePointer(), 1, 0)
	unit, err := encodeFrame(codec, f, e.settings(codec.Name())...)
	if err != nil {
		return nil, err
	}
	return imagefile.AVIF(unit, size)
}

// settings returns the options of an encoder.
func (e *AVIF) settings(name string) [][2]string {
	speed := cmp.Or(e.Speed, fastest)
	// The quantiser is 63 at worst. Zero would be lossless.
	quantiser := max(int(math.Round(float64(maxQuality-cmp.Or(e.Quality, defaultAVIFQuality))*63/maxQuality)), 1)
	settings := [][2]string{
		{"color_range", "pc"}, {"color_primaries", "bt709"}, {"color_trc", "iec61966-2-1"}, {"colorspace", "smpte170m"},
	}
	if name == rav1e {
		return append(settings, [2]string{"speed", strconv.Itoa(speed + 2)}, [2]string{"qp", strconv.Itoa(quantiser * 4)})
	}
	return append(settings, [][2]string{
		{"usage", "allintra"}, {"still-picture", "1"}, {"cpu-used", strconv.Itoa(speed)}, {"crf", strconv.Itoa(quantiser)}, {"b", "0"},
		{"enable-palette", "0"}, // it is for screens; at speed 8 it made a photograph half as large again
	}...)
}
