package unpack_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/unpack"
	"github.com/pion/rtp"
)

// ntp is a time as sender reports have it.
func ntp(t time.Time) uint64 {
	return uint64(t.Unix()+2208988800)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

const fps = 25

// A camera sends a picture, which is a VP8 frame of its own, every 1/25 s.
type camera struct {
	stream
	*unpack.Stream
	begin time.Time // when picture 0 was sent
	n     int
	units []frame.AccessUnit
}

func newCamera() *camera {
	return &camera{stream: stream{stamp: 1<<32 - 90000}, Stream: unpack.New(new(unpack.VP8)), begin: time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)}
}

// send sends n pictures, each of which arrives in no time.
func (c *camera) send(tb testing.TB, n int, edit func(*rtp.Packet)) {
	tb.Helper()
	for range n {
		p := c.packet(true, []byte{0x10}, vp8Key)
		c.stamp += 90000/fps - 3000
		p.SSRC = 7
		if edit != nil {
			edit(p)
		}
		if err := c.Packet(p, c.begin.Add(time.Duration(c.n)*time.Second/fps), func(u frame.AccessUnit) { c.units = append(c.units, u) }); err != nil {
			tb.Fatal(err)
		}
		c.n++
	}
}

// report sends a sender report that says that the camera's clock is ahead by this much.
func (c *camera) report(ahead time.Duration) {
	c.Report(7, c.stamp, ntp(c.begin.Add(time.Duration(c.n)*time.Second/fps+ahead)))
}

// ahead returns how far the time of picture n is ahead of when it was sent.
func (c *camera) ahead(n int) time.Duration {
	return c.units[n].Time.Sub(c.begin.Add(time.Duration(n) * time.Second / fps)).Round(time.Millisecond)
}

