package imagefile_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/livestill/livestill/frame/ffmpeg/internal/imagefile"
)

var size = image.Pt(4, 3)

// A kind of file: what makes it, of what an encoder gives.
type kind struct {
	name   string
	makes  func(from []byte, size image.Point) ([][]byte, error)
	from   []byte
	begins string   // the file
	says   []string // once each, in this order
	never  string   // it says this
}

func kinds(t *testing.T) []kind {
	t.Helper()
	picture := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	var ofJPEG, ofPNG bytes.Buffer
	if err := jpeg.Encode(&ofJPEG, picture, nil); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&ofPNG, picture); err != nil {
		t.Fatal(err)
	}
	const soi, signature = 2, 8
	comment := []byte("\xff\xfe\x00\x07Lavc.")
	text := []byte("\x00\x00\x00\x06tEXtLavc\x00c\x1a\x7f\x39\xa6") // with its CRC
	return []kind{
		{
			"JPEG", unsized(imagefile.JPEG), slices.Insert(ofJPEG.Bytes(), soi, comment...),
			"\xff\xd8\xff\xe0\x00\x10JFIF\x00", []string{"JFIF\x00", "ICC_PROFILE\x00\x01\x01"}, "Lavc",
		},
		{
			"PNG", unsized(imagefile.PNG), slices.Insert(ofPNG.Bytes(), signature+25, text...), // behind IHDR
			"\x89PNG\r\n\x1a\n", []string{"IHDR", "sRGB\x00", "gAMA\x00\x00\xb1\x8f", "cHRM", "IDAT", "IEND"}, "Lavc",
		},
		{
			"WebP", imagefile.WebP, []byte("RIFF\x10\x00\x00\x00WEBPVP8 \x03\x00\x00\x00abc\x00"),
			"RIFF", []string{"WEBP", "VP8X\x0a\x00\x00\x00\x20\x00\x00\x00\x03\x00\x00\x02\x00\x00", "ICCP\xe0\x01\x00\x00", "VP8 \x03\x00\x00\x00abc\x00"}, "EXIF",
		},
		{
			"AVIF", imagefile.AVIF, []byte("\x12\x00\n\t\x18\x15\x7f\xfd\x82\x02\x1a\r\b2\x17\x13\x80\x03\f0\xc4\x00\xc1\xb4\xe5\xc0['\v\xb1\xe0hb\x93\xbe\xcc\"\xab"),
			"\x00\x00\x00\x1cftypavif", []string{
				"ftyp", "meta", "pict", "iloc", "av01", "ispe\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x03", "av1C\x81\x00\x0c\x00",
				"colrnclx\x00\x01\x00\x0d\x00\x06\x80", "mdat\n\t",
			}, "\x12\x00\n", // a temporal delimiter
		},
	}
}

func unsized(makes func([]byte) ([][]byte, error)) func([]byte, image.Point) ([][]byte, error) {
	return func(from []byte, _ image.Point) ([][]byte, error) { return makes(from) }
}

// Each file says what its colours are, once, where readers look for that, and not what made it.
func TestFiles(t *testing.T) {
	for _, k := range kinds(t) {
		parts, err := k.makes(k.from, size)
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		file := string(slices.Concat(parts...))
		if !strings.HasPrefix(file, k.begins) || strings.Contains(file, k.never) {
			t.Errorf("%s: %q", k.name, file)
		}
		at := -1
		for _, s := range k.says {
			next := strings.Index(file, s)
			if next <= at || strings.Count(file, s) != 1 {
				t.Errorf("%s: %q is at %d, what comes before it at %d: %q", k.name, s, next, at, file)
			}
			at = next
		}
	}
}

// Files of PNG and JPEG show the same pixels as before.
func TestPixelsStay(t *testing.T) {
	for _, k := range kinds(t)[:2] {
		parts, err := k.makes(k.from, size)
		if err != nil {
			t.Fatalf("%s: %v", k.name, err)
		}
		before, _, err := image.Decode(bytes.NewReader(k.from))
		if err != nil {
			t.Fatalf("%s: %v", k.name, err)
		}
		after, _, err := image.Decode(bytes.NewReader(slices.Concat(parts...)))
		if err != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("%s: %v, %v", k.name, after, err)
		}
	}
}

// What is no such file is refused. One that ends anywhere before its end is refused, or made a file that ends as early; of WebP none is made, which
// tells at its beginning how long it is.
func TestBadFiles(t *testing.T) {
	for _, k := range kinds(t) {
		for _, bad := range []string{"", "\xff\xd8", "RIFF\x04\x00\x00\x00WEBP", "\x89PNG\r\n\x1a\n", "\x12\x00", strings.Repeat("\xff", 64), strings.Repeat("\x00", 64)} {
			if parts, err := k.makes([]byte(bad), size); err == nil {
				t.Errorf("%s of %q: %q", k.name, bad, parts)
			}
		}
		for n := range len(k.from) - 1 {
			parts, err := k.makes(k.from[:n], size)
			if err == nil && (k.name == "WebP" || !bytes.HasSuffix(k.from[:n], parts[len(parts)-1])) {
				t.Errorf("%s, %d bytes: %q", k.name, n, parts)
			}
		}
	}
}
