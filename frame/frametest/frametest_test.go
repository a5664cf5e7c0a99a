package frametest_test

import (
	"image"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

func TestCounterReadsBack(t *testing.T) {
	img := image.NewYCbCr(image.Rect(0, 0, 321, 181), image.YCbCrSubsampleRatio420)
	if n, ok := frametest.Read(img); ok {
		t.Errorf("read %d where none was drawn", n)
	}
	for _, want := range []int{0, 1, 2, 12345, 65535} {
		frametest.Draw(img, want)
		if n, ok := frametest.Read(img); n != want || !ok {
			t.Errorf("drew %d, read %d, %v", want, n, ok)
		}
	}
}

func TestUnitsAreInDecodingOrder(t *testing.T) {
	for _, c := range []frametest.Clip{{}, {BFrames: 3}} {
		units := c.Units(t)
		if len(units) != 60 {
			t.Fatalf("%d units, want 60", len(units))
		}
		keys, reordered := 0, false
		for i, u := range units {
			if u.Key {
				keys++
			}
			if i > 0 && u.DTS <= units[i-1].DTS {
				t.Errorf("unit %d: DTS %v after %v", i, u.DTS, units[i-1].DTS)
			}
			if u.PTS < u.DTS || u.Codec != frame.H264 || u.Time != frametest.Epoch.Add(u.PTS) {
				t.Errorf("unit %d: %v PTS %v, DTS %v, time %v", i, u.Codec, u.PTS, u.DTS, u.Time)
			}
			reordered = reordered || i > 0 && u.PTS < units[i-1].PTS
		}
		if keys != 2 || len(c.GOPs(t)) != 2 || reordered != (c.BFrames > 0) {
			t.Errorf("%d B-frames: %d key units, reordered %v", c.BFrames, keys, reordered)
		}
	}
}
