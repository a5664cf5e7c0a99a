package unpack_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/unpack"
	"github.com/pion/rtp"
)

// A run is packets that one sender sends.
type run struct {
	ssrc       uint32
	first      int // sequence number
	count      int
	anew, lost bool // what is to be found out of the first; all are to be known for none of the stream
}

func TestSource(t *testing.T) {
	for _, test := range []struct {
		about string
		runs  []run
	}{
		{"one sender, whose numbers wrap", []run{{1, 65530, 20, false, false}}},
		{"another SSRC, numbers go on", []run{{1, 10, 20, false, false}, {2, 30, 20, false, false}, {3, 50, 5, false, false}}},
		{"another SSRC, numbers begin anew", []run{{1, 10, 20, false, false}, {2, 0, 20, true, false}, {3, 40000, 5, true, false}}},
		{"the same SSRC, numbers begin anew", []run{{1, 1000, 20, false, false}, {1, 0, 20, true, false}, {1, 30000, 5, true, false}}},
		{"a gap", []run{{1, 10, 20, false, false}, {1, 100, 20, false, false}, {1, 2000, 20, false, false}}},
		{"two SSRCs by turns, numbers go on", []run{{1, 10, 20, false, false}, {2, 30, 20, false, false}, {1, 50, 20, false, false}}},
		{"packets of the sender before come late", []run{{1, 10, 20, false, false}, {2, 500, 3, true, false}, {1, 30, 2, false, true}, {2, 503, 9, false, false}}},
		{"the sender before is back", []run{{1, 10, 20, false, false}, {2, 500, 3, true, false}, {1, 30, 63, false, true}, {1, 93, 9, true, false}}},
		{"two senders at once: the one that came later goes on", []run{{1, 10, 3, false, false}, {2, 500, 3, true, false}, {1, 13, 3, false, true},
			{2, 503, 3, false, false}, {1, 16, 60, false, true}, {2, 506, 3, false, false}, {1, 76, 60, false, true}, {2, 509, 3, false, false}}},
	} {
		var s unpack.Source
		due := uint16(test.runs[0].first)
		for i, r := range test.runs {
			for k := range r.count {
				p := &rtp.Packet{Header: rtp.Header{SSRC: r.ssrc, SequenceNumber: uint16(r.first + k)}}
				s.Follow(p)
				lost := p.SSRC != test.runs[0].ssrc
				anew, goesOn := s.Anew(p)
				anew = anew && !goesOn
				if lost != r.lost || anew != (r.anew && k == 0) {
					t.Fatalf("%s: run %d, packet %d: lost %v, anew %v", test.about, i, k, lost, anew)
				}
				if far := int16(p.SequenceNumber - due); anew != (far >= 64 && test.about != "a gap") && !lost || far < 0 && !lost {
					t.Fatalf("%s: run %d, packet %d: number %d after %d", test.about, i, k, p.SequenceNumber, due)
				}
				if !lost {
					due = p.SequenceNumber + 1
				}
			}
			ssrc, ok := s.Reported(r.ssrc)
			if ok == r.lost || ok && ssrc != test.runs[0].ssrc {
				t.Errorf("%s: run %d: a report is of %d, %v", test.about, i, ssrc, ok)
			}
		}
	}
}

// TestNumbersBeginAnewCloseBehind has a sender begin its sequence numbers anew, so many back, once or again and again, with timestamps that
// go on or begin anew as well. Packets that change places or come twice are no beginning.
func TestNumbersBeginAnewCloseBehind(t *testing.T) {
	const length, packets = 200, 1000 // from one beginning to the next, and of all
	for back := 0; back <= 150; back++ {
		for _, test := range []struct {
			about        string
			every, stamp bool // beginning; timestamps begin anew
			udp          bool // neighbours change places, and packets come twice
		}{
			{"once", false, false, false}, {"once, and timestamps", false, true, false}, {"again", true, false, false},
			{"again, and timestamps", true, true, false}, {"once over UDP", false, false, true}, {"again over UDP", true, true, true},
		} {
			var s unpack.Source
			var given []uint16
			number, stamp := uint16(65500), uint32(1<<32-90000)
			follow := func(p rtp.Packet) (kept, anew bool) {
				s.Follow(&p)
				anew, _ = s.Anew(&p)
				if p.SSRC == 7 {
					given = append(given, p.SequenceNumber)
				}
				return p.SSRC == 7, anew
			}
			var late *rtp.Packet // until the one after it came
			for i := range packets {
				begins := i > 0 && i%length == 0 && (test.every || i == length)
				if begins {
					number -= uint16(back) + 1 // the last was number-1
					if test.stamp {
						stamp -= 90000
					}
				}
				p := rtp.Packet{Header: rtp.Header{SSRC: 7, SequenceNumber: number, Timestamp: stamp}, Payload: []byte{byte(i >> 8), byte(i)}}
				number++
				if i%3 == 2 {
					stamp += 3000
				}
				if test.udp && i%20 == 5 {
					late = &p
					continue
				}
				if kept, anew := follow(p); !kept || anew != begins {
					t.Fatalf("back by %d, %s: packet %d: kept %v, anew %v", back, test.about, i, kept, anew)
				}
				if late != nil {
					if kept, anew := follow(*late); !kept || anew {
						t.Fatalf("back by %d, %s: packet before %d: kept %v, anew %v", back, test.about, i, kept, anew)
					}
					late = nil
				}
				if kept, _ := follow(p); kept {
					t.Fatalf("back by %d, %s: packet %d is kept twice", back, test.about, i)
				}
			}
			slices.Sort(given)
			if len(given) != packets || len(slices.Compact(given)) != packets {
				t.Fatalf("back by %d, %s: of %d packets, %d have numbers of their own", back, test.about, packets, len(slices.Compact(given)))
			}
		}
	}
}

