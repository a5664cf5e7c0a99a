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
		within  time.Duration // the bound on |stamped - shown|, from a second after the start
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
			if shown > time.Second && off.Abs() > test.within {
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
