package frame_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
)

// TestClock plays streams over networks of different temper and looks at how far the stamped time is from the true one.
func TestClock(t *testing.T) {
	const step = time.Second / 30
	r := rand.New(rand.NewPCG(1, 1))
	for _, test := range []struct {
		about   string
		arrival func(n int, shown time.Duration) time.Duration // when unit n, shown at the given time, arrives
		dts     func(n int) time.Duration
		within  time.Duration // the bound on |stamped - shown|, from two seconds after the start
	}{
		{"a steady network", func(_ int, at time.Duration) time.Duration { return at + 20*time.Millisecond }, nil, 25 * time.Millisecond},
		{"jitter of 80 ms", func(_ int, at time.Duration) time.Duration {
			return at + time.Duration(r.IntN(80))*time.Millisecond
		}, nil, 60 * time.Millisecond},
		{"a stall of four seconds, then all at once", func(_ int, at time.Duration) time.Duration {
			if at > 10*time.Second && at < 14*time.Second {
				return 14 * time.Second
			}
			return at
		}, nil, 400 * time.Millisecond},
		{"a slow first unit", func(n int, at time.Duration) time.Duration {
			if n == 0 {
				return at + 300*time.Millisecond
			}
			return at
		}, nil, 10 * time.Millisecond},
		{"a publisher's clock that runs 200 ppm slow", func(_ int, at time.Duration) time.Duration { return at }, func(n int) time.Duration {
			return time.Duration(float64(n) * float64(step) * 0.9998)
		}, 10 * time.Millisecond},
		{"timestamps that jump by an hour and back", func(_ int, at time.Duration) time.Duration { return at }, func(n int) time.Duration {
			if n > 300 && n < 600 {
				return time.Hour + time.Duration(n)*step
			}
			return time.Duration(n) * step
		}, 10 * time.Millisecond},
	} {
		var c frame.Clock
		start := time.Unix(1000, 0)
		var last time.Time
		for n := range 3000 {
			shown := time.Duration(n) * step
			u := frame.AccessUnit{DTS: shown}
			if test.dts != nil {
				u.DTS = test.dts(n)
			}
			u.PTS = u.DTS
			c.Stamp(&u, start.Add(test.arrival(n, shown)))
			off := u.Time.Sub(start.Add(shown))
			if shown > 2*time.Second && off.Abs() > test.within {
				t.Errorf("%s: unit %d is stamped %v off", test.about, n, off)
				break
			}
			if u.Time.Before(last) {
				t.Errorf("%s: unit %d goes back by %v", test.about, n, last.Sub(u.Time))
			}
			last = u.Time
		}
	}
}

// TestClockKeepsTheOrderOfPresentation stamps B-frames that arrive in bursts: the order of times must be that of presentation.
func TestClockKeepsTheOrderOfPresentation(t *testing.T) {
	const step = time.Second / 25
	r := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		var c frame.Clock
		depth := 1 + r.IntN(16)
		arrival := time.Unix(1000, 0)
		last := map[int]time.Time{} // by number of presentation
		for n := 0; n+depth < 400; n += depth {
			order := []int{n + depth - 1} // a picture, and then those that are shown before it
			for i := range depth - 1 {
				order = append(order, n+i)
			}
			for i, shown := range order {
				arrival = arrival.Add(time.Duration(r.ExpFloat64() * float64(step) * float64(r.IntN(3))))
				u := frame.AccessUnit{DTS: time.Duration(n+i) * step, PTS: time.Duration(shown+depth) * step}
				c.Stamp(&u, arrival)
				last[shown] = u.Time
			}
		}
		for n := 1; n < len(last); n++ {
			if !last[n-1].Before(last[n]) {
				t.Fatalf("%d pictures reordered: picture %d is stamped %v after the next", depth, n-1, last[n-1].Sub(last[n]))
			}
		}
	}
}
