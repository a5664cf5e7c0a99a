package ffmpeg_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// guarded returns n bytes of memory that end where a page begins that cannot be touched, or if not atEnd, begin where one ends.
func guarded(tb testing.TB, n int, atEnd bool) []byte {
	tb.Helper()
	page := os.Getpagesize()
	room := (n + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, page+room+page, syscall.PROT_NONE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := syscall.Munmap(m); err != nil {
			tb.Error(err)
		}
	})
	inner := m[page : page+room]
	if err := syscall.Mprotect(inner, syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		tb.Fatal(err)
	}
	if atEnd {
		return inner[room-n:]
	}
	return inner[:n:n]
}

// fenced returns the picture with lines that are longer by so much, in planes between pages that cannot be touched. Where there is
// more than one line, nothing is behind the last sample of a plane.
func fenced(tb testing.TB, img *image.YCbCr, longer int, atEnd bool) *image.YCbCr {
	tb.Helper()
	last := img.Rect.Max.Sub(image.Pt(1, 1))
	out := &image.YCbCr{YStride: img.YStride + longer, CStride: img.CStride + longer, SubsampleRatio: img.SubsampleRatio, Rect: img.Rect}
	luma, chroma := max(out.YOffset(last.X, last.Y)+1, out.YStride), max(out.COffset(last.X, last.Y)+1, out.CStride)
	out.Y, out.Cb, out.Cr = guarded(tb, luma, atEnd), guarded(tb, chroma, atEnd), guarded(tb, chroma, atEnd)
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y++ {
		for x := img.Rect.Min.X; x < img.Rect.Max.X; x++ {
			from, to := img.COffset(x, y), out.COffset(x, y)
			out.Y[out.YOffset(x, y)], out.Cb[to], out.Cr[to] = img.Y[img.YOffset(x, y)], img.Cb[from], img.Cr[from]
		}
	}
	return out
}

// Of planes of any size, stride and subsampling nothing is read but what belongs to the picture: it lies between pages that cannot be touched,
// and becomes the same file, and through a filter the same picture, as anywhere else.
func TestGuardedPlanes(t *testing.T) {
	encoded := func(img *image.YCbCr) []byte {
		var b bytes.Buffer
		if err := new(ffmpeg.JPEG).Encode(context.Background(), &b, &frame.Picture{YCbCr: img}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	filtered := func(img *image.YCbCr) *image.YCbCr {
		p, err := ffmpeg.Filter("vflip").Enhance(t.Context(), burst(&frame.Picture{YCbCr: img}))
		if err != nil {
			t.Fatal(err)
		}
		return p.YCbCr
	}
	for _, r := range []image.Rectangle{
		image.Rect(0, 0, 1, 1), image.Rect(0, 0, 2, 3), image.Rect(0, 0, 17, 33), image.Rect(0, 0, 64, 64), image.Rect(0, 0, 129, 71),
		image.Rect(4, 2, 67, 41), image.Rect(3, 1, 66, 40),
	} {
		for ratio := image.YCbCrSubsampleRatio444; ratio <= image.YCbCrSubsampleRatio410; ratio++ {
			img := gradient(r, ratio)
			file, flipped := encoded(img), filtered(img)
			for _, longer := range []int{0, 1, 13, 64} {
				for _, atEnd := range []bool{true, false} {
					name := fmt.Sprintf("%v %v, lines longer by %d, at the end of a page: %v", r, ratio, longer, atEnd)
					fence := fenced(t, img, longer, atEnd)
					if !bytes.Equal(encoded(fence), file) {
						t.Errorf("%s: another file", name)
					}
					if !same(filtered(fence), flipped) {
						t.Errorf("%s: another picture", name)
					}
				}
			}
		}
	}
}

// Pictures that are decoded fill the memory that they are made in, and nothing beyond.
func TestGuardedImages(t *testing.T) {
	x264, vp9 := []string{"-c:v", "libx264", "-qp", "0"}, []string{"-c:v", "libvpx-vp9", "-lossless", "1"}
	with := func(args []string, more ...string) []string { return append(args[:len(args):len(args)], more...) }
	for _, tt := range []struct {
		name   string
		codec  frame.Codec
		pixels string
		sx, sy int
		w, h   int
		args   []string
	}{
		{"4:2:0", frame.H264, "yuv420p", 2, 2, 98, 66, with(x264, "-vf", "setparams=colorspace=bt709:range=tv", "h264")},
		{"4:2:0 of odd size", frame.VP9, "yuv420p", 2, 2, 97, 65, with(vp9, "ivf")},
		{"4:2:0 as in JPEG, which is copied", frame.MJPEG, "yuvj420p", 2, 2, 97, 65, []string{"-c:v", "mjpeg", "mjpeg"}},
		{"4:2:2", frame.H264, "yuv422p", 2, 1, 98, 65, with(x264, "h264")},
		{"4:4:4", frame.H264, "yuv444p", 1, 1, 97, 65, with(x264, "h264")},
		{"RGB", frame.H264, "gbrp", 1, 1, 97, 65, []string{"-c:v", "libx264rgb", "-qp", "0", "-pix_fmt", "rgb24", "h264"}},
		{"4:2:0 of BT.2020, which is mapped", frame.VP9, "yuv420p", 2, 2, 97, 65, with(vp9, "-colorspace", "bt2020nc", "ivf")},
		{"4:2:2 of BT.2020", frame.VP9, "yuv422p", 2, 1, 97, 65, with(vp9, "-colorspace", "bt2020nc", "ivf")},
		{"4:4:4 of BT.2020", frame.VP9, "yuv444p", 1, 1, 97, 65, with(vp9, "-colorspace", "bt2020nc", "ivf")},
		{"pixels that are not square, which are scaled", frame.H264, "yuv420p", 2, 2, 98, 66, with(x264, "-vf", "setsar=4/3", "h264")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := encode(t, tt.codec, chart(bt709.bars(), tt.w, tt.h, tt.sx, tt.sy), tt.pixels, tt.w, tt.h, tt.args...)
			want := all(t, new(ffmpeg.Decoder), g, time.Time{})[0]
			for _, atEnd := range []bool{true, false} {
				images := guarded(t, len(want.Y)+len(want.Cb)+len(want.Cr), atEnd)
				got, err := decode(t.Context(), new(ffmpeg.Decoder).In(images), g, time.Time{})
				if err != nil || len(got) != 1 || &got[0].Y[0] != &images[0] || !same(got[0].YCbCr, want.YCbCr) {
					t.Errorf("%d pictures, which differ or lie elsewhere, at the end of a page: %v, %v", len(got), atEnd, err)
				}
			}
		})
	}
}
