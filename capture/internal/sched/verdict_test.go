package sched_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/capture/internal/shared"
	"github.com/livestill/livestill/frame"
)

// heads is a Decoder whose streams have a byte or two of header. It counts how often it is asked.
type heads struct {
	sched.Decoder
	asked int
}

func (h *heads) Header(key frame.AccessUnit) []byte {
	h.asked++
	return key.Data[:len(key.Data)-1]
}

func (h *heads) Cost(frame.AccessUnit) frame.Cost {
	h.asked++
	return frame.Cost{Picture: -1, Decoding: 1 << 62}
}

// odd is what the header of gops[i] must be found to be.
func odd(gops []frame.GOP, i int) bool {
	head := func(i int) []byte { return gops[i][0].Data[:len(gops[i][0].Data)-1] }
	equal := func(a, b int) bool { return slices.Equal(head(a), head(b)) }
	slipped := func(a, b int) bool {
		flipped := 0
		for n := range head(a) {
			for x := head(a)[n] ^ head(b)[n]; x != 0; x &= x - 1 {
				flipped++
			}
		}
		return flipped <= 2
	}
	last := len(gops) - 1
	switch {
	case last < 2 || i > 0 && equal(i, i-1) || i < last && equal(i, i+1):
		return false
	case i == 0:
		return equal(1, 2) && slipped(0, 1)
	case i == last:
		return equal(i-1, i-2) && slipped(i, i-1)
	default:
		return equal(i-1, i+1) && (i < 2 || !equal(i, i-2)) && (i+2 > last || !equal(i, i+2))
	}
}

// TestTrusted plays random streams and compares what is trusted of their GOPs with what a look at all of them says, whatever was asked before.
func TestTrusted(t *testing.T) { synctest.Test(t, testTrusted) } // where no time passes, by which a History forgets

func testTrusted(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		h := &frame.History{MaxAge: time.Duration(1+r.IntN(40)) * 10, MaxBytes: 2000 + r.IntN(100_000)}
		s := sched.New(sched.Source{History: h, Decoder: new(heads), Group: new(shared.Group)})
		for n := range 200 {
			at := time.Duration(n)
			u := frame.AccessUnit{Key: r.IntN(1+n%7) == 0, DTS: at, PTS: at, Time: time.Unix(0, int64(n)), Lost: r.IntN(20) == 0}
			u.Data = []byte{[]byte{0, 1, 2, 0xff}[r.IntN(1+r.IntN(4))], byte(n)}
			h.Add(u)
			gops := h.GOPs()
			for range 3 {
				if len(gops) == 0 {
					continue
				}
				i := r.IntN(len(gops))
				want := slices.IndexFunc(gops[i], func(u frame.AccessUnit) bool { return u.Lost || u.Data == nil })
				if want < 0 {
					want = len(gops[i])
				}
				if odd(gops, i) {
					want = 0
				}
				if got := s.Trusted(gops[i]); got != want {
					t.Fatalf("seed %d, unit %d: %d units of GOP %d of %d are trusted, want %d", seed, n, got, i, len(gops), want)
				}
			}
		}
	}
}

// TestManyVerdictsAreKept asks again and again for all GOPs that are remembered: their headers are looked at once. When another GOP comes, it
// is its own alone.
func TestManyVerdictsAreKept(t *testing.T) {
	h := &frame.History{MaxAge: time.Hour}
	d := new(heads)
	s := sched.New(sched.Source{History: h, Decoder: d, Group: new(shared.Group)})
	add := func(n int) {
		at := time.Duration(n) * time.Second
		data := []byte{0, byte(n)}
		if n%7 == 3 {
			data[0] = 1
		}
		h.Add(frame.AccessUnit{Key: true, DTS: at, PTS: at, Time: time.Unix(int64(n), 0), Data: data})
	}
	ask := func() (asked int) {
		before := d.asked
		gops := h.GOPs()
		for i := range gops {
			want := 1
			if odd(gops, i) {
				want = 0
			}
			if got := s.Trusted(gops[i]); got != want {
				t.Errorf("%d units of GOP %d of %d are trusted, want %d", got, i, len(gops), want)
			}
		}
		return d.asked - before
	}
	for n := range 60 {
		add(n)
	}
	for i, want := range []int{60, 0, 0} {
		if asked := ask(); asked != want {
			t.Errorf("round %d: headers were looked at %d times, want %d", i, asked, want)
		}
	}
	for n := range 20 {
		add(60 + n)
		if asked := ask(); asked != 1 {
			t.Errorf("one more: headers were looked at %d times, want once", asked)
		}
	}
}

// TestVerdictsAreKept asks again and again what is known of a GOP: the Decoder is asked once of each of those around, and what it says is kept
// within bounds.
func TestVerdictsAreKept(t *testing.T) {
	var gops []frame.GOP
	for n := range 20 {
		at := time.Duration(n) * time.Second
		gops = append(gops, frame.GOP{{Key: true, DTS: at, PTS: at, Time: time.Unix(int64(n), 0), Data: []byte{0, byte(n)}}})
	}
	gops[10][0].Data = []byte{1, 10}
	for _, long := range []bool{false, true} {
		var h frame.History
		h.MaxAge = time.Hour
		for _, g := range gops {
			if u := g[0]; long {
				u.Data = append(slices.Repeat(u.Data[:1], 1<<20), u.Data[1])
				h.Add(u)
			} else {
				h.Add(u)
			}
		}
		gops := h.GOPs()
		d := new(heads)
		s := sched.New(sched.Source{History: &h, Decoder: d, Group: new(shared.Group)})
		for range 3 {
			if n := s.Trusted(gops[10]); n != 0 {
				t.Errorf("%d units of a GOP with a damaged header are trusted", n)
			}
		}
		if asked := d.asked; (asked > 5) != long {
			t.Errorf("headers were looked at %d times; they are long: %v", asked, long)
		}
		before := d.asked
		for range 3 {
			if c := s.Cost(gops[3]); c != (frame.Cost{Decoding: 1 << 50}) {
				t.Errorf("%+v", c)
			}
		}
		if d.asked != before+1 {
			t.Errorf("the cost of a GOP was asked for %d times", d.asked-before)
		}
	}
}
