package ffmpeg

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
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

// What a surveyor remembers has a bound, however long a GOP is and whatever it says of itself.
func TestSurveyorIsBounded(t *testing.T) {
	h264 := frametest.Clip{Frames: 4, BFrames: 2}.GOPs(t)[0]
	var s surveyor
	s.place(&h264[0])
	sps := s.count.sps
	for i := range 200_000 {
		// A P slice whose count goes on, as no IDR picture comes.
		b := bitWriter{bytes: []byte{0x41}, size: 8}
		b.ue(0)
		b.ue(0)
		b.ue(0)
		b.put(uint64(i), int(sps.Log2MaxFrameNumMinus4)+4)
		b.put(uint64(2*i), int(sps.Log2MaxPicOrderCntLsbMinus4)+4)
		b.put(1, 8)
		s.place(&frame.AccessUnit{Codec: frame.H264, Data: annexB(nil, escape(b.bytes))})
	}
	if n := len(s.count.roll.here) + len(s.count.roll.before); n < mostPresent || n > 2*mostPresent {
		t.Errorf("%d pictures of H.264 are remembered", n)
	}

	var o order
	for i := range 100_000 {
		var set bitWriter // of an id of its own
		set.bytes, set.size = []byte{34 << 1, 1}, 16
		set.ue(uint32(i))
		set.ue(0)
		set.put(0, 5)
		set.end()
		o.unit([][]byte{escape(set.bytes)})
	}
	if len(o.pps) > 64 {
		t.Errorf("%d sets of H.265 are remembered", len(o.pps))
	}
	if !slices.ContainsFunc([]uint32{0, 63}, func(id uint32) bool { return o.pps[id] != nil }) {
		t.Error("no set of H.265 is remembered")
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