func TestWallClock(t *testing.T) {
	extension := func(tb testing.TB, p *rtp.Packet, at time.Time, flags byte) {
		tb.Helper()
		b := append(binary.BigEndian.AppendUint64(nil, ntp(at)), flags, 0, 0, 0)
		p.Extension, p.ExtensionProfile = true, 0xabac
		if err := p.SetExtension(0, b); err != nil {
			tb.Fatal(err)
		}
	}
	type at struct {
		n      int
		ahead  time.Duration
		source bool
	}
	for _, test := range []struct {
		about string
		play  func(tb testing.TB, c *camera)
		want  []at
	}{
		{"no report", func(tb testing.TB, c *camera) { tb.Helper(); c.send(tb, 100, nil) }, []at{{0, 0, false}, {99, 0, false}}},
		{"a report before the first picture", func(tb testing.TB, c *camera) {
			tb.Helper()
			c.report(-time.Hour)
			c.send(tb, 100, nil)
		}, []at{{0, -time.Hour, true}, {99, -time.Hour, true}}},
		{"a clock that is ahead", func(tb testing.TB, c *camera) {
			tb.Helper()
			c.send(tb, 10, nil)
			c.report(time.Hour)
			c.send(tb, 10, nil)
			c.report(time.Hour + 5*time.Millisecond)
			c.send(tb, 10, nil)
		}, []at{{9, 0, false}, {10, time.Hour, true}, {19, time.Hour, true}, {20, time.Hour + 5*time.Millisecond, true}}},
		{"a clock that is behind: time goes on at half its pace", func(tb testing.TB, c *camera) {
			tb.Helper()
			c.send(tb, 10, nil)
			c.report(-2 * time.Second)
			c.send(tb, 110, nil)
		}, []at{{9, 0, false}, {10, -20 * time.Millisecond, false}, {59, -time.Second, false}, {111, -2 * time.Second, true}}},
		{"a clock that is far behind comes too late", func(tb testing.TB, c *camera) {
			tb.Helper()
			c.send(tb, 10, nil)
			c.report(-time.Hour)
			c.send(tb, 10, nil)
		}, []at{{10, 0, false}, {19, 0, false}}},
		{"timestamps that jump: by arrival, as far as the clocks were apart, until the next report", func(tb testing.TB, c *camera) {
			tb.Helper()
			c.report(time.Minute)
			c.send(tb, 10, nil)
			c.stamp += 90000 * 3600
			c.send(tb, 10, nil)
			c.report(time.Minute)
			c.send(tb, 10, nil)
		}, []at{{9, time.Minute, true}, {10, time.Minute, false}, {19, time.Minute, false}, {20, time.Minute, true}, {29, time.Minute, true}}},
		{"reports of another source, of other timestamps, of no clock, of the time since the beginning", func(tb testing.TB, c *camera) {
			tb.Helper()
			now := ntp(c.begin)
			c.Report(8, c.stamp, now+5<<32)
			c.send(tb, 1, nil)
			c.Report(7, c.stamp+1<<31, now+5<<32)
			c.send(tb, 1, nil)
			c.Report(7, c.stamp, 0)
			c.send(tb, 1, nil)
			c.Report(7, c.stamp, 5<<32)
			c.send(tb, 1, nil)
		}, []at{{0, 0, false}, {1, 0, false}, {2, 0, false}, {3, 0, false}}},
		{"a recording of last year, with a gap", func(tb testing.TB, c *camera) {
			tb.Helper()
			for n := range 20 {
				c.send(tb, 1, func(p *rtp.Packet) {
					shown, flags := c.begin.AddDate(-1, 0, 0).Add(time.Duration(n)*time.Second/fps), byte(0x80)
					if n >= 10 {
						shown = shown.Add(time.Hour)
					}
					extension(tb, p, shown, flags)
				})
			}
		}, []at{{0, -365 * 24 * time.Hour, true}, {9, -365 * 24 * time.Hour, true}, {10, -365*24*time.Hour + time.Hour, true},
			{19, -365*24*time.Hour + time.Hour, true}}},
		{"an extension that ends early", func(tb testing.TB, c *camera) {
			tb.Helper()
			c.send(tb, 1, func(p *rtp.Packet) {
				p.Extension, p.ExtensionProfile = true, 0xabac
				if err := p.SetExtension(0, make([]byte, 8)); err != nil {
					tb.Fatal(err)
				}
			})
		}, []at{{0, 0, false}}},
	} {
		c := newCamera()
		test.play(t, c)
		for _, w := range test.want {
			if off := c.ahead(w.n) - w.ahead; off.Abs() > time.Millisecond || c.units[w.n].SourceTime != w.source {
				t.Errorf("%s: picture %d is dated %v ahead, by its source %v; want %v, %v", test.about, w.n, c.ahead(w.n),
					c.units[w.n].SourceTime, w.ahead, w.source)
			}
		}
		for n := range c.units {
			if off := c.units[n].Shown().Sub(c.begin.Add(time.Duration(n) * time.Second / fps)); off.Abs() > 10*time.Millisecond {
				t.Errorf("%s: by our clock picture %d is dated %v ahead", test.about, n, off)
			}
		}
		for n := 1; n < len(c.units); n++ {
			if !c.units[n-1].Time.Before(c.units[n].Time) {
				t.Errorf("%s: picture %d goes back by %v", test.about, n, c.units[n-1].Time.Sub(c.units[n].Time))
			}
		}
	}
}

// TestDiscontinuity marks what follows a gap in a recording: it cannot refer to what came before, unless it is a key unit.
func TestDiscontinuity(t *testing.T) {
	c := newCamera()
	c.send(t, 1, nil)
	c.send(t, 2, func(p *rtp.Packet) {
		p.Payload = append([]byte{0x10}, vp8Inter...)
		p.Extension, p.ExtensionProfile = true, 0xabac
		if err := p.SetExtension(0, append(binary.BigEndian.AppendUint64(nil, ntp(c.begin)), byte(0x20*(c.n-1)), 0, 0, 0)); err != nil {
			t.Fatal(err)
		}
	})
	if c.units[1].Lost || !c.units[2].Lost {
		t.Errorf("lost %v, %v, want the second", c.units[1].Lost, c.units[2].Lost)
	}
}
