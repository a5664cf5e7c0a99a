package e2e_test

import (
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame/frametest"
)

// TestManyCapturesWithVariants: a thousand captures with all Variants leave no memory behind.
func TestManyCapturesWithVariants(t *testing.T) {
	clip := frametest.Clip{Width: 320, Height: 180, Frames: 8, GOP: 2}
	cam := plain()
	cam.Variants = []capture.Variant{
		{Name: "big", Width: 400, Enlarge: true}, {Name: "square", Width: 100, Height: 100, Fit: capture.Fill}, {Name: "list", Width: 160, Plain: true},
	}
	units := scene(clip.Units(t))
	units.remember(cam)
	var resident []int
	for i := range 1000 {
		if _, err := cam.Capture(t.Context(), capture.Request{Moment: capture.AtPTS(units[i%8].PTS)}); err != nil {
			t.Fatal(err)
		}
		if i%50 == 49 {
			debug.FreeOSMemory() // what lives counts, not when Go last collected its garbage
			resident = append(resident, rss(t))
		}
	}
	t.Logf("MiB: %d", resident)
	if first, last := slices.Max(resident[:10]), slices.Max(resident[10:]); last > first+first/10 {
		t.Errorf("%d MiB after 500 captures, %d MiB after 1,000", first, last)
	}
}

// rss returns the MiB of memory that this process takes.
func rss(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}
