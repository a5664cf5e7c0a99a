package capture_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
)

// heads is a Decoder whose streams have a byte of header.
type heads struct{ capture.Decoder }

func (heads) Header(key frame.AccessUnit) []byte { return key.Data[:1] }

// TestSearch plays random streams, most of whose times mean nothing, and compares what captures find in a History with what a look at all
// of it says. In the bubble no time passes.
func TestSearch(t *testing.T) { synctest.Test(t, testSearch) }

func testSearch(t *testing.T) {
	is := func(a, b frame.GOP) bool {
		return len(a) == len(b) && (len(a) == 0 || &a[0].Data[0] == &b[0].Data[0])
	}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		span := 2 + r.Int64N(200) // equal times are many, or few
		c := &capture.Camera{Decoder: heads{}, History: frame.History{MaxAge: time.Duration(1+r.IntN(40)) * 10, MaxBytes: 2000 + r.IntN(100_000)}}
		h := &c.History
		at := func() time.Time { return time.Unix(0, r.Int64N(span)) }
		for n := range 100 {
			if r.IntN(20) == 0 {
				h.Cut()
			}
			u := frame.AccessUnit{
				Key: r.IntN(1+n%7) == 0, DTS: time.Duration(r.Int64N(span)), PTS: time.Duration(r.Int64N(span)), Time: at(),
				Offset: time.Duration(r.IntN(3)), Data: []byte{byte(r.IntN(2)), byte(n)},
			}
			if seed%2 == 0 { // as real ones do
				u.DTS, u.PTS, u.Time = time.Duration(n), time.Duration(n+r.IntN(3)), time.Unix(0, int64(n+r.IntN(3)))
			}
			h.Add(u)
			gops := h.GOPs()
			asked, d := at(), time.Duration(r.Int64N(span))
			for _, m := range []capture.Moment{
				{}, capture.Keyframe(), capture.At(at()), capture.Ago(d), capture.AtPTS(d), capture.At(at()).Best(d, nil), capture.Best(d, nil),
			} {
				got, want := capture.Find(m, h, asked), capture.FindInAll(m, gops, asked)
				same := is(got.GOP, want.GOP) && got.Wanted.Equal(want.Wanted)
				got.GOP, want.GOP, got.Wanted, want.Wanted = nil, nil, time.Time{}, time.Time{}
				if !same || fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("seed %d, unit %d, %v: found %+v, want %+v", seed, n, m, got, want)
				}
			}
			from, to := at(), at()
			off := 0
			for _, u := range slices.Concat(gops...) {
				if u.Time.After(from) && !u.Time.After(to) {
					off++
				}
				if u.Time.After(to) && !u.Time.After(from) {
					off--
				}
			}
			if got := capture.Off(c, from, to); got != off {
				t.Fatalf("seed %d, unit %d: off by %d, want %d", seed, n, got, off)
			}
			for _, g := range gops {
				unit := r.IntN(len(g))
				same := func(u frame.AccessUnit) bool { return u.PTS == g[unit].PTS && u.Time.Equal(g[unit].Time) }
				at := len(gops) - 1
				for !slices.ContainsFunc(gops[at], same) {
					at--
				}
				found, place := capture.Locate(c, g[unit])
				if !is(found, gops[at]) || place != slices.IndexFunc(gops[at], same) {
					t.Fatalf("seed %d, unit %d: it is found at %d", seed, n, place)
				}
				first, last := at, at
				for h.Before(gops[first]) != nil {
					first--
				}
				for last+1 < len(gops) && h.Before(gops[last+1]) != nil {
					last++
				}
				around, gop, again := capture.Around(c, g[unit])
				if !slices.EqualFunc(around, gops[first:last+1], is) || gop != at-first || again != place {
					t.Fatalf("seed %d, unit %d: %d GOPs around it, want %d to %d", seed, n, len(around), first, last)
				}
			}
		}
	}
}
