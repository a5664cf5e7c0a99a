package frame_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
)

// unit makes the nth unit of a 10 fps stream.
func unit(n int, key bool, size int) frame.AccessUnit {
	at := time.Duration(n) * 100 * time.Millisecond
	return frame.AccessUnit{Codec: frame.H264, Key: key, DTS: at, PTS: at, Time: time.Unix(0, 0).Add(at), Data: make([]byte, size)}
}

func TestHistoryBeginsWithAKeyUnit(t *testing.T) {
	var h frame.History
	h.Add(unit(0, false, 10))
	if g := h.GOPs(); len(g) != 0 || h.Size() != 0 {
		t.Errorf("remembers %d GOPs, %d bytes of a stream without a key unit", len(g), h.Size())
	}
	h.Add(unit(1, true, 10))
	h.Add(unit(2, false, 10))
	if g := h.GOPs(); len(g) != 1 || len(g[0]) != 2 || g[0].Size() != 20 {
		t.Errorf("remembers %v", g)
	}
}

func TestHistoryForgetsWholeGOPsByAge(t *testing.T) {
	h := frame.History{MaxAge: time.Second}
	for n := range 100 {
		h.Add(unit(n, n%5 == 0, 10))
		g := h.GOPs()
		oldest, newest := g[0][0].Time, unit(n, false, 0).Time
		if n >= 10 && newest.Sub(oldest) < time.Second {
			t.Fatalf("at unit %d only %v are remembered", n, newest.Sub(oldest))
		}
		if newest.Sub(oldest) >= 1500*time.Millisecond {
			t.Fatalf("at unit %d as much as %v are remembered", n, newest.Sub(oldest))
		}
	}
}

func TestHistoryDegradesToTheKeyUnit(t *testing.T) {
	h := frame.History{MaxBytes: 260_000} // half of it is garbage
	h.Add(unit(0, true, 50_000))
	for n := 1; n <= 5; n++ {
		h.Add(unit(n, false, 10_000))
	}
	if g := h.GOPs()[0]; len(g) != 6 || g.Size() != 100_000 {
		t.Fatalf("a GOP just below MaxBytes has %d units, %d bytes left", len(g), g.Size())
	}
	for n := 6; n < 40; n++ {
		h.Add(unit(n, false, 10_000))
		g := h.GOPs()[0]
		tail := g[3:] // from the newest unit alone, again and again, to five of them
		if want := 1 + (n-6)%5; len(tail) != want || g.Size() != 50_000+want*10_000 || h.Size() > 260_000 {
			t.Fatalf("after unit %d: %d units, %d bytes, takes %d", n, len(g), g.Size(), h.Size())
		}
		if !g[0].Key || tail[len(tail)-1].DTS != unit(n, false, 0).DTS || g.Forgotten() != n-len(tail) {
			t.Fatalf("after unit %d: %d of %d units are forgotten, the newest is %v", n, g.Forgotten(), len(g), tail[len(tail)-1].DTS)
		}
		if g[1].Data != nil || g[1].DTS != unit(1, false, 0).DTS || g[2].Data != nil || g[2].DTS != unit(n-len(tail), false, 0).DTS {
			t.Fatalf("after unit %d: forgotten from %v to %v", n, g[1].DTS, g[2].DTS)
		}
	}
	h.Add(unit(40, true, 200_000))
	if g := h.GOPs(); len(g) != 1 || len(g[0]) != 1 || g[0][0].DTS != 4*time.Second || h.Size() < 400_000 {
		t.Errorf("a key unit over the bound: %v", g)
	}
	h.Add(unit(41, false, 10))
	h.Add(unit(42, false, 10))
	if g := h.GOPs()[0]; len(g) != 3 || g.Forgotten() != 2 || g[2].Data != nil || g[2].DTS != 4200*time.Millisecond {
		t.Errorf("behind a key unit over the bound: %v", g)
	}
}

// TestDegradeByCount: units without data to speak of are too many at some time, too.
func TestDegradeByCount(t *testing.T) {
	for _, test := range []struct {
		about string
		data  []byte
		fit   int // in 1 MiB, at least, and twice that at most
	}{
		{"none", nil, 2000},
		{"a byte", make([]byte, 1), 2000},
		{"a byte of a kilobyte, which is copied", make([]byte, 1, 1024), 2000},
		{"a kilobyte", make([]byte, 1024), 250},
	} {
		h := frame.History{MaxBytes: 1 << 20, MaxAge: time.Hour}
		most, last, times := 0, 0, 0
		for n := range 10_000 {
			u := unit(n, n == 0, 0)
			u.Data = test.data
			h.Add(u)
			g := h.GOPs()[0]
			if most = max(most, len(g)); g.Forgotten() > last {
				last = g.Forgotten()
				times++
			}
		}
		if most < test.fit || most > 3*test.fit || times == 0 || times > 10_000/test.fit*4 {
			t.Errorf("units of %s: %d at most, forgotten %d times", test.about, most, times)
		}
	}
}

func TestCutDropsUnitsUntilTheNextKeyUnit(t *testing.T) {
	var h frame.History
	h.Add(unit(0, true, 10))
	h.Cut()
	h.Add(unit(1, false, 10))
	h.Add(unit(2, true, 10))
	h.Add(unit(3, false, 10))
	if g := h.GOPs(); len(g) != 2 || len(g[0]) != 1 || len(g[1]) != 2 {
		t.Errorf("remembers %v", g)
	}
}

