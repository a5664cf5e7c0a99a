package ffmpeg

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
)

// A million units of one GOP go through a queue, whatever their order and fate. If each took time by how many came before it, this would
// take hours.
func TestQueueIsLinear(t *testing.T) {
	const n = 1_000_000
	for name, tt := range map[string]struct {
		pts  func(i int) int
		fate func(q *queue[int], i int)
	}{
		"in order, and each is seen": {func(i int) int { return i }, func(q *queue[int], i int) { q.put(i, i) }},
		"backwards, and none comes":  {func(i int) int { return -i }, func(*queue[int], int) {}},
		"backwards, and each comes":  {func(i int) int { return -i }, func(q *queue[int], i int) { q.put(i, i) }},
		"in disorder, none comes":    {func(i int) int { return i * 7919 % n }, func(*queue[int], int) {}},
		"the first is damaged": {func(i int) int { return i }, func(q *queue[int], i int) {
			if i == 0 {
				q.spoil(i, false)
			}
			q.put(i, i)
		}},
		"the first is found damaged again and again": {func(i int) int { return i }, func(q *queue[int], i int) {
			q.put(i, i)
			q.spoil(0, false)
		}},
		"each is lost": {func(i int) int { return i }, func(q *queue[int], i int) { q.lose(i) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueue[int](func(int) bool { return false })
			take := func() {
				for ok := true; ok; {
					_, _, _, _, ok = q.take()
				}
			}
			for i := range n {
				q.add(time.Duration(tt.pts(i)), i == 0)
				tt.fate(q, i)
				take()
			}
			q.drain()
			take()
			if len(q.show) != 0 || q.holding != 0 || q.settled != n {
				t.Errorf("%d units are left, %d held, %d settled", len(q.show), q.holding, q.settled)
			}
		})
	}
}

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