// TestSenderBeginsAnew has a sender begin in mid-stream: with a key picture nothing is lost; timestamps and parameter sets are its own.
func TestSenderBeginsAnew(t *testing.T) {
	var s stream
	h := new(unpack.H264)
	if err := h.Learn(sps, pps); err != nil {
		t.Fatal(err)
	}
	u := unpack.New(h)
	now := time.Unix(100, 0)
	var units []frame.AccessUnit
	send := func(payloads ...[]byte) {
		t.Helper()
		for i, b := range payloads {
			if err := u.Packet(s.packet(i == len(payloads)-1, b), now, func(u frame.AccessUnit) { units = append(units, u) }); err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(time.Second / 30)
	}
	anew := func(seq uint16, stamp uint32) {
		s = stream{seq, stamp}
		u.Anew(false)
	}
	send(idr)
	send(slice)
	anew(7, 1<<31)
	send(idr)
	send(slice)
	anew(50000, 5)
	send(slice) // refers to nothing that there is
	send(slice)
	send(sps, pps, idr)
	if err := u.Packet(s.packet(false, slice), now, nil); err != nil {
		t.Fatal(err)
	}
	anew(9, s.stamp) // in the middle of a picture, by the same timestamp
	send(idr)
	anew(s.seq, s.stamp+9000)
	send(idr)
	s.stamp -= 90000 // another sender, whose numbers go on, and nothing is missing
	u.Anew(true)
	send(slice)
	send(slice)
	var got []string
	for i, u := range units {
		got = append(got, fmt.Sprint(u.Key, u.Lost))
		if due := time.Duration(i) * time.Second / 30; i < 7 && (u.PTS-due).Abs() > time.Millisecond {
			t.Errorf("unit %d has PTS %v, want %v", i, u.PTS, due)
		}
		if i > 9 && (u.PTS-units[i-1].PTS-time.Second/30).Abs() > time.Millisecond {
			t.Errorf("unit %d has PTS %v after %v", i, u.PTS, units[i-1].PTS)
		}
	}
	want := []string{"true false", "false false", "true false", "false false", "false true", "false false", "true false", "false true", "true false",
		"true false", "false false", "false false"}
	if !slices.Equal(got, want) || !bytes.Equal(units[2].Data, annexB(sps, pps, idr)) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// FuzzSource follows any packets. Those of the stream have one SSRC, and numbers that go back only as far as packets may have changed places.
func FuzzSource(f *testing.F) {
	f.Add([]byte{1, 0, 1, 1, 0, 2, 2, 9, 9, 2, 9, 10, 1, 0, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s unpack.Source
		var given uint32
		var newest uint16
		for n := 0; len(b) >= 3; n++ {
			p := &rtp.Packet{Header: rtp.Header{SSRC: uint32(b[0]), SequenceNumber: uint16(b[1])<<8 | uint16(b[2]), Timestamp: uint32(n)}}
			if n == 0 {
				given, newest = p.SSRC, p.SequenceNumber
			}
			sender := p.SSRC
			s.Follow(p)
			step := int16(p.SequenceNumber - newest)
			_, sends := s.Reported(sender)
			anew, goesOn := s.Anew(p)
			anew = anew && !goesOn
			switch {
			case p.SSRC != given && (sends || anew):
				t.Fatalf("packet %d of the one who sends is left out", n)
			case p.SSRC == given && (step <= -100 || step >= 3000 || !sends):
				t.Fatalf("packet %d goes on by %d", n, step)
			case p.SSRC == given && anew != (step == 1024):
				if step != 1024 { // which a gap may be, too
					t.Fatalf("packet %d is anew, and goes on by %d", n, step)
				}
			}
			if p.SSRC == given && step > 0 {
				newest = p.SequenceNumber
			}
			b = b[3:]
		}
	})
}
