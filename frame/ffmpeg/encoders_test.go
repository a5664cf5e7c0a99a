package ffmpeg_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/internal/peer"
)

// A fileKind is a way to encode pictures, and how near a file of a smooth picture comes to it.
type fileKind struct {
	name    string
	encoder capture.Encoder
	mean    float64 // of the differences of R, G and B
	exact   bool    // it loses nothing
	min     int     // the least width and height it can be
}

func fileKinds() []fileKind {
	return []fileKind{
		{name: "still.jpg", encoder: &ffmpeg.JPEG{}, mean: 1.5},
		{name: "444.jpg", encoder: &ffmpeg.JPEG{Chroma444: true}, mean: 1.5},
		{name: "still.png", encoder: &ffmpeg.PNG{}},
		{name: "still.webp", encoder: &ffmpeg.WebP{}, mean: 2},
		{name: "lossless.webp", encoder: &ffmpeg.WebP{Lossless: true}},
		{name: "still.avif", encoder: &ffmpeg.AVIF{}, mean: 1.5},
		{name: "rav1e.avif", encoder: &ffmpeg.AVIFOf{Encoder: "librav1e"}, mean: 1.5, min: 16},
	}
}

func (k fileKind) encode(tb testing.TB, img *image.YCbCr) []byte {
	tb.Helper()
	var file bytes.Buffer
	if err := k.encoder.Encode(tb.Context(), &file, &frame.Picture{YCbCr: img}); err != nil {
		tb.Fatalf("%s: %v", k.name, err)
	}
	return file.Bytes()
}

// takes reports whether the encoder knows pictures like that.
func (k fileKind) takes(img *image.YCbCr) bool { return min(img.Rect.Dx(), img.Rect.Dy()) >= k.min }

