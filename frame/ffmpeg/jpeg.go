package ffmpeg

// #include "raw.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"strconv"
	"unsafe"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
)

// FFmpeg's quantiser scales, in which 1 is the finest, and what one step of them is in its lambda units (FF_QP2LAMBDA).
const (
	finest   = 1
	coarsest = 31
	lambda   = 118
)

// The quality used if none is set.
const defaultQuality = 90

// A JPEG encodes pictures as JPEG files, about four times as fast as package image/jpeg and at equal looks somewhat smaller.
// Any number of goroutines may encode at once.
type JPEG struct {
	// Quality is 1 to 100, meant as libjpeg means it; zero means 90. FFmpeg
	// has 31 steps for them: quantiser scale (200-2*Quality)/10, above 50,
	// and 500/Quality below, rounded. So 95 and above is scale 1, the
	// finest; 90 is 2, where it is level with libjpeg's 90 in SSIM; 75 is
	// 5; 16 and below is 31, the coarsest.
	Quality int
}

// Type returns the media type, image/jpeg.
func (j *JPEG) Type() string { return "image/jpeg" }

// Encode writes p to w, as a JFIF file. The picture may be 4:4:4, 4:2:2 or 4:2:0, and stays so; other subsamplings become 4:4:4. FFmpeg cannot be
// stopped within a picture: ctx ends the waiting for a place alone, see frame.Work.
func (j *JPEG) Encode(ctx context.Context, w io.Writer, p *frame.Picture) error {
	quiet()
	var file []byte
	err := frame.Work(ctx, func(context.Context) (err error) {
		file, err = j.encode(p.YCbCr)
		return err
	})
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, cause) {
		return err
	}
	if err != nil {
		return &Error{Step: "encode", Codec: frame.MJPEG, Err: err}
	}
	header, rest, err := jfif(file)
	if err != nil {
		return &Error{Step: "encode", Codec: frame.MJPEG, Err: err}
	}
	if _, err = w.Write(header); err == nil {
		_, err = w.Write(rest)
	}
	return err
}

// scale returns the quantiser scale for the quality.
func (j *JPEG) scale() int {
	quality := j.Quality
	if quality == 0 {
		quality = defaultQuality
	}
	quality = min(max(quality, 1), 100)
	percent := 200 - 2*float64(quality)
	if quality < 50 {
		percent = 5000 / float64(quality)
	}
	return min(max(int(math.Round(percent/10)), finest), coarsest)
}

