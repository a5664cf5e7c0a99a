package unpack_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/publishers"
	"github.com/livestill/livestill/internal/unpack"
)

// TestStreamShowsWhatAViewerSaw has publishers of all kinds send over RTP, without sender reports, and with those of a clock that is right, an hour
// ahead, or goes by the timestamps. At any instant of this machine's clock the picture is one that a viewer without delay saw no more than 150 ms
// before or after. By the clock that is right it is so, too, except for a second, since it is told now and then, and for what it takes to
// reorder pictures. Time always rises.
func TestStreamShowsWhatAViewerSaw(t *testing.T) {
	begin := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	for _, reports := range []struct {
		about string
		at    func(u publishers.Unit) time.Duration // what the source's clock says when a picture was made; nil without reports
		right bool
	}{
		{"no reports", nil, true},
		{"a clock that is right", func(u publishers.Unit) time.Duration { return u.Made }, true},
		{"a clock that is ahead", func(u publishers.Unit) time.Duration { return u.Made + time.Hour }, false},
		{"a clock that is the timestamps", func(u publishers.Unit) time.Duration { return u.PTS }, false},
	} {
		seed := uint64(0)
		for p := range publishers.All(10, 30*time.Second) {
			seed++
			if p.Depth > time.Second {
				continue // RTP does not say when units are decoded, so that timestamps that go back by as much may be reordered, or not
			}
			r := rand.New(rand.NewPCG(seed, 5))
			var here, there []publishers.Shown // by this machine's clock, and by the source's
			s := unpack.New(new(unpack.VP8))
			packets := stream{}
			reported, newest := time.Duration(0), -1
			var last time.Time
			for _, u := range p.Units {
				packet := packets.packet(true, []byte{0x10}, vp8Key)
				packet.Timestamp, packet.SSRC = uint32(int64(u.PTS)*9/100_000), 7
				if reports.at != nil && u.Arrival > reported {
					s.Report(7, packet.Timestamp, ntp(begin.Add(reports.at(u))))
					reported += 5 * time.Second
				}
				if err := s.Packet(packet, begin.Add(u.Arrival), func(unit frame.AccessUnit) {
					here = append(here, publishers.Shown{At: unit.Shown().Sub(begin), Picture: u.Picture})
					there = append(there, publishers.Shown{At: unit.Time.Sub(begin), Picture: u.Picture})
					if u.Picture > newest && !unit.Time.After(last) {
						t.Errorf("%s, %s: picture %d is dated %v before the one before", p.About, reports.about, u.Picture, last.Sub(unit.Time))
					}
					if u.Picture > newest {
						newest, last = u.Picture, unit.Time
					}
				}); err != nil {
					t.Fatal(err)
				}
			}
			if why := p.Wrong(r, here, 150*time.Millisecond); why != "" {
				t.Errorf("%s: %s", reports.about, why)
			}
			if !reports.right || p.Honest && !p.Steady || p.FPS < 2 {
				continue // what is delayed on the way is as old as the source says, and one picture more or less may be a second
			}
			if why := p.Wrong(r, there, 1300*time.Millisecond+p.Depth); why != "" {
				t.Errorf("%s, by that clock: %s", reports.about, why)
			}
		}
	}
}
