package frame_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
)

// fill adds GOPs of ten units of 10 kB.
func fill(h *frame.History, gops int) {
	for n := range gops * 10 {
		h.Add(unit(n, n%10 == 0, 10_000))
	}
}

// pictures returns how many units of a History have data.
func pictures(h *frame.History) (n int) {
	for _, g := range h.GOPs() {
		for _, u := range g {
			if u.Data != nil {
				n++
			}
		}
	}
	return n
}

// TestLargestIsShrunk: streams share a Budget, and the largest is one that has ended.
func TestLargestIsShrunk(t *testing.T) {
	b := &frame.Budget{Bytes: 8 << 20} // a unit weighs 24 kB, so that Histories have room for 170
	history := func() *frame.History { return &frame.History{MaxAge: time.Hour, Budget: b} }
	ended, live, still := history(), history(), history()
	fill(still, 1)
	fill(ended, 12)
	if n := pictures(ended); n != 120 {
		t.Fatalf("%d units are left of 120 that fit", n)
	}
	fill(live, 5)
	if n := pictures(ended); n < 90 || n%10 != 0 {
		t.Errorf("of the largest, %d units are left, want some GOPs less than 12", n)
	}
	fill(live, 20)
	if e, l := pictures(ended), pictures(live); e < 60 || e > 90 || l < 60 || l > 90 {
		t.Errorf("%d and %d units are left of the larger streams, want nearly the same", e, l)
	}
	if n := pictures(still); n != 10 {
		t.Errorf("the smallest has %d units, want all 10", n)
	}
	if sum := ended.Size() + live.Size() + still.Size(); sum > 4<<20 || sum < 3<<20 {
		t.Errorf("all weigh %d, want nearly half of %d", sum, b.Bytes)
	}
	s := b.Stats()
	if s.Histories != 3 || s.Remembered > 4<<20 || s.Remembered < int64(ended.Size()+live.Size()+still.Size()) {
		t.Errorf("says %+v", s)
	}
	runtime.KeepAlive(still)
}

// TestShrinksToTheLast: what has but one GOP degrades, half of it at a time, and then forgets even the key unit, until the next.
func TestShrinksToTheLast(t *testing.T) {
	b := &frame.Budget{Bytes: 400_000}
	h, other := &frame.History{Budget: b}, &frame.History{Budget: b}
	for n := range 10 {
		h.Add(unit(n, n == 0, 10_000))
	}
	if g := h.GOPs(); len(g) != 1 || len(g[0]) != 8 || g[0][0].Data == nil || g[0].Forgotten() != 4 || g[0][7].DTS != 900*time.Millisecond {
		t.Fatalf("a GOP above the budget: %v", len(g[0]))
	}
	other.Add(unit(0, true, 30_000))
	if g := h.GOPs(); pictures(other) != 1 || len(g) != 1 || g[0].Forgotten() != 7 || g[0][4].DTS != 900*time.Millisecond {
		t.Fatalf("beside another: %v", g)
	}
	runtime.KeepAlive(h)
	b = &frame.Budget{Bytes: 400_000}
	h, other = &frame.History{Budget: b}, &frame.History{Budget: b}
	h.Add(unit(0, true, 10_000))
	other.Add(unit(0, true, 9_000))
	if pictures(h) != 1 || pictures(other) != 1 {
		t.Fatalf("%d and %d units are left of two that fit", pictures(h), pictures(other))
	}
	other.Add(unit(1, true, 90_000))
	if pictures(h) != 1 || pictures(other) != 0 || other.Size() != 0 {
		t.Errorf("a key unit above the budget: %d of it, %d of the other", pictures(other), pictures(h))
	}
	other.Add(unit(2, false, 10))
	other.Add(unit(3, true, 10))
	if g := other.GOPs(); len(g) != 1 || len(g[0]) != 1 {
		t.Errorf("after the next key unit: %v", g)
	}
	runtime.KeepAlive(h)
}

var packageLevel frame.History

// TestHistoriesLeave: a History that nobody refers to leaves its Budget, wherever it was.
func TestHistoriesLeave(t *testing.T) {
	b := new(frame.Budget)
	type camera struct {
		before, history frame.History // inside of something larger, as a Camera has it
	}
	referred := new(camera)
	referred.history.Budget = b
	fill(&referred.history, 1)
	for range 100 {
		c := new(camera)
		c.before.Budget, c.history.Budget = b, b
		fill(&c.history, 1)
		var alone frame.History
		alone.Budget = b
		fill(&alone, 2)
	}
	packageLevel = frame.History{Budget: b}
	fill(&packageLevel, 1)
	for b.Stats().Histories > 2 {
		runtime.GC()
	}
	if s, sum := b.Stats(), referred.history.Size()+packageLevel.Size(); s.Histories != 2 || s.Remembered < int64(sum) || s.Remembered > int64(sum+sum/3) {
		t.Errorf("%+v, want two of %d bytes", s, sum)
	}
	runtime.KeepAlive(referred)
}

// TestBudgetUnderRace: many streams of all kinds come and go at once, read and waited for.
func TestBudgetUnderRace(t *testing.T) {
	b := &frame.Budget{Bytes: 16 << 20}
	var streams sync.WaitGroup
	histories := make([]*frame.History, 40)
	for i := range histories {
		h := &frame.History{Budget: b, MaxAge: time.Hour}
		histories[i] = h
		streams.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for n := range 400 {
				h.Add(unit(n, n == 0 || r.IntN(1+i) == 0, 1<<r.IntN(15)))
				if n%10 == 0 {
					left := &frame.History{Budget: b}
					left.Add(unit(n, true, 1000))
				}
			}
		})
		streams.Go(func() {
			for range 400 {
				h.Changed()
				for _, g := range h.GOPs() {
					h.Before(g)
				}
				b.Stats()
			}
		})
	}
	streams.Wait()
	sum := 0
	for _, h := range histories {
		sum += h.Size()
	}
	if s := b.Stats(); sum > 8<<20 || sum < 1<<20 || s.Remembered > 8<<20 || s.Remembered < int64(sum) {
		t.Errorf("all weigh %d of %d, %+v", sum, b.Bytes, s)
	}
}

// BenchmarkOverBudget adds to one of many Histories that weigh as much as they may: it takes no longer the more there are.
func BenchmarkOverBudget(b *testing.B) {
	for _, streams := range []int{10, 10_000} {
		b.Run(fmt.Sprint(streams), func(b *testing.B) {
			budget := &frame.Budget{Bytes: 256 << 20}
			histories := make([]frame.History, streams)
			for i := range histories {
				histories[i].Budget, histories[i].MaxAge = budget, 1000*time.Hour
			}
			data, n := make([]byte, 8000), 0
			add := func() {
				at := time.Duration(n) * time.Second / 30
				histories[n%streams].Add(frame.AccessUnit{Key: n/streams%4 == 0, DTS: at, PTS: at, Time: time.Unix(0, 0).Add(at), Data: data})
				n++
			}
			for range 30_000 {
				add()
			}
			b.ReportAllocs()
			for b.Loop() {
				add()
			}
		})
	}
}
