package imagefile_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"slices"
	"strings"
	"testing"

	"github.com/livestill/livestill/frame/ffmpeg/internal/imagefile"
)

// FuzzContainers gives what makes files of what FFmpeg's encoders give anything at all: it is refused, or the file is whole, and says once what its
// colours are.
func FuzzContainers(f *testing.F) {
	f.Fuzz(func(t *testing.T, kind, width, height byte, from []byte) {
		size := image.Pt(int(width)+1, int(height)+1)
		check := []func(*testing.T, []byte, image.Point){checkPNG, checkWebP, checkJFIF, checkAVIF}[kind%4]
		check(t, from, size)
	})
}

func checkPNG(t *testing.T, from []byte, _ image.Point) {
	t.Helper()
	parts, err := imagefile.PNG(from)
	if err != nil {
		return
	}
	file := slices.Concat(parts...)
	again, err := imagefile.PNG(file)
	if err != nil || !bytes.Equal(slices.Concat(again...), file) {
		t.Fatalf("%x, %v: made again of %x", again, err, file)
	}
	if n := bytes.Count(file, []byte("IEND")); n == 0 {
		t.Fatalf("%x", file)
	}
}

func checkWebP(t *testing.T, from []byte, size image.Point) {
	t.Helper()
	parts, err := imagefile.WebP(from, size)
	if err != nil {
		return
	}
	file := slices.Concat(parts...)
	if n := int(binary.LittleEndian.Uint32(file[4:])); n != len(file)-8 {
		t.Fatalf("it says %d, and has %d bytes", n, len(file))
	}
	le24 := func(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
	if got := image.Pt(le24(file[24:])+1, le24(file[27:])+1); got != size || !bytes.HasSuffix(file, from[len("RIFF....WEBP"):]) {
		t.Fatalf("%v, want %v: %x", got, size, file)
	}
}

func checkJFIF(t *testing.T, from []byte, _ image.Point) {
	t.Helper()
	parts, err := imagefile.JPEG(from)
	if err != nil {
		return
	}
	again, err := imagefile.JPEG(slices.Concat(parts...))
	if err != nil || !slices.EqualFunc(again, parts, bytes.Equal) {
		t.Fatalf("%x, %v: made again of %x", again, err, parts)
	}
}

func checkAVIF(t *testing.T, from []byte, size image.Point) {
	t.Helper()
	parts, err := imagefile.AVIF(from, size)
	if err != nil {
		return
	}
	file := slices.Concat(parts...)
	boxes := map[string][]byte{}
	walk(t, file, "", boxes)
	iloc, ispe, record := boxes["meta.iloc"], boxes["meta.iprp.ipco.ispe"], boxes["meta.iprp.ipco.av1C"]
	at, n := binary.BigEndian.Uint32(iloc[len(iloc)-8:]), binary.BigEndian.Uint32(iloc[len(iloc)-4:])
	if got := file[at:][:n]; !bytes.Equal(got, boxes["mdat"]) || !bytes.Equal(got, parts[1]) {
		t.Fatalf("the image lies at %d and has %d bytes: %x", at, n, file)
	}
	if got := image.Pt(int(binary.BigEndian.Uint32(ispe[4:])), int(binary.BigEndian.Uint32(ispe[8:]))); got != size {
		t.Fatalf("%v, want %v", got, size)
	}
	if len(record) != 4 || string(boxes["meta.iprp.ipco.colr"]) != "nclx\x00\x01\x00\x0d\x00\x06\x80" {
		t.Fatalf("%x", boxes)
	}
}

// walk cuts boxes into what they have in them, all the way down. Nothing may be left over.
func walk(t *testing.T, b []byte, path string, boxes map[string][]byte) {
	t.Helper()
	for len(b) > 0 {
		n := int(binary.BigEndian.Uint32(b))
		if n < 8 || n > len(b) {
			t.Fatalf("a box of %d bytes where %d are left in %s", n, len(b), path)
		}
		name, contents := strings.TrimPrefix(path+"."+string(b[4:8]), "."), b[8:n]
		boxes[name] = contents
		switch string(b[4:8]) {
		case "meta":
			walk(t, contents[4:], name, boxes)
		case "iinf":
			walk(t, contents[6:], name, boxes)
		case "iprp", "ipco":
			walk(t, contents, name, boxes)
		}
		b = b[n:]
	}
}
