package ffmpeg

// #include "raw.h"
// #include <libavutil/pixfmt.h>
import "C"

import (
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"io"
	"math"
	"strconv"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/srgb"
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

// Encode writes p to w as a WebP file with a profile of sRGB. Width and height are 16383 at most. If FFmpeg has no libwebp, or the picture is
// larger, the error is an *Error with ErrUnsupported. FFmpeg cannot be stopped within a picture: ctx ends the waiting for a place alone, see
// frame.Work.
func (e *WebP) Encode(ctx context.Context, w io.Writer, p *frame.Picture) error {
	return format{mime: e.Type(), side: maxWebP, file: e.file}.encode(ctx, w, p)
}

// EncodeQuality is Encode at another Quality, from 1 to 100. Lossless files have none.
func (e *WebP) EncodeQuality(ctx context.Context, w io.Writer, p *frame.Picture, quality int) error {
	other := *e
	other.Quality = quality
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
	settings := [][2]string{{"quality", strconv.Itoa(setting(e.Quality, defaultWebPQuality, maxQuality))}}
	if e.Lossless {
		settings = [][2]string{{"lossless", "1"}, {"quality", losslessEffort}}
	}
	file, err := encodeFrame(codec, f, settings...)
	if err != nil {
		return nil, err
	}
	return webpChunks(file, img.Rect.Size())
}

// frame returns what libwebp is given: the samples of VP8, or pixels.
func (e *WebP) frame(img *image.YCbCr) (*astiav.Frame, error) {
	if e.Lossless {
		return packed(img, C.AV_PIX_FMT_RGB32, 4, func(to []byte, c color.RGBA) {
			binary.NativeEndian.PutUint32(to, uint32(c.A)<<24|uint32(c.R)<<16|uint32(c.G)<<8|uint32(c.B))
		})
	}
	return copied(limited420(img), C.AV_PIX_FMT_YUV420P)
}

// limited420 returns the image as VP8 has it (RFC 6386 section 9.2): with BT.601's limited range, 16 to 235 for luma and 16 to 240 for chroma, and
// half as many samples of chroma, both across and down.
func limited420(img *image.YCbCr) *image.YCbCr {
	var luma, chroma [256]byte
	for v := range 256 {
		luma[v] = byte(math.Round(16 + float64(v)*219/255))
		chroma[v] = byte(math.Round(128 + float64(v-128)*224/255))
	}
	r := img.Rect
	out := image.NewYCbCr(image.Rect(0, 0, r.Dx(), r.Dy()), image.YCbCrSubsampleRatio420)
	for y := range r.Dy() {
		to := out.Y[y*out.YStride:][:r.Dx()]
		for x, v := range img.Y[img.YOffset(r.Min.X, r.Min.Y+y):][:len(to)] {
			to[x] = luma[v]
		}
	}
	for i := range out.Cb {
		x, y := r.Min.X+i%out.CStride*2, r.Min.Y+i/out.CStride*2
		across, down := min(x+1, r.Max.X-1), min(y+1, r.Max.Y-1)
		a, b, c, d := img.COffset(x, y), img.COffset(across, y), img.COffset(x, down), img.COffset(across, down)
		out.Cb[i] = chroma[mean(img.Cb, a, b, c, d)]
		out.Cr[i] = chroma[mean(img.Cr, a, b, c, d)]
	}
	return out
}

func mean(plane []byte, a, b, c, d int) byte {
	return byte((int(plane[a]) + int(plane[b]) + int(plane[c]) + int(plane[d]) + 2) / 4)
}

// Lengths in a WebP file (RFC 9649 section 2.3): of "RIFF", a size and "WEBP", and of what a chunk has before its data.
//
//	| type (4) | length (4), lowest byte first | length bytes | 0 if that is odd |
const (
	riffHeader = 12
	riffChunk  = 8
)

// webpChunks makes an extended file (section 2.7) of a simple one, with a profile. It returns the parts of the file.
func webpChunks(file []byte, size image.Point) ([][]byte, error) {
	if len(file) < riffHeader+riffChunk || string(file[:4]) != "RIFF" || string(file[8:12]) != "WEBP" {
		return nil, errors.New("the encoder gave no WebP file")
	}
	image := file[riffHeader:]
	if kind := string(image[:4]); kind != "VP8 " && kind != "VP8L" {
		return nil, errors.New("the encoder gave a WebP file that does not begin with its image")
	}
	if n := uint64(binary.LittleEndian.Uint32(image[4:])); riffChunk+n+n%2 > uint64(len(image)) {
		return nil, errors.New("the encoder gave a WebP file that ends early")
	}
	le := binary.LittleEndian
	profile := srgb.ICC()
	header := []byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x20\x00\x00\x00") // 0x20: it has a profile
	for _, side := range []int{size.X, size.Y} {
		header = append(header, le.AppendUint32(nil, uint32(side-1))[:3]...)
	}
	header = append(le.AppendUint32(append(header, "ICCP"...), uint32(len(profile))), profile...)
	le.PutUint32(header[4:], uint32(len(header)+len(image)-riffChunk))
	return [][]byte{header, image}, nil
}
