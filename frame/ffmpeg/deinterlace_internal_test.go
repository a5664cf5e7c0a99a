package ffmpeg

import (
	"bytes"
	"fmt"
	"image"
	"testing"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
)

// pictureOf returns a frame filled with what is drawn from seed; nil if there is none of that format and size.
func pictureOf(format astiav.PixelFormat, width, height int, seed []byte) *astiav.Frame {
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio444)
	for k := range img.Y {
		img.Y[k] = seed[k*7%len(seed)] + byte(k/31)
		img.Cb[k], img.Cr[k] = img.Y[k], seed[k%len(seed)]
	}
	f, err := copied(img, astiav.PixelFormatYuvj444P)
	if err != nil {
		return nil
	}
	defer f.Free()
	scaler, err := astiav.CreateSoftwareScaleContext(width, height, f.PixelFormat(), width, height, format, astiav.SoftwareScaleContextFlags(0))
	if err != nil {
		return nil
	}
	defer scaler.Free()
	to := astiav.AllocFrame()
	to.SetWidth(width)
	to.SetHeight(height)
	to.SetPixelFormat(format)
	if to.AllocBuffer(0) != nil || scaler.ScaleFrame(f, to) != nil {
		to.Free()
		return nil
	}
	return to
}

// lumaOf returns the lines of the first plane of a frame.
func lumaOf(t *testing.T, f *astiav.Frame, sample int) (lines [][]byte) {
	t.Helper()
	size, err := f.ImageBufferSize(1)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, size)
	if _, err := f.ImageCopyToBuffer(b, 1); err != nil {
		t.Fatal(err)
	}
	for y := range f.Height() {
		lines = append(lines, b[y*f.Width()*sample:][:f.Width()*sample])
	}
	return lines
}

// FuzzDeinterlace makes pictures of fields of any size and format, of which those before may be other ones. The lines that stay do, and without
// combs all do; what comes is as large as both fields.
func FuzzDeinterlace(f *testing.F) {
	f.Fuzz(func(t *testing.T, format, how byte, width, height, before uint8, seed, another []byte) {
		formats := []astiav.PixelFormat{
			astiav.PixelFormatYuv420P, astiav.PixelFormatYuv422P10Le, astiav.PixelFormatYuv444P, astiav.PixelFormatGray8, astiav.PixelFormatYuv410P,
			astiav.PixelFormatYuv420P12Le, astiav.PixelFormatNv12, astiav.PixelFormatYuva420P, astiav.PixelFormatGbrp, astiav.PixelFormatYuyv422,
		}
		if len(seed) == 0 || len(another) == 0 || width == 0 || height == 0 || before == 0 {
			return
		}
		of := formats[int(format)%len(formats)]
		g := &gopDecoder{d: new(Decoder)}
		first, second := pictureOf(of, int(width), int(height), seed), pictureOf(of, int(width), int(height), another)
		earlier := pictureOf(of, int(width), int(before), another)
		if first == nil || second == nil || earlier == nil {
			t.Fatalf("no picture of %v, %d x %d and %d", of, width, height, before)
		}
		defer first.Free()
		defer second.Free()
		defer earlier.Free()
		s := &fields{kept: first, other: first, order: frame.TopFirst, apart: how&1 != 0, second: how&2 != 0}
		if s.apart {
			s.other = second
		}
		if how&4 != 0 {
			s.order = frame.BottomFirst
		}
		if how&8 != 0 {
			s.before = shownFields{first: earlier, second: earlier}
		}
		if how&16 != 0 && s.apart {
			s.other = nil
		}
		picture, changes, err := g.deinterlace(s)
		if picture == nil {
			if err == nil && (changes != 0 || s.apart) {
				t.Fatalf("%v, and no picture", changes)
			}
			return
		}
		defer picture.Free()
		if err != nil || picture.Width() != first.Width() || picture.Height() != first.Height()*(1+int(how&1)) {
			t.Fatalf("%v, %d x %d", err, picture.Width(), picture.Height())
		}
		sample := 1
		if of == astiav.PixelFormatYuv422P10Le || of == astiav.PixelFormatYuv420P12Le {
			sample = 2
		}
		parity := 0
		if s.second != (s.order == frame.BottomFirst) {
			parity = 1
		}
		was := lumaOf(t, first, sample)
		for y, line := range lumaOf(t, picture, sample) {
			from := y
			if s.apart {
				from = y / 2
			}
			if y%2 == parity && !bytes.Equal(line, was[from]) {
				t.Fatalf("line %d, of the field that stays, is another", y)
			}
		}
	})
}

// BenchmarkDeinterlace makes the picture of an instant of a frame of two fields, with the picture before; and finds that there is nothing to do,
// for the fields show one instant.
func BenchmarkDeinterlace(b *testing.B) {
	for _, size := range []image.Point{{1280, 720}, {1920, 1080}, {3840, 2160}} {
		for _, speed := range []int{12, 0} {
			draw := func(moved int) *astiav.Frame { // bars, of which every other line has moved by a part more
				img := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
				for y := range size.Y {
					for x := range size.X {
						if (x+moved+y%2*speed)%97 < 40 {
							img.Y[y*img.YStride+x] = byte(150 + y%50)
						}
					}
				}
				f, err := copied(img, astiav.PixelFormatYuvj420P)
				if err != nil {
					b.Fatal(err)
				}
				return f
			}
			before, now := draw(0), draw(24)
			defer before.Free()
			defer now.Free()
			b.Run(fmt.Sprintf("%dp, combed %v", size.Y, speed > 0), func(b *testing.B) {
				g := &gopDecoder{d: new(Decoder)}
				s := &fields{kept: now, other: now, before: shownFields{first: before, second: before}, order: frame.TopFirst}
				b.ReportAllocs()
				for b.Loop() {
					picture, _, err := g.deinterlace(s)
					if err != nil || (picture != nil) != (speed > 0) {
						b.Fatal(picture, err)
					}
					if picture != nil {
						picture.Free()
					}
				}
			})
		}
	}
}