// smoothPictures returns pictures of all the kinds that an Encoder may get.
func smoothPictures() map[string]*image.YCbCr {
	whole := gradient(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
	pictures := map[string]*image.YCbCr{
		"whole":                   whole,
		"a part":                  whole.SubImage(image.Rect(20, 30, 122, 96)).(*image.YCbCr),
		"a part of the last rows": whole.SubImage(image.Rect(20, 178, 122, 180)).(*image.YCbCr),
		"a part between":          whole.SubImage(image.Rect(21, 31, 122, 96)).(*image.YCbCr),
		"beyond the origin":       gradient(image.Rect(-64, -32, 64, 32), image.YCbCrSubsampleRatio420),
		"one pixel":               gradient(image.Rect(0, 0, 1, 1), image.YCbCrSubsampleRatio420),
		"a line":                  gradient(image.Rect(0, 0, 319, 1), image.YCbCrSubsampleRatio420),
		"a column":                gradient(image.Rect(0, 0, 1, 181), image.YCbCrSubsampleRatio422),
		"less than a block":       gradient(image.Rect(0, 0, 15, 17), image.YCbCrSubsampleRatio420),
		"of odd size, 4:2:0":      gradient(image.Rect(0, 0, 321, 181), image.YCbCrSubsampleRatio420),
		"of odd size, 4:2:2":      gradient(image.Rect(0, 0, 321, 181), image.YCbCrSubsampleRatio422),
		"of odd size, 4:4:4":      gradient(image.Rect(0, 0, 321, 181), image.YCbCrSubsampleRatio444),
		"4:4:0":                   gradient(image.Rect(0, 0, 160, 90), image.YCbCrSubsampleRatio440),
		"4:1:1":                   gradient(image.Rect(0, 0, 160, 90), image.YCbCrSubsampleRatio411),
		"4:1:0, of odd size":      gradient(image.Rect(0, 0, 161, 91), image.YCbCrSubsampleRatio410),
		"wide":                    gradient(image.Rect(0, 0, 16383, 16), image.YCbCrSubsampleRatio420),
		"higher than is wide":     gradient(image.Rect(0, 0, 16, 4000), image.YCbCrSubsampleRatio420),
	}
	return pictures
}

// The most pixels a side that files of each type have.
var mostOfFile = map[string]int{"image/jpeg": 65500, "image/png": 1_000_000, "image/webp": 16383, "image/avif": 32768}

// Files of what has no pixels, lies about them, or is too large are refused, with an error that says so; nothing is written.
func TestEncodersRefuse(t *testing.T) {
	of := func(w, h int) *image.YCbCr {
		return image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio410)
	}
	unsound := image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio420)
	unsound.Cb = unsound.Cb[:10]
	for _, k := range append(fileKinds(), fileKind{name: "go.jpg", encoder: capture.JPEG{}}) {
		most := mostOfFile[k.encoder.Type()]
		larger := fmt.Sprintf("where such a file has %d x %d at most: scale it down, or take another encoder", most, most)
		for _, bad := range []struct {
			about string
			p     *frame.Picture
			says  string
		}{
			{"nil", nil, "there is no picture"},
			{"no planes", new(frame.Picture), "the picture has no pixels"},
			{"zero", &frame.Picture{YCbCr: new(image.YCbCr)}, "the picture has no pixels"},
			{"flat", &frame.Picture{YCbCr: image.NewYCbCr(image.Rect(5, 5, 100, 5), image.YCbCrSubsampleRatio420)}, "the picture has no pixels"},
			{"hollow", &frame.Picture{YCbCr: &image.YCbCr{Rect: image.Rect(0, 0, 64, 64)}}, "luma is too small for (64,64)"},
			{"unsound", &frame.Picture{YCbCr: unsound}, "chroma is too small for (64,64)"},
			{"of no ratio", &frame.Picture{YCbCr: &image.YCbCr{
				Rect: image.Rect(0, 0, 64, 64), Y: make([]byte, 64*64), YStride: 64, CStride: 1, SubsampleRatio: 99,
			}}, "chroma is too small for (64,64)"},
			{"wide", &frame.Picture{YCbCr: of(most+1, 2)}, larger},
			{"high", &frame.Picture{YCbCr: of(2, most+1)}, larger},
		} {
			var file bytes.Buffer
			err := k.encoder.Encode(t.Context(), &file, bad.p)
			if !errors.Is(err, frame.ErrUnsupported) || !strings.Contains(err.Error(), bad.says) || !strings.Contains(err.Error(), k.encoder.Type()) || file.Len() > 0 {
				t.Errorf("%s, %s: %v", k.name, bad.about, err)
			}
			if typed := new(ffmpeg.Error); k.encoder != (capture.JPEG{}) && (!errors.As(err, &typed) || typed.Step != "encode" || typed.Type != k.encoder.Type()) {
				t.Errorf("%s, %s: %v", k.name, bad.about, err)
			}
			if e, ok := k.encoder.(capture.QualityEncoder); ok {
				if other := e.EncodeQuality(t.Context(), &file, bad.p, 50); !errors.Is(other, frame.ErrUnsupported) || file.Len() > 0 {
					t.Errorf("%s, %s, of another quality: %v", k.name, bad.about, other)
				}
			}
		}
	}
	err := new(ffmpeg.PNG).Encode(t.Context(), io.Discard, &frame.Picture{YCbCr: of(16384, 16384)})
	if !errors.Is(err, ffmpeg.ErrUnsupported) || !strings.Contains(err.Error(), "FFmpeg takes 2^28 pixels") {
		t.Errorf("of more pixels than FFmpeg takes: %v", err)
	}
}

// TestSettingsOutOfRange: an encoder says so, and what to set, and writes nothing.
func TestSettingsOutOfRange(t *testing.T) {
	p := &frame.Picture{YCbCr: gradient(image.Rect(0, 0, 16, 16), image.YCbCrSubsampleRatio420)}
	for _, e := range []capture.Encoder{
		&ffmpeg.JPEG{Quality: 500}, &ffmpeg.JPEG{Quality: -1}, &ffmpeg.WebP{Quality: -5}, &ffmpeg.WebP{Quality: 101}, &ffmpeg.AVIF{Quality: 101},
		&ffmpeg.AVIF{Speed: -5}, &ffmpeg.AVIF{Speed: 77}, capture.JPEG{Quality: 500}, capture.JPEG{Quality: -1},
	} {
		var file bytes.Buffer
		if err := e.Encode(t.Context(), &file, p); !errors.Is(err, capture.ErrSetting) || !strings.Contains(err.Error(), " 1 to ") || file.Len() > 0 {
			t.Errorf("%+v: %v", e, err)
		}
	}
	for _, e := range []capture.QualityEncoder{&ffmpeg.JPEG{}, &ffmpeg.WebP{}, &ffmpeg.AVIF{}, capture.JPEG{}} {
		for _, quality := range []int{0, -1, 101} {
			var file bytes.Buffer
			err := e.EncodeQuality(t.Context(), &file, p, quality)
			if !errors.Is(err, ffmpeg.ErrSetting) || !strings.Contains(err.Error(), "ask for 1 to 100") || file.Len() > 0 {
				t.Errorf("%s of quality %d: %v", e.Type(), quality, err)
			}
		}
	}
}

