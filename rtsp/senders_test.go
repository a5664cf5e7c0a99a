package rtsp_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/rtsp"
	"github.com/pion/rtp"
)

// habits are those of senders, by GOPs and NAL units.
var habits = []struct {
	about string
	send  func(p *rtp.Packet, gop int, first uint16) // first is the sequence number of the first packet of the GOP
}{
	{"an SSRC for each GOP, numbers go on", func(p *rtp.Packet, gop int, _ uint16) { p.SSRC = uint32(1000 + gop) }},
	{"an SSRC for each GOP, numbers begin anew", func(p *rtp.Packet, gop int, first uint16) {
		p.SSRC, p.SequenceNumber = uint32(1000+gop), p.SequenceNumber-first
	}},
	{"an SSRC and timestamps for each GOP, numbers go on", func(p *rtp.Packet, gop int, _ uint16) {
		p.SSRC, p.Timestamp = uint32(1000+gop), p.Timestamp-uint32(gop)*100_000
	}},
	{"numbers begin anew, far away", func(p *rtp.Packet, gop int, first uint16) { p.SequenceNumber += uint16(gop) * 20000 }},
	{"all begins anew", func(p *rtp.Packet, gop int, first uint16) {
		p.SSRC, p.SequenceNumber, p.Timestamp = uint32(1000+gop), p.SequenceNumber-first, p.Timestamp+uint32(gop)<<30
	}},
	{"a marker at the end of each slice", func(p *rtp.Packet, _ int, _ uint16) {
		kind := p.Payload[0] & 0x1f
		p.Marker = kind <= 5 || kind == 28 && p.Payload[1]&0x40 != 0 && p.Payload[1]&0x1f <= 5
	}},
	{"a marker at the end of each NAL unit", func(p *rtp.Packet, _ int, _ uint16) {
		p.Marker = p.Payload[0]&0x1f != 28 || p.Payload[1]&0x40 != 0 // single, or last fragment, RFC 6184 section 5.8
	}},
}

// habitual returns packets of units as a sender with the habit sends them.
func (r *raw) habitual(t *testing.T, units []frame.AccessUnit, send func(p *rtp.Packet, gop int, first uint16)) (packets [][]byte) {
	t.Helper()
	gop, first := 0, uint16(0)
	for _, u := range units {
		for i, b := range r.packetize(t, u) {
			var p rtp.Packet
			if err := p.Unmarshal(b); err != nil {
				t.Fatal(err)
			}
			if u.Key && i == 0 {
				gop, first = gop+1, p.SequenceNumber
			}
			send(&p, gop, first)
			b, err := p.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			packets = append(packets, b)
		}
	}
	return packets
}

// whole checks that all units of a clip came.
func whole(t *testing.T, got, want []frame.AccessUnit) {
	t.Helper()
	slicesOf := func(u frame.AccessUnit) (slices [][]byte) {
		for _, n := range bitstream.SplitAnnexB(nil, u.Data) {
			if bitstream.IsSlice(u.Codec, n) {
				slices = append(slices, n)
			}
		}
		return slices
	}
	for i, u := range got {
		if u.Lost || u.Key != want[i].Key || !slices.EqualFunc(slicesOf(u), slicesOf(want[i]), bytes.Equal) {
			t.Fatalf("unit %d: %d slices, key %v, lost %v; want %d, key %v", i, len(slicesOf(u)), u.Key, u.Lost, len(slicesOf(want[i])), want[i].Key)
		}
		if i > 0 && (u.PTS <= got[i-1].PTS || u.Time.Before(got[i-1].Time)) {
			t.Fatalf("unit %d: PTS %v, shown %v; after %v, %v", i, u.PTS, u.Time, got[i-1].PTS, got[i-1].Time)
		}
	}
}

// TestHabitsOfSenders pulls from cameras and serves encoders that begin anew in mid-stream, or that send pictures in pieces.
func TestHabitsOfSenders(t *testing.T) {
	units := frametest.Clip{Width: 320, Height: 180, Args: []string{"-slices", "4", "-g", "10"}}.Units(t)
	for _, habit := range habits {
		for _, udp := range []bool{false, true} {
			t.Run(fmt.Sprintf("pulled, %s, over UDP %v", habit.about, udp), func(t *testing.T) {
				t.Parallel()
				transport := rtsp.TCP
				if udp {
					transport = rtsp.UDP
				}
				_, got := collect(t, &rtsp.Client{URL: habitualCamera(t, units, habit.send), Transport: transport}, len(units)-1)
				whole(t, got, units)
			})
			t.Run(fmt.Sprintf("pushed, %s, over UDP %v", habit.about, udp), func(t *testing.T) {
				t.Parallel()
				got := make(taker, 1)
				addr, _ := listen(t, &rtsp.Server{Handler: takeSome{got, len(units) - 1}, UDPAddr: "127.0.0.1:0"})
				r := dial(t, addr, nil)
				send := func(packet []byte) { _, _ = r.Write(interleave(packet)) }
				if udp {
					send = r.overUDP(t, describe(units))
				} else {
					r.record(t, describe(units))
				}
				for _, p := range r.habitual(t, units, habit.send) {
					send(p)
				}
				whole(t, (<-got).units, units)
			})
		}
	}
}

// habitualCamera returns the URL of a camera that has a habit.
func habitualCamera(t *testing.T, units []frame.AccessUnit, habit func(p *rtp.Packet, gop int, first uint16)) string {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	s := &sender{conn: conn}
	c := alone(describe(units), func(r *raw) {
		for _, p := range r.habitual(t, units, habit) {
			if to := s.client.Load(); to != nil {
				_, _ = conn.WriteTo(p, to)
			} else if _, err := r.Write(interleave(p)); err != nil {
				return
			}
		}
		_, _ = io.Copy(io.Discard, r.in)
	})
	c.respond = s.setup
	return c.start(t)
}
