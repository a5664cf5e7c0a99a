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
	"strings"
	"testing"

	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/internal/peer"
)

// clipPictures returns some pictures of a real clip: every thirtieth from the twentieth on.
func clipPictures(tb testing.TB, clip string, count int, size image.Point) (pictures []*image.YCbCr) {
	tb.Helper()
	raw := run(tb, "ffmpeg", "-nostdin", "-v", "error", "-i", "../../testdata/"+clip+".mp4", "-frames:v", strconv.Itoa(count), "-vsync", "passthrough", "-vf",
		fmt.Sprintf(`select=eq(mod(n\,30)\,20),scale=%d:%d:flags=lanczos:out_color_matrix=bt601:out_range=pc,format=yuvj420p`, size.X, size.Y),
		"-f", "rawvideo", "pipe:1")
	for range count {
		img := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		for _, plane := range [][]byte{img.Y, img.Cb, img.Cr} {
			raw = raw[copy(plane, raw):]
		}
		pictures = append(pictures, img)
	}
	return pictures
}

// figurePictures returns the six pictures that the tables of docs/figures.md are of: three of each of two sizes.
func figurePictures(tb testing.TB) []*image.YCbCr {
	tb.Helper()
	return append(clipPictures(tb, "beer", figures/2, image.Pt(1280, 720)), clipPictures(tb, "dog", figures/2, image.Pt(960, 540))...)
}

const figures = 6

// figureName is what the file of one of the six pictures is called: those of one size are numbered.
func figureName(dir string, i int, ending string) string {
	return filepath.Join(dir, fmt.Sprintf("%d-%d%s", i/(figures/2), i%(figures/2), ending))
}

// figureSSIM returns the SSIM of the six pictures, which lie in a folder as PNG files, with what is decoded of files that lie beside them.
func figureSSIM(tb testing.TB, dir, ending string) float64 {
	tb.Helper()
	var extension string // of what is decoded
	for i := range figures {
		name := figureName(dir, i, ending)
		extension = strings.TrimPrefix(decoded(tb, name), name)
	}
	sum := 0.0
	for _, size := range []string{"0-%d", "1-%d"} {
		sum += ssim(tb, filepath.Join(dir, size+".png"), filepath.Join(dir, size+ending+extension))
	}
	return sum / 2
}

// ssim returns the structural similarity of the luma of two rows of files, as FFmpeg has it, on average.
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
		{name: ".png", encoder: &ffmpeg.PNG{}, exact: true}, // what the others are compared with
		{name: "JPEG.jpg", encoder: &ffmpeg.JPEG{}},
		{name: "JPEG-444.jpg", encoder: &ffmpeg.JPEG{Chroma444: true}},
		{name: "WebP.webp", encoder: &ffmpeg.WebP{}},
		{name: "AVIF.avif", encoder: &ffmpeg.AVIF{}},
		{name: "lossless.webp", encoder: &ffmpeg.WebP{Lossless: true}, exact: true},
	}
	const ofJPEG = 1 // its index
	dir, pictures := t.TempDir(), figurePictures(t)
	bytesOf, likeness := make([]int, len(kinds)), make([]float64, len(kinds))
	for n, k := range kinds {
		for i, img := range pictures {
			data := k.encode(t, img)
			if err := os.WriteFile(figureName(dir, i, k.name), data, 0o600); err != nil {
				t.Fatal(err)
			}
			bytesOf[n] += len(data)
			t.Logf("picture %d, %s: %d bytes", i, k.name, len(data))
		}
		likeness[n] = figureSSIM(t, dir, k.name)
	}
	for n, k := range kinds {
		if off := math.Abs(likeness[n] - likeness[ofJPEG]); off > 0.001 && !k.exact || k.exact && likeness[n] != 1 {
			t.Errorf("%s: SSIM %.4f, where JPEG has %.4f", k.name, likeness[n], likeness[ofJPEG])
		}
		t.Logf("%s: %d bytes on average, %.2f of JPEG's, SSIM %.4f", k.name, bytesOf[n]/figures, float64(bytesOf[n])/float64(bytesOf[ofJPEG]), likeness[n])
	}
}
