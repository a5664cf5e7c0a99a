package ffmpeg_test

import (
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
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
	ds := []capture.Follower{new(ffmpeg.Decoder), isolated, fresh}
	for name, n := range map[string]int{"key": 1, "newest": len(g)} {
		b.Run(name, func(b *testing.B) {
			took := make([][]time.Duration, len(ds))
			for b.Loop() {
				for i, d := range ds {
					began := time.Now()
					developLast(b, d, g[:n])
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

// developLast does what a Camera does for one capture: any picture may be wanted, and the last is.
func developLast(b *testing.B, d capture.Follower, g frame.GOP) {
	b.Helper()
	for l, err := range d.Follow(b.Context(), func(yield func(frame.AccessUnit, bool) bool) {
		for _, u := range g {
			if !yield(u, true) {
				return
			}
		}
	}) {
		if err == nil && l.Unit == len(g)-1 {
			_, err = l.Develop()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
