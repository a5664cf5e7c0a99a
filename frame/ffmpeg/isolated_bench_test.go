package ffmpeg_test

import (
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// What isolation costs, of a 1080p stream: a key picture, and the newest of 60. Both decoders take turns, so that both have the same
// machine. The medians.
func BenchmarkIsolated(b *testing.B) {
	g := live.GOPs(b)[0]
	isolated := new(ffmpeg.Isolated)
	defer isolated.Close()
	fresh := &ffmpeg.Isolated{Fresh: true}
	defer fresh.Close()
	ds := []capture.Decoder{new(ffmpeg.Decoder), isolated, fresh}
	for name, n := range map[string]int{"key": 1, "newest": len(g)} {
		b.Run(name, func(b *testing.B) {
			took := make([][]time.Duration, len(ds))
			for b.Loop() {
				for i, d := range ds {
					began := time.Now()
					if _, err := decode(b.Context(), d, g[:n], g[n-1].Time); err != nil {
						b.Fatal(err)
					}
					took[i] = append(took[i], time.Since(began))
				}
			}
			for i, unit := range []string{"ms-plain", "ms-isolated", "ms-fresh"} {
				slices.Sort(took[i])
				b.ReportMetric(took[i][len(took[i])/2].Seconds()*1e3, unit)
			}
		})
	}
}
