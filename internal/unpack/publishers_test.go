package unpack_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/publishers"
	"github.com/livestill/livestill/internal/unpack"
)

// TestStreamShowsWhatAViewerSaw has publishers of all kinds send over RTP, without sender reports, and with those of a clock that is right, an hour
// ahead, or goes by the timestamps. At any instant of this machine's clock the picture is one that a viewer without delay saw no more than 150 ms
// before or after. Time always rises.
func TestStreamShowsWhatAViewerSaw(t *testing.T) {
	begin := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	for _, reports := range []struct {
		about string
		at    func(u publishers.Unit) time.Duration // what the source's clock says when a picture was made; nil without reports
	}{
		{"no reports", nil},
		{"a clock that is right", func(u publishers.Unit) time.Duration { return u.Made }},
		{"a clock that is ahead", func(u publishers.Unit) time.Duration { return u.Made + time.Hour }},
		{"a clock that is the timestamps", func(u publishers.Unit) time.Duration { return u.PTS }},
	} {
		seed := uint64(0)
		for p := range publishers.All(10, 30*time.Second) {
			seed++
			if p.Depth > time.Second {
				continue // RTP does not say when units are decoded, so that timestamps that go back by as much may be reordered, or not
			}
			r := rand.New(rand.NewPCG(seed, 5))
			type shown struct {
				at      time.Duration
				picture int
			}
			var all []shown
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
					all = append(all, shown{unit.Shown().Sub(begin), u.Picture})
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
			slices.SortStableFunc(all, func(a, b shown) int { return cmp.Compare(a.at, b.at) })
			for range 200 {
				at := time.Duration(r.Int64N(int64(p.Units[len(p.Units)-1].Arrival)))
				from, to, ok := p.Saw(at)
				if !ok {
					continue // the stream begins
				}
				i, _ := slices.BinarySearchFunc(all, at+1, func(s shown, at time.Duration) int { return cmp.Compare(s.at, at) })
				if i == 0 || all[i-1].picture < from || all[i-1].picture > to {
					t.Errorf("%s, %s: at %v the %dth to be shown was on show, to a viewer pictures %d to %d", p.About, reports.about, at, i-1, from, to)
					break
				}
			}
		}
	}
}
