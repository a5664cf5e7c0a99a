package ffmpeg_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// resident returns the bytes of memory that the process takes.
func resident(tb testing.TB) int {
	tb.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		tb.Fatal(err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(statm), &size, &pages); err != nil {
		tb.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// Ten thousand decodes leave nothing behind, however they end: to the end, by a break, by a cancelled context, by damage.
func TestMemory(t *testing.T) {
	g := frametest.Clip{Width: 64, Height: 64, Frames: 8, GOP: 8, BFrames: 2}.GOPs(t)[0]
	damaged := append(frame.GOP{}, g...)
	damaged[4].Data = damaged[4].Data[:len(damaged[4].Data)/3]
	headless := append(frame.GOP{}, g...)
	headless[0].Data = headless[0].Data[len(headless[0].Data)/2:]
	single, threaded := &ffmpeg.Decoder{Threads: 1}, &ffmpeg.Decoder{Threads: 2}
	pictures := 0
	decode := func(n int) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		in, stop := g, -1
		switch n % 10 {
		case 0: // to the end
		case 1, 2, 3:
			stop = 1
		case 4:
			in = g[:5]
		case 5:
			in = damaged
		case 6:
			in = headless
		case 7:
			cancel()
		default:
			in = g[:1]
		}
		d := single
		if n%3 == 0 {
			d = threaded
		}
		seen := 0
		for _, err := range d.Decode(ctx, in, time.Time{}) {
			if err != nil {
				return
			}
			pictures++
			if seen++; seen == stop {
				break
			}
			if n%20 == 4 {
				cancel()
			}
		}
	}
	const decodes, warm = 10_000, 2_000
	before := 0
	for n := range decodes {
		if n == warm {
			runtime.GC()
			before = resident(t)
		}
		decode(n)
	}
	runtime.GC()
	after := resident(t)
	if pictures < decodes {
		t.Errorf("%d pictures", pictures)
	}
	// A leak of one picture per decode would be 50 MB, of one codec context more than that.
	t.Logf("grown by %d KiB from %d KiB, %d pictures", (after-before)>>10, before>>10, pictures)
	if grown := after - before; grown > 8<<20 {
		t.Errorf("grown by %d KiB, from %d KiB", grown>>10, before>>10)
	}
}
