package frame_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/frame"
)

// TestSearch plays random streams, whose times mean nothing, and compares what searches a History with what a look at all of it says. In the
// bubble no time passes.
func TestSearch(t *testing.T) { synctest.Test(t, testSearch) }

func testSearch(t *testing.T) {
	is := func(a, b frame.GOP) bool { return &a[0].Data[0] == &b[0].Data[0] }
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		h := frame.History{MaxAge: time.Duration(1 + r.IntN(40)), MaxBytes: 1 + r.IntN(50_000), Budget: &frame.Budget{Bytes: 60_000}}
		var began []frame.GOP
		joined := make(map[*byte]bool)
		cut := false
		for range 200 {
			if r.IntN(20) == 0 {
				h.Cut()
				cut = true
			}
			u := frame.AccessUnit{
				Key: r.IntN(4) == 0, DTS: time.Duration(r.IntN(3)), PTS: time.Duration(r.IntN(3)), Data: make([]byte, 1+r.IntN(100)),
				Time: time.Unix(0, r.Int64N(50)), Offset: time.Duration(r.IntN(3)),
			}
			if u.Key {
				joined[&u.Data[0]], cut = !cut && len(h.GOPs()) > 0, false
				began = append(began, frame.GOP{u})
			}
			h.Add(u)
			gops := h.GOPs()
			if n := len(gops); u.Key && n > 0 {
				began[len(began)-1] = gops[n-1]
			}
			backward := slices.Collect(h.Backward())
			slices.Reverse(backward)
			if !slices.EqualFunc(backward, gops, func(a, b frame.GOP) bool { return is(a, b) && len(a) == len(b) }) {
				t.Fatalf("seed %d: %d GOPs backward, %d in all", seed, len(backward), len(gops))
			}
			for _, g := range began {
				reach := r.IntN(4)
				around, i := h.Around(g, reach)
				at := slices.IndexFunc(gops, func(o frame.GOP) bool { return is(o, g) })
				if at < 0 {
					if i >= 0 || h.Before(g) != nil {
						t.Fatalf("seed %d: a forgotten GOP is found", seed)
					}
					continue
				}
				from := max(0, at-reach)
				if i != at-from || !slices.EqualFunc(around, gops[from:min(len(gops), at+reach+1)], func(a, b frame.GOP) bool { return is(a, b) && len(a) == len(b) }) {
					t.Fatalf("seed %d: %d GOPs around that of %d, which is %d of them", seed, len(around), at, i)
				}
				before := h.Before(g)
				if want := at > 0 && joined[&g[0].Data[0]]; want != (before != nil) || want && !is(before, gops[at-1]) {
					t.Fatalf("seed %d: before GOP %d of %d comes %v", seed, at, len(gops), before)
				}
			}
		}
	}
}

// TestBackwardWhileForgetting: what is forgotten meanwhile is left out, and what begins meanwhile.
func TestBackwardWhileForgetting(t *testing.T) {
	h := frame.History{MaxAge: 5 * time.Second}
	n := 0
	add := func() { h.Add(unit(n, true, 1)); n++ }
	for range 50 {
		add()
	}
	seen := 0
	for g := range h.Backward() {
		if seen++; g[0].DTS != unit(50-seen, true, 0).DTS {
			t.Fatalf("GOP %v comes as number %d from the end", g[0].DTS, seen)
		}
		add()
	}
	if seen < 16 || seen > 40 {
		t.Errorf("%d GOPs of 50, one of which was forgotten for each", seen)
	}
	var none frame.History
	for g := range none.Backward() {
		t.Errorf("an empty History has %v", g)
	}
}

// TestSearchAllocates: looking at the newest of a million GOPs, around one and before it takes no memory to speak of.
func TestSearchAllocates(t *testing.T) {
	h := frame.History{MaxAge: 1000 * time.Hour, MaxBytes: 1 << 30, Budget: &frame.Budget{Bytes: 4 << 30}}
	data := make([]byte, 1)
	var middle frame.GOP
	for n := range 1_000_000 {
		at := time.Duration(n) * time.Millisecond
		h.Add(frame.AccessUnit{Key: true, DTS: at, PTS: at, Time: time.Unix(0, 0).Add(at), Data: data})
		if n == 500_000 {
			for middle = range h.Backward() {
				break
			}
		}
	}
	all := 0
	for range h.Backward() {
		all++
	}
	if all != 1_000_000 {
		t.Fatalf("%d GOPs are left of a million", all)
	}
	allocs := testing.AllocsPerRun(100, func() {
		for range h.Backward() {
			break
		}
		if gops, i := h.Around(middle, 2); len(gops) != 5 || i != 2 || h.Before(middle) == nil {
			t.Fatalf("%d GOPs around, %d", len(gops), i)
		}
	})
	if allocs > 2 {
		t.Errorf("%v allocations", allocs)
	}
}