// Readers of each type open the widest and the highest files that there are.
func TestLargestFiles(t *testing.T) {
	for _, program := range []string{"djpeg", "dwebp", "avifdec"} {
		peer.Needs(t, program)
	}
	dir := t.TempDir()
	for _, k := range append(fileKinds(), fileKind{name: "go.jpg", encoder: capture.JPEG{}}) {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			most, few := mostOfFile[k.encoder.Type()], max(k.min, 1)
			for _, size := range []image.Point{{most, few}, {few, most}} {
				img := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
				name := filepath.Join(dir, fmt.Sprint(size.X, k.name))
				if err := os.WriteFile(name, k.encode(t, img), 0o600); err != nil {
					t.Fatal(err)
				}
				if got := decodeFile(t, name).Bounds().Size(); got != size {
					t.Errorf("%v became %v", size, got)
				}
			}
		})
	}
}

// What this FFmpeg lacks is named, and what to do about it.
func TestEncoderMissing(t *testing.T) {
	err := (&ffmpeg.AVIFOf{Encoder: "libnone"}).Encode(t.Context(), io.Discard, &frame.Picture{YCbCr: gradient(image.Rect(0, 0, 64, 64), 0)})
	const want = `ffmpeg: encode image/avif: not supported here: this FFmpeg was built without the encoder ["libnone"]: link one that has it, or take another encoder`
	if !errors.Is(err, ffmpeg.ErrUnsupported) || err.Error() != want {
		t.Error(err)
	}
}

// A writer that fails is told as it is; a context that has ended as well, of whoever has to wait for a place.
func TestEncodersFail(t *testing.T) {
	p := &frame.Picture{YCbCr: gradient(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio420)}
	full := errors.New("the disk is full")
	for _, k := range fileKinds() {
		r, w := io.Pipe()
		_ = r.CloseWithError(full)
		if err := k.encoder.Encode(t.Context(), w, p); !errors.Is(err, full) {
			t.Errorf("%s: %v", k.name, err)
		}
	}
}

// More quality costs more bytes.
func TestEncodersQuality(t *testing.T) {
	img := gradient(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
	for name, of := range map[string]struct {
		usual int
		with  func(quality int) capture.Encoder
	}{
		"WebP": {90, func(q int) capture.Encoder { return &ffmpeg.WebP{Quality: q} }},
		"AVIF": {84, func(q int) capture.Encoder { return &ffmpeg.AVIF{Quality: q} }},
	} {
		size := func(quality int) int { return len(fileKind{encoder: of.with(quality)}.encode(t, img)) }
		if size(1) >= size(50) || size(50) >= size(80) || size(80) >= size(100) {
			t.Errorf("%s has %d, %d, %d, %d bytes", name, size(1), size(50), size(80), size(100))
		}
		var other bytes.Buffer
		err := of.with(80).(interface {
			EncodeQuality(ctx context.Context, w io.Writer, p *frame.Picture, quality int) error
		}).EncodeQuality(t.Context(), &other, &frame.Picture{YCbCr: img}, 50)
		if err != nil || other.Len() != size(50) {
			t.Errorf("%s at another quality has %d bytes, want %d, %v", name, other.Len(), size(50), err)
		}
		if size(0) != size(of.usual) {
			t.Errorf("%s: zero is not %d", name, of.usual)
		}
	}
}

// Pixels of the formats that lose nothing are those that the picture's At gives.
func TestEncodersLossless(t *testing.T) {
	for about, img := range smoothPictures() {
		got, err := png.Decode(bytes.NewReader(fileKind{encoder: &ffmpeg.PNG{}}.encode(t, img)))
		if err != nil {
			t.Fatalf("%s: %v", about, err)
		}
		if mean, most := rgbOff(t, img, got); mean != 0 {
			t.Errorf("%s: pixels are off by %.3f and up to %d", about, mean, most)
		}
	}
}

// rgbOff returns by how much the pixels of two pictures of one size differ, in steps of R, G or B: on average, and at most. The race detector does
// not look at each sample.
//
//go:norace
func rgbOff(tb testing.TB, a, b image.Image) (mean float64, most int) {
	tb.Helper()
	if a.Bounds().Size() != b.Bounds().Size() {
		tb.Fatalf("%v and %v", a.Bounds(), b.Bounds())
	}
	p, q := rgb(a), rgb(b)
	sum := 0
	for i := range p {
		d := diff(p[i], q[i])
		sum += d
		most = max(most, d)
	}
	return float64(sum) / float64(len(p)), most
}

// rgb returns R, G and B of each pixel, as At has them. Of images that it knows it asks for no pixel alone, which the race detector would look at.
//
//go:norace
func rgb(img image.Image) (samples []byte) {
	bounds := img.Bounds()
	samples = make([]byte, 0, 3*bounds.Dx()*bounds.Dy())
	switch img := img.(type) {
	case ppm:
		return img.samples
	case *image.RGBA: // of a PNG without transparency
		for i := 0; i < len(img.Pix); i += 4 {
			samples = append(samples, img.Pix[i], img.Pix[i+1], img.Pix[i+2])
		}
		return samples
	case *image.YCbCr:
		for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
			for x := bounds.Min.X; x < bounds.Max.X; x++ {
				l, c := img.YOffset(x, y), img.COffset(x, y)
				r, g, b := color.YCbCrToRGB(img.Y[l], img.Cb[c], img.Cr[c])
				samples = append(samples, r, g, b)
			}
		}
		return samples
	}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			r, g, b, _ := img.At(x, y).RGBA()
			samples = append(samples, byte(r>>8), byte(g>>8), byte(b>>8))
		}
	}
	return samples
}