// encode returns the file as FFmpeg makes it.
func (j *JPEG) encode(img *image.YCbCr) ([]byte, error) {
	img, format, err := encodable(img)
	if err != nil {
		return nil, err
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	codec := astiav.FindEncoder(astiav.CodecIDMjpeg)
	if codec == nil {
		return nil, ErrUnsupported
	}
	options := astiav.NewDictionary()
	defer options.Free()
	for _, o := range [][2]string{
		{"flags", "+qscale"},
		{"qmin", strconv.Itoa(finest)}, // it is 2 otherwise
		{"global_quality", strconv.Itoa(j.scale() * lambda)},
		{"strict", "unofficial"},
		{"threads", "1"},
	} {
		if err := options.Set(o[0], o[1], 0); err != nil {
			return nil, err
		}
	}
	encoder := astiav.AllocCodecContext(codec)
	defer encoder.Free()
	encoder.SetWidth(w)
	encoder.SetHeight(h)
	encoder.SetPixelFormat(format)
	encoder.SetTimeBase(astiav.NewRational(1, 1))
	if err := encoder.Open(codec, options); err != nil {
		return nil, err
	}

	f, err := copied(img, format)
	if err != nil {
		return nil, err
	}
	defer f.Free()
	C.ls_intra(f.UnsafePointer(), C.int(j.scale()*lambda))

	packet := astiav.AllocPacket()
	defer packet.Free()
	if err := encoder.SendFrame(f); err != nil {
		return nil, err
	}
	if err := encoder.SendFrame(nil); err != nil {
		return nil, err
	}
	if err := encoder.ReceivePacket(packet); err != nil {
		return nil, err
	}
	return packet.Data(), nil
}

// encodable returns the image with a subsampling that the encoder knows, and its pixel format.
func encodable(img *image.YCbCr) (*image.YCbCr, astiav.PixelFormat, error) {
	if img == nil || img.Rect.Empty() {
		return nil, 0, fmt.Errorf("%w: an empty picture", ErrUnsupported)
	}
	if !sound(img) {
		return nil, 0, fmt.Errorf("%w: a picture with planes smaller than itself", ErrUnsupported)
	}
	// A rectangle that does not begin on a chroma sample has no planes of its own to hand over.
	aligned := img.Rect.Min.X%2 == 0 && img.Rect.Min.Y%2 == 0
	switch {
	case img.SubsampleRatio == image.YCbCrSubsampleRatio444:
		return img, astiav.PixelFormatYuvj444P, nil
	case img.SubsampleRatio == image.YCbCrSubsampleRatio422 && aligned:
		return img, astiav.PixelFormatYuvj422P, nil
	case img.SubsampleRatio == image.YCbCrSubsampleRatio420 && aligned:
		return img, astiav.PixelFormatYuvj420P, nil
	}
	full := image.NewYCbCr(image.Rect(0, 0, img.Rect.Dx(), img.Rect.Dy()), image.YCbCrSubsampleRatio444)
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			from := img.YCbCrAt(img.Rect.Min.X+x, img.Rect.Min.Y+y)
			at := y*full.YStride + x
			full.Y[at], full.Cb[at], full.Cr[at] = from.Y, from.Cb, from.Cr
		}
	}
	return full, astiav.PixelFormatYuvj444P, nil
}

// sound reports whether the planes of an image, which is not empty, hold all of it: C does not check.
func sound(img *image.YCbCr) bool {
	last := img.Rect.Max.Sub(image.Pt(1, 1))
	line, chroma := img.Rect.Dx(), img.COffset(last.X, img.Rect.Min.Y)+1
	if img.Rect.Dy() > len(img.Y) || img.YStride < line || img.YStride > len(img.Y) || img.CStride < chroma || img.CStride > min(len(img.Cb), len(img.Cr)) {
		return false
	}
	return img.YOffset(last.X, last.Y) < len(img.Y) && img.COffset(last.X, last.Y) < min(len(img.Cb), len(img.Cr))
}

// chromaSize returns the size of the chroma planes of an image that encodable returned.
func chromaSize(img *image.YCbCr) (w, h int) {
	w, h = img.Rect.Dx(), img.Rect.Dy()
	if img.SubsampleRatio != image.YCbCrSubsampleRatio444 {
		w = (w + 1) / 2
	}
	if img.SubsampleRatio == image.YCbCrSubsampleRatio420 {
		h = (h + 1) / 2
	}
	return w, h
}

// copied returns a frame with the pixels of an image that encodable returned.
func copied(img *image.YCbCr, format astiav.PixelFormat) (*astiav.Frame, error) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	f := astiav.AllocFrame()
	f.SetWidth(w)
	f.SetHeight(h)
	f.SetPixelFormat(format)
	if err := f.AllocBuffer(0); err != nil {
		f.Free()
		return nil, err
	}
	cw, ch := chromaSize(img)
	put := func(i int, plane []byte, stride, w, h int) {
		C.ls_plane(f.UnsafePointer(), C.int(i), (*C.uint8_t)(unsafe.SliceData(plane)), C.int(stride), C.int(w), C.int(h))
	}
	put(0, img.Y[img.YOffset(img.Rect.Min.X, img.Rect.Min.Y):], img.YStride, w, h)
	chroma := img.COffset(img.Rect.Min.X, img.Rect.Min.Y)
	put(1, img.Cb[chroma:], img.CStride, cw, ch)
	put(2, img.Cr[chroma:], img.CStride, cw, ch)
	return f, nil
}
