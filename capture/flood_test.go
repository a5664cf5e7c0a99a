package capture_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
)

// flood adds n units of one byte, a millisecond each, all of them key units or only the first.
func flood(c *capture.Camera, from, n int, keys bool) {
	for i := from; i < from+n; i++ {
		at := time.Duration(i) * time.Millisecond
		c.History.Add(frame.AccessUnit{Codec: frame.VP9, Key: keys || i == 0, DTS: at, PTS: at, Time: time.Now().Add(at), Data: []byte{0}})
	}
}

// flooded returns a Camera that remembers so many.
func flooded(d capture.Decoder, n int, keys bool) *capture.Camera {
	c := &capture.Camera{Decoder: d, History: frame.History{MaxAge: 1000 * time.Hour, MaxBytes: 2 << 30, Budget: &frame.Budget{Bytes: 8 << 30}}}
	flood(c, 0, n, keys)
	return c
}

// TestFlood captures from streams of many units, and of many key units; BenchmarkFlood has a million.
func TestFlood(t *testing.T) {
	const many, more = 100_000, 1000
	for _, keys := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := flooded(&decoder{}, many, keys)
			for _, test := range []struct {
				moment capture.Moment
				want   int
			}{
				{capture.Moment{}, many - 1},
				{capture.Ago(-many / 50 * time.Millisecond), many / 50},
				{capture.AtPTS(many / 100 * time.Millisecond), many / 100},
				{capture.Keyframe(), map[bool]int{false: 0, true: many - 1}[keys]},
			} {
				still, err := c.Capture(t.Context(), capture.Request{Moment: test.moment})
				if err != nil || still.PTS != time.Duration(test.want)*time.Millisecond {
					t.Errorf("%v, of key units alone: %v: %v, %v; want unit %d", test.moment, keys, still, err, test.want)
				}
			}
			var before, after runtime.MemStats
			done := make(chan error, 1)
			go func() {
				_, err := c.Capture(t.Context(), capture.Request{Moment: capture.AtPTS((many + more - 2) * time.Millisecond)})
				done <- err
			}()
			synctest.Wait()
			runtime.ReadMemStats(&before)
			for i := range more - 1 {
				flood(c, many+i, 1, keys)
				synctest.Wait() // the capture looks whether it has what it wants
			}
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 200<<20 {
				t.Errorf("waiting for %d units more took %d MiB, of key units alone: %v", more, took>>20, keys)
			}
			flood(c, many+more-1, 1, keys)
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// BenchmarkFlood finds moments and what is around them in streams of many units; it prints the time per unit, which must not grow with
// their number.
func BenchmarkFlood(b *testing.B) {
	for _, keys := range []bool{false, true} {
		for _, n := range []int{10_000, 1_000_000} {
			c := flooded(heads{}, n, keys)
			now := time.Now()
			for _, m := range []capture.Moment{{}, capture.Ago(time.Second), capture.AtPTS(time.Second), capture.Keyframe()} {
				b.Run(fmt.Sprintf("keys=%v/%d/%v", keys, n, m), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						f := capture.Find(m, &c.History, now.Add(time.Duration(n)*time.Millisecond))
						if !f.OK {
							b.Fatal("it waits")
						}
						capture.Off(c, f.Wanted, f.GOP[f.Unit].Time)
						capture.Around(c, f.GOP[f.Unit])
						capture.Trusted(c, f.GOP)
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/unit")
				})
			}
			var gop frame.GOP
			for gop = range c.History.Backward() {
				break
			}
			b.Run(fmt.Sprintf("keys=%v/%d/before", keys, n), func(b *testing.B) {
				for b.Loop() {
					c.History.Before(gop)
				}
			})
		}
	}
}

// TestStandInsAreFew: what stands in for a damaged picture is the nearest, and GOPs further away are not decoded; of a stream that is all
// damaged, not all is tried.
func TestStandInsAreFew(t *testing.T) {
	for _, test := range []struct {
		about   string
		damaged func(n int) bool
		want    int // the picture; -1 for none
		most    int64
	}{
		{"one of them", func(n int) bool { return n == 2500 }, 2499, 10},
		{"many of them", func(n int) bool { return n > 2480 && n < 2515 }, 2515, 60},
		{"all of them", func(int) bool { return true }, -1, 70},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &decoder{}
			c := &capture.Camera{Decoder: d, History: frame.History{MaxAge: time.Hour}}
			start := time.Now()
			for n := range 5000 {
				at := time.Duration(n) * time.Millisecond
				u := frame.AccessUnit{Codec: frame.VP9, Key: true, DTS: at, PTS: at, Time: start.Add(at), Data: []byte{0}}
				if test.damaged(n) {
					u.Data = []byte{1}
				}
				c.History.Add(u)
			}
			still, err := c.Capture(t.Context(), capture.Request{Moment: capture.AtPTS(2500 * time.Millisecond), Tolerance: time.Minute})
			switch {
			case test.want < 0 && !errors.Is(err, capture.ErrCorrupt):
				t.Errorf("%s: %v, %v", test.about, still, err)
			case test.want >= 0 && (err != nil || still.PTS != time.Duration(test.want)*time.Millisecond):
				t.Errorf("%s: %v, %v, want picture %d", test.about, still, err, test.want)
			}
			if n := d.decoded.Load(); n > test.most {
				t.Errorf("%s: %d units were decoded, want no more than %d", test.about, n, test.most)
			}
		})
	}
}

// TestTimesWithoutEnd captures a damaged picture with the longest times there are.
func TestTimesWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &capture.Camera{Decoder: &decoder{}, History: frame.History{MaxAge: math.MaxInt64}, Warm: math.MaxInt64, MaxDecoding: math.MaxInt64}
		us := units(20, 10, false)
		us[19].Data = []byte{1}
		serve(t, c, us)
		for _, r := range []capture.Request{
			{Tolerance: math.MaxInt64},
			{Tolerance: math.MaxInt64, Lookahead: math.MaxInt64},
			{Moment: capture.Best(math.MaxInt64, func(p *frame.Picture) float64 { return p.PTS.Seconds() })},
		} {
			if still, err := c.Capture(t.Context(), r); err != nil || still.PTS != us[18].PTS {
				t.Errorf("%+v: %v, %v", r, still, err)
			}
		}
	})
}

// TestBestOfTooMany: the best of more pictures than can be compared is one of the nearest.
func TestBestOfTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &capture.Camera{Decoder: &decoder{}, History: frame.History{MaxAge: time.Hour}}
		score := func(p *frame.Picture) float64 { return -float64(p.EffectiveQP) }
		for n := range 6000 {
			at := time.Duration(n) * time.Millisecond
			u := frame.AccessUnit{Codec: frame.VP9, Key: n%100 == 0, DTS: at, PTS: at, Time: time.Now().Add(at), Data: []byte{0, 30}}
			if n == 3000-900 || n == 3000+1100 {
				u.Data[1] = 10 // by far the best
			}
			c.History.Add(u)
		}
		still, err := c.Capture(t.Context(), capture.Request{Moment: capture.AtPTS(3000*time.Millisecond).Best(2*time.Second, score)})
		if err != nil || still.PTS != 2100*time.Millisecond {
			t.Errorf("picture at %v, %v, want the best of the nearest", still.PTS, err)
		}
	})
}
