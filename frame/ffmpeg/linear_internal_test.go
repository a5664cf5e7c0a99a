package ffmpeg

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
)

// What a unit costs does not depend on how many came before it: see cpu-ns/unit, which is of processor time.
func BenchmarkUnits(b *testing.B) {
	for _, c := range []frame.Codec{frame.VP9, frame.VP8, frame.H264} {
		for _, n := range []int{1_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%v/%d", c, n), func(b *testing.B) {
				data := map[frame.Codec][]byte{frame.VP9: {0x86}, frame.VP8: {0x11}, frame.H264: {0}}[c]
				before := processorTime(b)
				for b.Loop() {
					for _, err := range new(Decoder).Follow(b.Context(), func(yield func(frame.AccessUnit, bool) bool) {
						for i := range n {
							if !yield(frame.AccessUnit{Codec: c, Key: i == 0, PTS: -time.Duration(i), Data: data}, true) {
								return
							}
						}
					}) {
						_ = err
					}
				}
				b.ReportMetric(float64(processorTime(b)-before)/float64(b.N*n), "cpu-ns/unit")
			})
		}
	}
}

func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
