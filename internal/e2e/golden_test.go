package e2e_test

import (
	"bytes"
	"flag"
	"image"
	"image/draw"
	"image/jpeg"
	"math"
	"os"
	"testing"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

// TestGoldenPictures publishes the clips of testdata and compares a part of a still, plain and enhanced, with the pictures that
// README shows. FFmpeg's encoders differ between versions, so pixels may differ a little.
func TestGoldenPictures(t *testing.T) {
	const root = "../../testdata/"
	for _, test := range []struct {
		name string
		unit int // which access unit of the clip
		part image.Rectangle
	}{
		{"beer", 60, image.Rect(480, 60, 720, 240)},
		{"dog", 210, image.Rect(560, 300, 800, 480)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cam := remember(t, root+test.name+".mp4")
			cam.Enhancer = enhance.Auto{}
			plain := &capture.Camera{Decoder: &ffmpeg.Decoder{}, Encoder: &ffmpeg.JPEG{}}
			var units []frame.AccessUnit
			for _, g := range cam.History.GOPs() {
				for _, u := range g {
					plain.History.Add(u)
					units = append(units, u)
				}
			}
			for kind, cam := range map[string]*capture.Camera{"plain": plain, "enhanced": cam} {
				still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.At(units[test.unit].Time), Tolerance: -1})
				if err != nil {
					t.Fatal(err)
				}
				got := image.NewRGBA(image.Rectangle{Max: test.part.Size()})
				draw.Draw(got, got.Rect, still.Picture.YCbCr, test.part.Min, draw.Src)
				compare(t, root+"golden/"+test.name+"-"+kind+".jpg", got)
			}
		})
	}
}

// compare checks that img is within 38 dB of the golden picture at path, which JPEG alone takes to 40.
func compare(t *testing.T, path string, img *image.RGBA) {
	t.Helper()
	if *update {
		var file bytes.Buffer
		if err := jpeg.Encode(&file, img, &jpeg.Options{Quality: 92}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	golden, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	want := image.NewRGBA(golden.Bounds())
	draw.Draw(want, want.Rect, golden, image.Point{}, draw.Src)
	if want.Rect != img.Rect {
		t.Fatalf("%s is %v, want %v", path, img.Rect, want.Rect)
	}
	sum := 0.0
	for i := range want.Pix {
		d := float64(want.Pix[i]) - float64(img.Pix[i])
		sum += d * d
	}
	if psnr := 10 * math.Log10(255*255*float64(len(want.Pix))/(sum+1)); psnr < 36 {
		t.Errorf("%s: %.1f dB", path, psnr)
	} else {
		t.Logf("%s: %.1f dB", path, psnr)
	}
}
