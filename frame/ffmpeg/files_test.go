package ffmpeg_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/internal/peer"
)

// run runs a program, which has to end well, and returns what it says.
func run(tb testing.TB, name string, args ...string) string {
	tb.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(tb.Context(), name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("%s %q: %v\n%s%s", name, args, err, out, stderr.Bytes())
	}
	return string(out)
}

// decoded decodes a file by the program that those who made the format decode it by, to a file of PNG or PPM. It returns the name of that.
func decoded(tb testing.TB, name string) string {
	tb.Helper()
	out := name + ".png"
	switch filepath.Ext(name) {
	case ".jpg":
		out = name + ".ppm"
		run(tb, "djpeg", "-ppm", "-outfile", out, name)
	case ".webp":
		out = name + ".ppm"
		run(tb, "dwebp", "-quiet", "-ppm", name, "-o", out)
	case ".avif":
		run(tb, "avifdec", "--png-compress", "0", name, out)
	case ".png":
		out = name
	}
	return out
}

// decodeFile returns the picture of a file.
func decodeFile(tb testing.TB, name string) image.Image {
	tb.Helper()
	out := decoded(tb, name)
	file, err := os.ReadFile(out)
	if err != nil {
		tb.Fatal(err)
	}
	if filepath.Ext(out) == ".ppm" {
		return readPPM(tb, string(file))
	}
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		tb.Fatal(err)
	}
	return img
}

// readPPM reads a file of binary PPM with the header that djpeg writes.
func readPPM(tb testing.TB, file string) image.Image {
	tb.Helper()
	var w, h int
	if _, err := fmt.Sscanf(file, "P6\n%d %d\n255\n", &w, &h); err != nil || len(file) < 3*w*h {
		tb.Fatalf("%d bytes: %v", len(file), err)
	}
	return ppm{image.Rect(0, 0, w, h), []byte(file[len(file)-3*w*h:])}
}

// A ppm is a picture whose samples are R, G and B of each pixel.
type ppm struct {
	rect    image.Rectangle
	samples []byte
}

func (p ppm) ColorModel() color.Model { return color.RGBAModel }
func (p ppm) Bounds() image.Rectangle { return p.rect }
func (p ppm) At(x, y int) color.Color {
	s := p.samples[3*(y*p.rect.Dx()+x):]
	return color.RGBA{R: s[0], G: s[1], B: s[2], A: 255}
}

// Files of every kind are valid, and the tools of their formats make of them the pictures that went in.
func TestFiles(t *testing.T) {
	for _, program := range []string{"exiftool", "djpeg", "webpinfo", "dwebp", "avifdec"} {
		peer.Needs(t, program)
	}
	dir := t.TempDir()
	var names []string
	for about, img := range smoothPictures() {
		for _, k := range append(fileKinds(), fileKind{name: "go.jpg", encoder: capture.JPEG{}, mean: 1.5}) {
			if !k.takes(img) {
				continue
			}
			name := filepath.Join(dir, strings.NewReplacer(" ", "-", ":", "", ",", "").Replace(about)+"-"+k.name)
			if err := os.WriteFile(name, k.encode(t, img), 0o600); err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
			if filepath.Ext(name) == ".webp" {
				if says := run(t, "webpinfo", name); !strings.Contains(says, "No error detected") || !strings.Contains(says, "ICC profile: 1") && !strings.Contains(says, "ICCP") {
					t.Errorf("%s: %s", name, says)
				}
			}
			if mean, most := rgbOff(t, img, decodeFile(t, name)); mean > k.mean || k.mean == 0 && most > 0 {
				t.Errorf("%s: pixels are off by %.2f on average, want %.2f; up to %d", filepath.Base(name), mean, k.mean, most)
			}
		}
	}
	says := run(t, "exiftool", append([]string{"-j", "-validate", "-warning", "-error", "-ImageSize", "-ProfileDescription", "-SRGBRendering",
		"-TransferCharacteristics"}, names...)...)
	var files []map[string]any
	if err := json.Unmarshal([]byte(says), &files); err != nil || len(files) != len(names) {
		t.Fatalf("%v of %d files: %s", err, len(names), says)
	}
	for _, f := range files {
		coloured := f["ProfileDescription"] == "sRGB" || f["SRGBRendering"] != nil || f["TransferCharacteristics"] == "sRGB or sYCC"
		if f["Validate"] != "OK" || f["Warning"] != nil || f["Error"] != nil || !coloured {
			t.Errorf("exiftool: %v", f)
		}
	}
}

// card is a test chart: the 24 colours of the ColorChecker in sRGB (X-Rite, 2005), the corners of the cube, and a ramp of greys.
func card() (colours []color.RGBA) {
	for _, v := range []uint32{
		0x735244, 0xc29682, 0x627a9d, 0x576c43, 0x8580b1, 0x67bdaa, 0xd67e2c, 0x505ba6, 0xc15a63, 0x5e3c6c, 0x9dbc40, 0xe0a32e,
		0x383d96, 0x469449, 0xaf363c, 0xe7c71f, 0xbb5695, 0x0885a1, 0xf3f3f2, 0xc8c8c8, 0xa0a0a0, 0x7a7a79, 0x555555, 0x343434,
		0xff0000, 0x00ff00, 0x0000ff, 0xffff00, 0x00ffff, 0xff00ff, 0xffffff, 0x000000, 0x101010, 0x202020, 0x404040, 0xe0e0e0,
	} {
		colours = append(colours, color.RGBA{R: byte(v >> 16), G: byte(v >> 8), B: byte(v), A: 255})
	}
	return colours
}

