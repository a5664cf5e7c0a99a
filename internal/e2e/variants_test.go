package e2e_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// Three are what an app shows: a page, a card and a list.
var three = []capture.Variant{{Name: "page", Width: 1280}, {Name: "card", Width: 640}, {Name: "thumb", Width: 320}}

// thumbAlone asks for no other file.
var thumbAlone = capture.Request{Variants: []string{"thumb"}}

// BenchmarkVariants says what one file of a capture takes, what three Variants take beside it, and what a thumbnail takes beside the decoding.
func BenchmarkVariants(b *testing.B) {
	stream := newScene(b)
	type figures struct{ wall, cpu float64 } // seconds
	measure := func(b *testing.B, do func(b *testing.B)) (f figures) {
		b.Helper()
		b.ReportAllocs()
		n := 0
		for ; b.Loop(); n++ {
			begun := time.Now()
			f.cpu += cpu(func() { do(b) })
			f.wall += time.Since(begun).Seconds()
			time.Sleep(300 * time.Millisecond) // until the Camera has let go of what it kept
		}
		f = figures{f.wall / float64(n), f.cpu / float64(n)}
		b.ReportMetric(1e3*f.wall, "wall-ms/op")
		b.ReportMetric(1e3*f.cpu, "cpu-ms/op")
		return f
	}
	taken := func(variants []capture.Variant, r capture.Request) func(b *testing.B) {
		return func(b *testing.B) {
			b.Helper()
			cam := plain()
			cam.Variants = variants
			if _, err := stream.remember(cam).Capture(b.Context(), r); err != nil {
				b.Fatal(err)
			}
		}
	}
	decoded := func(b *testing.B) {
		b.Helper()
		g := stream[:60]
		for _, err := range new(ffmpeg.Decoder).Decode(b.Context(), frame.GOP(g), g[len(g)-1].Time) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	key := capture.Request{Moment: capture.Keyframe()}
	var one, oneKey, decoding figures
	for _, bench := range []struct {
		name   string
		do     func(b *testing.B)
		to     *figures // where they go
		beside *figures // what they are a multiple of
	}{
		{"newest", taken(nil, capture.Request{}), &one, nil},
		{"newest, three variants", taken(three, capture.Request{}), nil, &one},
		{"key", taken(nil, key), &oneKey, nil},
		{"key, three variants", taken(three, key), nil, &oneKey},
		{"decoding of the newest", decoded, &decoding, nil},
		{"newest, thumbnail alone", taken(three, thumbAlone), nil, &decoding},
	} {
		b.Run(bench.name, func(b *testing.B) {
			f := measure(b, bench.do)
			if bench.to != nil {
				*bench.to = f
			}
			if bench.beside != nil && bench.beside.cpu > 0 {
				b.ReportMetric(f.wall/bench.beside.wall, "times-wall")
				b.ReportMetric(f.cpu/bench.beside.cpu, "times-cpu")
			}
		})
	}
}

// TestVariantsOfAStream: the files of a real capture are JPEG files of their sizes, all of the same picture.
func TestVariantsOfAStream(t *testing.T) {
	clip := frametest.Clip{Width: 640, Height: 360, Frames: 20, GOP: 20}
	shelf := &store.Mem{}
	cam := plain()
	cam.Variants, cam.Store = three, shelf
	rough := []capture.Variant{{Name: "rough", Quality: 10}, {Name: "fine", Quality: 98}}
	still, err := scene(clip.Units(t)).remember(cam).Capture(t.Context(), capture.Request{Own: rough})
	if err != nil {
		t.Fatal(err)
	}
	want, ok := frametest.Read(still.Picture.YCbCr)
	if !ok {
		t.Fatal("the still has no number")
	}
	sizes := []image.Point{{640, 360}, {640, 360}, {320, 180}, {640, 360}, {640, 360}}
	for i, v := range still.Variants {
		img, err := jpeg.Decode(bytes.NewReader(v.Data))
		if err != nil || img.Bounds().Size() != sizes[i] || v.Type != "image/jpeg" || v.Location == "" {
			t.Fatalf("%s: %v, %v", v, img.Bounds(), err)
		}
		if n, ok := frametest.Read(img.(*image.YCbCr)); sizes[i] == sizes[0] && (!ok || n != want) {
			t.Errorf("%s shows %d, want %d", v.Variant, n, want)
		}
	}
	if rough, fine := len(still.Variants[3].Data), len(still.Variants[4].Data); 2*rough > len(still.Data) || fine < len(still.Data) {
		t.Errorf("of quality 10 it has %d bytes, of 90 %d, of 98 %d", rough, len(still.Data), fine)
	}
	if n, err := shelf.Delete(t.Context(), capture.Selection{ID: still.ID}); n != 6 || err != nil {
		t.Errorf("deleted %d files, %v", n, err)
	}
}
