package ffmpeg_test

import (
	"fmt"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/internal/peer"
)

// clipPicture returns a picture of a real clip.
func clipPicture(tb testing.TB, clip string, n int, size image.Point) *image.YCbCr {
	tb.Helper()
	raw := run(tb, "ffmpeg", "-nostdin", "-v", "error", "-i", "../../testdata/"+clip+".mp4", "-frames:v", "1", "-vf",
		fmt.Sprintf(`select=eq(n\,%d),scale=%d:%d:flags=lanczos:out_color_matrix=bt601:out_range=pc,format=yuvj420p`, n, size.X, size.Y),
		"-f", "rawvideo", "pipe:1")
	img := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	copy(img.Y, raw)
	copy(img.Cb, raw[len(img.Y):])
	copy(img.Cr, raw[len(img.Y)+len(img.Cb):])
	return img
}

// ssim returns the structural similarity of the luma of two files, as FFmpeg has it.
func ssim(tb testing.TB, a, b string) float64 {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), "ffmpeg", "-nostdin", "-i", a, "-i", b, "-lavfi",
		"[0]format=yuv444p[a];[1]format=yuv444p[b];[a][b]ssim", "-f", "null", "-").CombinedOutput()
	m := regexp.MustCompile(`SSIM Y:([0-9.]+)`).FindSubmatch(out)
	if err != nil || m == nil {
		tb.Fatalf("%v: %s", err, out)
	}
	v, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// By default, files of all formats look about the same by SSIM. The table is that of docs/figures.md.
func TestSizesOfFiles(t *testing.T) {
	for _, program := range []string{"ffmpeg", "djpeg", "dwebp", "avifdec"} {
		peer.Needs(t, program)
	}
	kinds := []fileKind{
		{name: "JPEG.jpg", encoder: &ffmpeg.JPEG{}},
		{name: "JPEG-444.jpg", encoder: &ffmpeg.JPEG{Chroma444: true}},
		{name: "WebP.webp", encoder: &ffmpeg.WebP{}},
		{name: "AVIF.avif", encoder: &ffmpeg.AVIF{}},
		{name: "lossless.webp", encoder: &ffmpeg.WebP{Lossless: true}, exact: true},
		{name: "PNG.png", encoder: &ffmpeg.PNG{}, exact: true},
	}
	dir := t.TempDir()
	bytesOf, likeness := make([]int, len(kinds)), make([]float64, len(kinds))
	const pictures = 6
	for i := range pictures {
		img := clipPicture(t, []string{"beer", "dog"}[i%2], 20+30*(i/2), []image.Point{{1280, 720}, {960, 540}}[i%2])
		source := filepath.Join(dir, fmt.Sprint(i, ".png"))
		if err := os.WriteFile(source, fileKind{encoder: &ffmpeg.PNG{}}.encode(t, img), 0o600); err != nil {
			t.Fatal(err)
		}
		for n, k := range kinds {
			data := k.encode(t, img)
			name := filepath.Join(dir, fmt.Sprint(i, k.name))
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
			s := ssim(t, source, decoded(t, name))
			bytesOf[n] += len(data)
			likeness[n] += s / pictures
			t.Logf("picture %d, %s: %d bytes, SSIM %.4f", i, k.name, len(data), s)
		}
	}
	for n, k := range kinds {
		if math.Abs(likeness[n]-likeness[0]) > 0.001 && !k.exact {
			t.Errorf("%s: SSIM %.4f, where JPEG has %.4f", k.name, likeness[n], likeness[0])
		}
		t.Logf("%s: %d bytes on average, %.2f of JPEG's, SSIM %.4f", k.name, bytesOf[n]/pictures, float64(bytesOf[n])/float64(bytesOf[0]), likeness[n])
	}
}