const cardPatch, cardColumns = 32, 6

// cardPicture draws the card.
func cardPicture() *image.YCbCr {
	colours := card()
	img := image.NewYCbCr(image.Rect(0, 0, cardColumns*cardPatch, len(colours)/cardColumns*cardPatch), image.YCbCrSubsampleRatio420)
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			c := colours[y/cardPatch*cardColumns+x/cardPatch]
			img.Y[img.YOffset(x, y)], img.Cb[img.COffset(x, y)], img.Cr[img.COffset(x, y)] = color.RGBToYCbCr(c.R, c.G, c.B)
		}
	}
	return img
}

// page draws files on canvases, and writes the pixels in the middle of the card's patches as JSON.
const page = `<!DOCTYPE html><meta charset="utf-8">%s<pre id="out"></pre><script>
onload = () => {
  const out = {}
  for (const img of document.images) {
    const c = document.createElement('canvas')
    c.width = img.naturalWidth; c.height = img.naturalHeight
    const d = c.getContext('2d', {colorSpace: 'srgb'})
    if (c.width) d.drawImage(img, 0, 0)
    const pixels = []
    for (let y = %[2]d/2; y < c.height; y += %[2]d) for (let x = %[2]d/2; x < c.width; x += %[2]d)
      pixels.push(Array.from(d.getImageData(x, y, 1, 1).data))
    out[img.id] = {w: c.width, h: c.height, pixels: pixels}
  }
  document.getElementById('out').textContent = JSON.stringify(out)
}
</script>`

// A browser shows files of each kind, with the colours of the card.
func TestChromium(t *testing.T) {
	peer.Needs(t, "chromium")
	img := cardPicture()
	var tags strings.Builder
	kinds := append(fileKinds(), fileKind{name: "go.jpg", encoder: capture.JPEG{}})
	for _, k := range kinds {
		fmt.Fprintf(&tags, `<img id="%s" src="data:%s;base64,%s">`, k.name, k.encoder.Type(), base64.StdEncoding.EncodeToString(k.encode(t, img)))
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "page.html")
	if err := os.WriteFile(file, fmt.Appendf(nil, page, tags.String(), cardPatch), 0o600); err != nil {
		t.Fatal(err)
	}
	dom := run(t, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--force-color-profile=srgb",
		"--user-data-dir="+filepath.Join(dir, "user"), "--dump-dom", "file://"+file)
	_, dom, _ = strings.Cut(dom, `<pre id="out">`)
	dom, _, _ = strings.Cut(dom, "</pre>")
	var shown map[string]struct {
		W, H   int
		Pixels [][4]byte
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(dom)), &shown); err != nil {
		t.Fatalf("%v: %.300s", err, dom)
	}
	for _, k := range kinds {
		s := shown[k.name]
		if s.W != img.Rect.Dx() || s.H != img.Rect.Dy() || len(s.Pixels) != len(card()) {
			t.Errorf("%s: %d x %d, %d patches", k.name, s.W, s.H, len(s.Pixels))
			continue
		}
		sum, most := 0.0, 0.0
		for i, want := range card() {
			e := deltaE(want, color.RGBA{R: s.Pixels[i][0], G: s.Pixels[i][1], B: s.Pixels[i][2]})
			sum, most = sum+e, max(most, e)
			if e >= 2 {
				t.Errorf("%s: %v is shown as %v, delta-E %.2f", k.name, want, s.Pixels[i], e)
			}
		}
		t.Logf("%s: delta-E %.2f on average, %.2f at most", k.name, sum/float64(len(card())), most)
	}
}

// deltaE is the distance of two colours of sRGB in CIELAB (CIE 1976). CIEDE2000 has less for all but greys.
func deltaE(a, b color.RGBA) float64 {
	p, q := lab(a), lab(b)
	return math.Sqrt((p[0]-q[0])*(p[0]-q[0]) + (p[1]-q[1])*(p[1]-q[1]) + (p[2]-q[2])*(p[2]-q[2]))
}

func lab(c color.RGBA) [3]float64 {
	linear := func(v byte) float64 {
		if s := float64(v) / 255; s > 0.04045 {
			return math.Pow((s+0.055)/1.055, 2.4)
		}
		return float64(v) / 255 / 12.92
	}
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	r, g, b := linear(c.R), linear(c.G), linear(c.B)
	x, y, z := f((0.4124*r+0.3576*g+0.1805*b)/0.9505), f(0.2126*r+0.7152*g+0.0722*b), f((0.0193*r+0.1192*g+0.9505*b)/1.089)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// Each file says once that it is sRGB, and JPEG's header is as readers want it: JFIF first, then the profile.
func TestJPEGHeader(t *testing.T) {
	file := fileKinds()[0].encode(t, cardPicture())
	if !bytes.HasPrefix(file, []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xe2\x01\xf0ICC_PROFILE\x00\x01\x01")) {
		t.Errorf("% x", file[:48])
	}
	if n := bytes.Count(file, []byte("ICC_PROFILE")); n != 1 {
		t.Errorf("%d profiles", n)
	}
	if _, err := jpeg.DecodeConfig(bytes.NewReader(file)); err != nil {
		t.Error(err)
	}
}
