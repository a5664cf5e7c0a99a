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
	stalled := func(at time.Duration) time.Duration {
		if at > 10*time.Second && at < 14*time.Second {
			return 14 * time.Second
		}
		return at
	}
	for _, test := range []struct {
		about   string
		arrival func(n int, shown time.Duration) time.Duration // when unit n, shown at the given time, arrives
		dts     func(n int) time.Duration
		within  time.Duration                           // the bound on |stamped - shown|, from two seconds after the start
		delayed func(shown time.Duration) time.Duration // when a viewer saw it, if that was later than it was to be shown
	}{
		{"a steady network", func(_ int, at time.Duration) time.Duration { return at + 20*time.Millisecond }, nil, 25 * time.Millisecond, nil},
		{"jitter of 80 ms", func(_ int, at time.Duration) time.Duration {
			return at + time.Duration(r.IntN(80))*time.Millisecond
		}, nil, 60 * time.Millisecond, nil},
		{"a stall of four seconds, then all at once", func(_ int, at time.Duration) time.Duration { return stalled(at) }, nil, 100 * time.Millisecond, stalled},
		{"a slow first unit", func(n int, at time.Duration) time.Duration {
			if n == 0 {
				return at + 300*time.Millisecond
			}
			return at
		}, nil, 10 * time.Millisecond, nil},
		{"a publisher's clock that runs 200 ppm slow", func(_ int, at time.Duration) time.Duration { return at }, func(n int) time.Duration {
			return time.Duration(float64(n) * float64(step) * 0.9998)
		}, 10 * time.Millisecond, nil},
		{"timestamps that jump by an hour and back", func(_ int, at time.Duration) time.Duration { return at }, func(n int) time.Duration {
			if n > 300 && n < 600 {
				return time.Hour + time.Duration(n)*step
			}
			return time.Duration(n) * step
		}, 10 * time.Millisecond, nil},
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
			if test.delayed != nil {
				off = u.Time.Sub(start.Add(test.delayed(shown)))
			}
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

// TestNoPictureIsShownAfterItArrived stamps units of publishers as they are: each has been shown when it arrives, and what is shown later is
// dated later.
func TestNoPictureIsShownAfterItArrived(t *testing.T) {
	const step = time.Second / 10
	r := rand.New(rand.NewPCG(3, 3))
	steady := func(dts time.Duration) time.Duration { return dts }
	for _, test := range []struct {
		about   string
		depth   int                                   // pictures of which the last is decoded first
		arrival func(dts time.Duration) time.Duration // since the first unit was sent
	}{
		{"a first unit that is late", 1, func(dts time.Duration) time.Duration { return max(dts, 200*time.Millisecond) }},
		{"a second unit that is late", 1, func(dts time.Duration) time.Duration {
			if dts == step {
				return 3 * step
			}
			return dts
		}},
		{"a B-frame in two", 2, steady},
		{"three in four", 4, steady},
		{"fifteen in sixteen", 16, steady},
		{"a GOP of two seconds that the server had kept", 1, func(dts time.Duration) time.Duration { return max(dts-2*time.Second, 0) }},
		{"the same with B-frames", 4, func(dts time.Duration) time.Duration { return max(dts-2*time.Second, 0) }},
		{"ten times as fast as it is shown", 3, func(dts time.Duration) time.Duration { return dts / 10 }},
		{"jitter", 3, func(dts time.Duration) time.Duration { return dts + time.Duration(r.IntN(90))*time.Millisecond }},
		{"a stall, and then all at once", 3, func(dts time.Duration) time.Duration {
			if dts > 5*time.Second && dts < 9*time.Second {
				return 9 * time.Second
			}
			return dts
		}},
		{"a publisher's clock that runs 200 ppm fast", 1, func(dts time.Duration) time.Duration { return dts - dts/5000 }},
	} {
		var c frame.Clock
		arrival := time.Unix(1000, 0)
		begin := arrival
		times := make([]time.Time, 1024+test.depth) // by number of presentation
		for n := 0; n < 1024; n += test.depth {
			for i := range test.depth {
				shown, dts := n+(i+test.depth-1)%test.depth, time.Duration(n+i)*step
				next := begin.Add(test.arrival(dts))
				arrival = arrival.Add(max(next.Sub(arrival), time.Microsecond)) // which is less than it takes to read a unit
				u := frame.AccessUnit{DTS: dts, PTS: time.Duration(shown+test.depth) * step}
				c.Stamp(&u, arrival)
				if u.Shown().After(arrival) {
					t.Fatalf("%s: unit %d is shown %v after it arrived", test.about, n+i, u.Shown().Sub(arrival))
				}
				times[shown] = u.Time
			}
		}
		for n := 1; n < 1024; n++ {
			if !times[n-1].Before(times[n]) {
				t.Fatalf("%s: picture %d is shown %v after the next", test.about, n-1, times[n-1].Sub(times[n]))
			}
		}
		if late := arrival.Sub(times[1023]); late > 2*time.Second {
			t.Errorf("%s: the last picture is shown %v before it arrived", test.about, late)
		}
	}
}

// TestClockDatesWhatArrivesAtOneInstant: more cannot be had, if what is shown later is to be dated later.
func TestClockDatesWhatArrivesAtOneInstant(t *testing.T) {
	var c frame.Clock
	arrival := time.Unix(1000, 0)
	for n := range 300 {
		u := frame.AccessUnit{PTS: time.Duration(n) * time.Second / 30}
		u.DTS = u.PTS
		c.Stamp(&u, arrival)
		if most := time.Duration(n) * (1 + time.Second/30/1_000_000); u.Shown().Sub(arrival) > most {
			t.Fatalf("unit %d is shown %v after it arrived, more than %v", n, u.Shown().Sub(arrival), most)
		}
	}
}

// TestClockLeaps: no step of timestamps, however far, dates a picture later than it arrived, except for a microsecond each.
func TestClockLeaps(t *testing.T) {
	for about, pts := range map[string]func(i int) time.Duration{
		"ten days each": func(i int) time.Duration { return time.Duration(i) * 240 * time.Hour },
		"there and back": func(i int) time.Duration {
			return time.Duration(i)*40*time.Millisecond + time.Duration(i%2)*300*time.Hour
		},
		"zero, and then uptime": func(i int) time.Duration {
			return time.Duration(min(i, 1))*2e6*time.Second + time.Duration(i)*40*time.Millisecond
		},
	} {
		var c frame.Clock
		for i := range 1000 {
			at := pts(i)
			u := frame.AccessUnit{PTS: at, DTS: at}
			arrival := time.Unix(1000, 0).Add(time.Duration(i) * 40 * time.Millisecond)
			if c.Stamp(&u, arrival); u.Time.After(arrival.Add(time.Millisecond)) || u.Time.Before(arrival.Add(-time.Second)) {
				t.Fatalf("%s: unit %d is dated %v after it arrived", about, i, u.Time.Sub(arrival))
			}
		}
	}
}

// TestTimestampsThatStandStill: while the timestamps of units that go on arriving stand still, they tell no time, so nobody falls behind. Who stalls
// for as long does.
func TestTimestampsThatStandStill(t *testing.T) {
	const step = time.Second / 25
	for _, tt := range []struct {
		about  string
		still  time.Duration // timestamps stand still for so long
		stalls time.Duration // and then nothing arrives, as long
		behind bool
	}{
		{"for ten seconds", 10 * time.Second, 0, false},
		{"for a minute", time.Minute, 0, false},
		{"for a second, as coarse ones do", time.Second, 0, false},
		{"not at all, and nothing arrives", 0, 10 * time.Second, true},
		{"for ten seconds, and then nothing arrives", 10 * time.Second, 10 * time.Second, true},
	} {
		var c frame.Clock
		arrival, dts, told := time.Unix(1000, 0), time.Duration(0), false
		send := func() {
			u := frame.AccessUnit{DTS: dts, PTS: dts}
			c.Stamp(&u, arrival)
			told = told || u.Backlog() > 0
			arrival = arrival.Add(step)
		}
		for range 3 { // it comes again
			for range 100 {
				dts += step
				send()
			}
			for range tt.still / step {
				send()
			}
			arrival = arrival.Add(tt.stalls)
		}
		dts += step
		send()
		if told != tt.behind {
			t.Errorf("%s: a backlog is told: %v", tt.about, told)
		}
	}
}