// A file of 4:4:4 has the chroma between samples that a reader of the file of 4:2:0 would make.
func TestJPEGChroma444(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio444,
	} {
		exact := gradient(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio444)
		img := image.NewYCbCr(exact.Rect, ratio)
		copy(img.Y, exact.Y)
		for y := range 180 {
			for x := range 320 {
				img.Cb[img.COffset(x, y)] = byte(2*x/4 + 40)
				img.Cr[img.COffset(x, y)] = byte(y + 30)
				exact.Cb[exact.COffset(x, y)] = byte(2*x/4 + 40)
				exact.Cr[exact.COffset(x, y)] = byte(y + 30)
			}
		}
		file := fileKind{encoder: &ffmpeg.JPEG{Chroma444: true, Quality: 100}}.encode(t, img)
		got, err := jpeg.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if r := got.(*image.YCbCr).SubsampleRatio; r != image.YCbCrSubsampleRatio444 {
			t.Errorf("%v became %v", ratio, r)
		}
		if _, chroma, _ := planes(t, exact, got.(*image.YCbCr)); chroma > 3 {
			t.Errorf("%v: chroma of a ramp is off by up to %d", ratio, chroma)
		}
	}
}

// Any number of goroutines may encode at once, by one encoder: all get the same file.
func TestEncodersConcurrent(t *testing.T) {
	img := gradient(image.Rect(0, 0, 128, 96), image.YCbCrSubsampleRatio420)
	for _, k := range fileKinds() {
		want := k.encode(t, img)
		files := make([]bytes.Buffer, 8)
		errs := make([]error, len(files))
		var all sync.WaitGroup
		for i := range files {
			all.Go(func() { errs[i] = k.encoder.Encode(t.Context(), &files[i], &frame.Picture{YCbCr: img}) })
		}
		all.Wait()
		for i := range files {
			if errs[i] != nil || !bytes.Equal(files[i].Bytes(), want) {
				t.Errorf("%s: %d bytes, want %d, %v", k.name, files[i].Len(), len(want), errs[i])
			}
		}
	}
}

// Memory is given back, by files that come about and by those that do not.
func TestEncodersMemory(t *testing.T) {
	runtime.LockOSThread() // each thread has an arena of C's allocator
	defer runtime.UnlockOSThread()
	img := gradient(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
	unsound := *img
	unsound.Cb = unsound.Cb[:10]
	work := func(times int) {
		for range times {
			for _, k := range fileKinds() {
				k.encode(t, img)
				if err := k.encoder.Encode(t.Context(), io.Discard, &frame.Picture{YCbCr: &unsound}); err == nil {
					t.Fatalf("%s: encoded", k.name)
				}
			}
		}
		runtime.GC()
	}
	work(20)
	before := resident(t)
	work(100)
	// A leak of one picture a file would be 60 MB.
	if grown := resident(t) - before; grown > 24<<20 {
		t.Errorf("grown by %d KiB, from %d KiB", grown>>10, before>>10)
	}
}