// TestHistoryHoldsItsBounds plays random streams and compares what is remembered with what was added. What a reader has got stays as it was.
func TestHistoryHoldsItsBounds(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		h := frame.History{MaxAge: time.Duration(1+r.IntN(40)) * 100 * time.Millisecond, MaxBytes: 1 + r.IntN(50_000)}
		keyEvery, oneKey := 1+r.IntN(60), r.IntN(5) == 0
		lastKey := -1
		sizes := map[time.Duration]int{}
		var read, was frame.GOP
		for n := range 300 {
			u := unit(n, !oneKey && r.IntN(keyEvery) == 0 || oneKey && n == 0, 1+r.IntN(200))
			if sizes[u.DTS] = len(u.Data); u.Key {
				lastKey = n
			}
			h.Add(u)
			g := h.GOPs()
			if lastKey < 0 {
				if len(g) != 0 {
					t.Fatalf("seed %d: remembers %v before any key unit", seed, g)
				}
				continue
			}
			total := 0
			for _, gop := range g {
				next := gop[0].DTS
				forgotten := gop.Forgotten()
				for i, u := range gop {
					if i == 2 && forgotten > 0 {
						next = gop[0].DTS + time.Duration(forgotten)*100*time.Millisecond
					}
					if u.Key != (i == 0) || u.DTS != next || (u.Data == nil) != (forgotten > 0 && (i == 1 || i == 2)) || u.Data != nil && len(u.Data) != sizes[u.DTS] {
						t.Fatalf("seed %d, unit %d: a unit is out of place", seed, n)
					}
					if next += 100 * time.Millisecond; forgotten == 1 && i == 1 {
						next = u.DTS // which stands twice
					}
					total += len(u.Data)
				}
			}
			if !reflect.DeepEqual(read, was) {
				t.Fatalf("seed %d, unit %d: what was read has changed", seed, n)
			}
			newest := g[len(g)-1]
			if n%7 == 0 {
				read, was = newest, slices.Clone(newest)
			}
			if newest[0].DTS != time.Duration(lastKey)*100*time.Millisecond {
				t.Fatalf("seed %d, unit %d: the newest key unit is gone", seed, n)
			}
			if newest[len(newest)-1].DTS != u.DTS {
				t.Fatalf("seed %d, unit %d: the newest unit is gone", seed, n)
			}
			if total > h.Size() || h.Size() > h.MaxBytes && (len(g) > 1 || newest.Size() > len(newest[0].Data)) {
				t.Fatalf("seed %d, unit %d: %d bytes, takes %d, may take %d", seed, n, total, h.Size(), h.MaxBytes)
			}
			if len(g) > 1 && u.Time.Sub(g[1][0].Time) >= h.MaxAge {
				t.Fatalf("seed %d, unit %d: the oldest GOP is older than anybody may ask for", seed, n)
			}
		}
	}
}

// TestReadersRaceAdd reads GOPs while they grow and are forgotten; what a reader has must never change.
func TestReadersRaceAdd(t *testing.T) {
	h := frame.History{MaxAge: time.Second, MaxBytes: 12_000}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				changed := h.Changed()
				for _, g := range h.GOPs() {
					for i, u := range g {
						if u.Data == nil {
							break // forgotten: the bound is small
						}
						if u.DTS != g[0].DTS+time.Duration(i)*100*time.Millisecond || u.Data[0] != byte(u.DTS/(100*time.Millisecond)) {
							t.Errorf("unit %d of the GOP at %v changed", i, g[0].DTS)
						}
					}
				}
				select {
				case <-done:
					return
				case <-changed:
				}
			}
		})
	}
	for n := range 5000 {
		u := unit(n, n%30 == 0, 20+n%90)
		u.Data[0] = byte(n)
		h.Add(u)
	}
	close(done)
	readers.Wait()
}

func TestAddAllocatesOnlyToGrow(t *testing.T) {
	h := frame.History{MaxAge: time.Second}
	n := 0
	add := func() { h.Add(unit(n, n%30 == 0, 0)); n++ }
	for range 300 {
		add()
	}
	if allocs := testing.AllocsPerRun(3000, add); allocs > 0.2 {
		t.Errorf("%v allocations per Add, want one per GOP of 30", allocs)
	}
}

func BenchmarkHistoryAdd(b *testing.B) {
	var h frame.History
	data := make([]byte, 8000) // 2 Mbit/s at 30 fps
	b.ReportAllocs()
	for n := range b.N {
		at := time.Duration(n) * time.Second / 30
		h.Add(frame.AccessUnit{Key: n%60 == 0, DTS: at, PTS: at, Time: time.Unix(0, 0).Add(at), Data: data})
	}
}

// TestHistoryBefore: a GOP is joined to the one before it unless that is forgotten, or another publisher's.
func TestHistoryBefore(t *testing.T) {
	h := frame.History{MaxAge: time.Hour, MaxBytes: 160_000}
	add := func(n int, key bool) {
		at := time.Duration(n) * time.Second
		h.Add(frame.AccessUnit{Key: key, PTS: at, DTS: at, Time: time.Unix(0, 0).Add(at), Data: make([]byte, 10_000)})
	}
	for n := range 4 {
		add(n, n%2 == 0)
	}
	h.Cut()
	add(4, false)
	add(5, true)
	add(6, true)
	gops := h.GOPs()
	if b := h.Before(gops[1]); len(b) != 2 || b[0].PTS != 0 || h.Before(gops[0]) != nil || h.Before(gops[2]) != nil || len(h.Before(gops[3])) != 1 {
		t.Errorf("before the second: %v", b)
	}
	add(7, true)
	if h.Before(gops[1]) != nil {
		t.Error("what is forgotten is before the second")
	}
}
