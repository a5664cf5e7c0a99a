package ffmpeg

// #include "raw.h"
import "C"

import (
	"cmp"
	"context"
	"image"
	"io"
	"math"
	"strconv"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg/internal/imagefile"
	"github.com/livestill/livestill/internal/pixels"
)

// FFmpeg's quantiser scales, in which 1 is the finest, and what one step of them is in its lambda units (FF_QP2LAMBDA).
const (
	finest   = 1
	coarsest = 31
	lambda   = 118
)

const (
	defaultQuality = 90
	maxQuality     = 100
)

// A JPEG encodes pictures as JPEG files, about four times as fast as package image/jpeg and at equal looks somewhat smaller.
// Any number of goroutines may encode at once.
type JPEG struct {
	// Quality is 1 to 100, meant as libjpeg means it; zero means 90. FFmpeg
	// has 31 steps for them: quantiser scale (200-2*Quality)/10, above 50,
	// and 500/Quality below, rounded. So 95 and above is scale 1, the
	// finest; 90 is 2, where it is level with libjpeg's 90 in SSIM; 75 is
	// 5; 16 and below is 31, the coarsest.
	Quality int

	// Chroma444 makes files of as many samples of colour as of luma, 4:4:4,
	// whatever the picture has. Those between are made as libjpeg's
	// readers make them. It is for what reads files without doing that,
	// and for text to be drawn on what it reads.
	Chroma444 bool
}

// Type returns the media type, image/jpeg.
func (j *JPEG) Type() string { return "image/jpeg" }

// Encode writes p to w, as a JFIF file with a profile of sRGB. The picture may be 4:4:4, 4:2:2 or 4:2:0, and stays so; other subsamplings become
// 4:4:4. Width and height are 65,500 at most, for libjpeg and all that reads files by it takes no more. A picture that is larger, or has no pixels,
// is an *Error with ErrUnsupported, a Quality that there is not one with ErrSetting, and nothing is written. FFmpeg cannot be stopped within a
// picture: ctx ends the waiting for a place alone, see frame.Work.
func (j *JPEG) Encode(ctx context.Context, w io.Writer, p *frame.Picture) error {
	return format{j.Type(), pixels.MaxJPEG, inRange("Quality", j.Quality, maxQuality), j.file}.encode(ctx, w, p)
}

// scale returns the quantiser scale for the quality.
func (j *JPEG) scale() int {
	quality := cmp.Or(j.Quality, defaultQuality)
	percent := 200 - 2*float64(quality)
	if quality < 50 {
		percent = 5000 / float64(quality)
	}
	return min(max(int(math.Round(percent/10)), finest), coarsest)
}

func (j *JPEG) file(img *image.YCbCr) ([][]byte, error) {
	if j.Chroma444 {
		img = pixels.Smooth444(img)
	}
	img, layout := encodable(img)
	codec, err := findEncoder("mjpeg")
	if err != nil {
		return nil, err
	}
	f, err := copied(img, layout)
	if err != nil {
		return nil, err
	}
	defer f.Free()
	C.ls_still(f.UnsafePointer(), 1, C.int(j.scale()*lambda))
	file, err := encodeFrame(codec, f, [][2]string{
		{"flags", "+qscale"},
		{"qmin", strconv.Itoa(finest)}, // it is 2 otherwise
		{"global_quality", strconv.Itoa(j.scale() * lambda)},
		{"strict", "unofficial"},
	}...)
	if err != nil {
		return nil, err
	}
	return imagefile.JPEG(file)
}
