package unpack_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/unpack"
	"github.com/pion/rtp"
)

// NAL units of the smallest kind: a camera's sets, and slices that begin at macroblock zero or after it.
var (
	sps   = []byte("\x67\x42\xc0\x1e\xda\x02\x80\xbf\xe5\xc0\x44\x00\x00\x03\x00\x04\x00\x00\x03\x00\xf0\x3c\x58\xb9\x20")
	pps   = []byte{0x68, 0xce, 0x0f, 0x2c, 0x80}
	idr   = []byte{0x65, 0x88, 1, 1, 1}
	idr2  = []byte{0x65, 0x44, 2, 2, 2}
	slice = []byte{0x41, 0x9a, 3, 3, 3}
	more  = []byte{0x41, 0x54, 4, 4, 4}
)

func annexB(nals ...[]byte) (b []byte) {
	for _, n := range nals {
		b = append(append(b, 0, 0, 0, 1), n...)
	}
	return b
}

// A stream makes packets that follow one another.
type stream struct {
	seq   uint16
	stamp uint32
}

func (s *stream) packet(marker bool, payload ...[]byte) *rtp.Packet {
	p := &rtp.Packet{Header: rtp.Header{SequenceNumber: s.seq, Timestamp: s.stamp, Marker: marker}, Payload: slices.Concat(payload...)}
	s.seq++
	if marker {
		s.stamp += 3000
	}
	return p
}

func unpackAll(tb testing.TB, u *unpack.Stream, packets []*rtp.Packet) (units []frame.AccessUnit) {
	tb.Helper()
	for _, p := range packets {
		err := u.Packet(p, time.Unix(100, 0), func(u frame.AccessUnit) { units = append(units, u) })
		if err != nil {
			tb.Fatal(err)
		}
	}
	return units
}

func TestH264(t *testing.T) {
	type unit struct {
		data []byte
		lost bool
	}
	key := unit{annexB(sps, pps, idr), false}
	for _, test := range []struct {
		about   string
		packets func(s *stream) []*rtp.Packet // after a whole key unit
		want    []unit                        // after it
	}{
		{"a NAL unit for each packet", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(false, slice), s.packet(true, more), s.packet(true, slice)}
		}, []unit{{annexB(slice, more), false}, {annexB(slice), false}}},
		{"fragments", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{
				s.packet(false, []byte{0x5c, 0x81}, slice[1:3]), s.packet(false, []byte{0x5c, 0x01}, slice[3:4]),
				s.packet(true, []byte{0x5c, 0x41}, slice[4:]),
			}
		}, []unit{{annexB(slice), false}}},
		{"a single fragment, first and last", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, []byte{0x5c, 0xc1}, slice[1:])}
		}, []unit{{annexB(slice), false}}},
		{"an aggregate with padding", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, []byte{0x58, 0, 5}, slice, []byte{0, 5}, more, []byte{0, 0, 0})}
		}, []unit{{annexB(slice, more), false}}},
		{"start codes inside, by a camera that does not know better", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, annexB(sps, pps), []byte{0, 0, 1}, idr), s.packet(true, slice, annexB(more))}
		}, []unit{key, {annexB(slice, more), false}}},
		{"no markers", func(s *stream) []*rtp.Packet {
			a := s.packet(false, slice)
			s.stamp += 3000
			b := s.packet(false, more)
			s.stamp += 3000
			return []*rtp.Packet{a, b, s.packet(false, slice)}
		}, []unit{{annexB(slice), false}, {annexB(more), false}}},
		{"an empty payload keeps the network open and is no loss", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(false), s.packet(true, slice)}
		}, []unit{{annexB(slice), false}}},
		{"a gap before a unit", func(s *stream) []*rtp.Packet {
			s.packet(true, slice)
			return []*rtp.Packet{s.packet(true, more), s.packet(true, slice)}
		}, []unit{{annexB(more), true}, {annexB(slice), false}}},
		{"a gap inside a unit", func(s *stream) []*rtp.Packet {
			a := s.packet(false, slice)
			s.packet(false, more)
			return []*rtp.Packet{a, s.packet(true, more), s.packet(true, slice)}
		}, []unit{{annexB(slice, more), true}, {annexB(slice), false}}},
		{"a gap from one unit into the next: of which it is cannot be told", func(s *stream) []*rtp.Packet {
			a := s.packet(false, slice)
			s.packet(true, more)
			return []*rtp.Packet{a, s.packet(true, slice), s.packet(true, more)}
		}, []unit{{annexB(slice), true}, {annexB(slice), true}, {annexB(more), false}}},
		{"a fragment without its beginning", func(s *stream) []*rtp.Packet {
			s.packet(false, []byte{0x5c, 0x81}, slice[1:3])
			return []*rtp.Packet{s.packet(true, []byte{0x5c, 0x41}, slice[3:]), s.packet(true, more)}
		}, []unit{{annexB(more), true}}},
		{"a fragment without its end", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, []byte{0x5c, 0x81}, slice[1:3]), s.packet(true, more)}
		}, []unit{{annexB(more), true}}},
		{"a fragment that another NAL unit cuts short", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(false, []byte{0x5c, 0x81}, slice[1:3]), s.packet(true, more), s.packet(true, slice)}
		}, []unit{{annexB(more), true}, {annexB(slice), false}}},
		{"an aggregate that ends early", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, []byte{0x58, 0, 5}, slice, []byte{0, 9, 1}), s.packet(true, more)}
		}, []unit{{annexB(slice), true}, {annexB(more), false}}},
		{"a payload of a type that the mode does not have", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(false, []byte{0x5d, 0x81, 0, 0, 9}), s.packet(true, more)}
		}, []unit{{annexB(more), true}}},
		{"sets with a timestamp of their own", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, sps), s.packet(true, pps), s.packet(true, idr)}
		}, []unit{key}},
		{"endless fragments are cut off at 8 MiB", func(s *stream) []*rtp.Packet {
			packets := []*rtp.Packet{s.packet(false, slice), s.packet(false, []byte{0x5c, 0x81}, slice[1:])}
			for range 9 << 4 {
				packets = append(packets, s.packet(false, []byte{0x5c, 0x01}, make([]byte, 64<<10)))
			}
			return append(packets, s.packet(true, []byte{0x5c, 0x41, 1}), s.packet(true, more))
		}, []unit{{annexB(slice), true}, {annexB(more), false}}},
	} {
		var h unpack.H264
		if err := h.Learn(sps, pps); err != nil {
			t.Fatal(err)
		}
		s := stream{seq: 65534}
		got := unpackAll(t, unpack.New(&h), append([]*rtp.Packet{s.packet(true, idr)}, test.packets(&s)...))
		want := append([]unit{key}, test.want...)
		if len(got) != len(want) {
			t.Errorf("%s: %d units, want %d", test.about, len(got), len(want))
			continue
		}
		for i, u := range got {
			if !bytes.Equal(u.Data, want[i].data) || u.Lost != want[i].lost {
				t.Errorf("%s: unit %d: %x, lost %v; want %x, lost %v", test.about, i, u.Data, u.Lost, want[i].data, want[i].lost)
			}
		}
	}
}

func TestH264BeginsWithAWholeKeyUnit(t *testing.T) {
	for _, test := range []struct {
		about   string
		packets func(s *stream) []*rtp.Packet
	}{
		{"units that are no key", func(s *stream) []*rtp.Packet { return []*rtp.Packet{s.packet(true, slice)} }},
		{"a key unit that began before", func(s *stream) []*rtp.Packet { return []*rtp.Packet{s.packet(true, idr2)} }},
		{"a key unit with a gap", func(s *stream) []*rtp.Packet {
			a := s.packet(false, idr)
			s.seq++
			return []*rtp.Packet{a, s.packet(true, idr2)}
		}},
	} {
		var h unpack.H264
		if err := h.Learn(sps, pps); err != nil {
			t.Fatal(err)
		}
		var s stream
		units := unpackAll(t, unpack.New(&h), append(test.packets(&s), s.packet(true, idr), s.packet(true, slice)))
		if len(units) != 2 || !units[0].Key || units[0].Lost || !bytes.Equal(units[0].Data, annexB(sps, pps, idr)) {
			t.Errorf("%s: %+v", test.about, units)
		}
	}
	var h unpack.H264
	var s stream
	units := unpackAll(t, unpack.New(&h), []*rtp.Packet{
		s.packet(true, idr), s.packet(true, slice), s.packet(false, sps), s.packet(false, pps), s.packet(true, idr),
	})
	if len(units) != 1 || !bytes.Equal(units[0].Data, annexB(sps, pps, idr)) {
		t.Errorf("sets that come late: %+v", units)
	}
}

func TestTimestampsThatJumpOrWrap(t *testing.T) {
	for _, test := range []struct {
		about string
		to    uint32 // the timestamp of the second unit; that of the first is 2^32 - 1000
		want  time.Duration
	}{
		{"around", 2000, time.Second / 30},
		{"ahead by an hour", 3600*90000 - 1000, time.Hour},
		{"back by an hour", 1<<32 - 3600*90000 - 1000, 0},
	} {
		var h unpack.H264
		if err := h.Learn(sps, pps); err != nil {
			t.Fatal(err)
		}
		s := stream{stamp: 1<<32 - 1000}
		packets := []*rtp.Packet{s.packet(true, idr)}
		s.stamp = test.to
		units := unpackAll(t, unpack.New(&h), append(packets, s.packet(true, slice), s.packet(true, slice)))
		for i, want := range []time.Duration{0, test.want, test.want + time.Second/30} {
			if u := units[i]; u.PTS.Round(time.Microsecond) != want.Round(time.Microsecond) || u.DTS > u.PTS || i > 0 && u.DTS < units[i-1].DTS {
				t.Errorf("%s: unit %d: PTS %v, DTS %v, want PTS %v", test.about, i, u.PTS, u.DTS, want)
			}
		}
	}
}

// packets packs units as gortsplib does; PTS of the first is at timestamp zero.
func packets(tb testing.TB, units []frame.AccessUnit) (packets []*rtp.Packet) {
	tb.Helper()
	encoder, err := (&format.H264{PayloadTyp: 96, PacketizationMode: 1}).CreateEncoder()
	if err != nil {
		tb.Fatal(err)
	}
	for _, u := range units {
		ps, err := encoder.Encode(bitstream.SplitAnnexB(nil, u.Data))
		if err != nil {
			tb.Fatal(err)
		}
		for _, p := range ps {
			p.Timestamp = uint32((u.PTS - units[0].PTS) * 9 / 100000)
			packets = append(packets, p)
		}
	}
	return packets
}

// clips differ in how their pictures are reordered.
var clips = map[string]frametest.Clip{
	"no B-frames": {}, "B-frames": {BFrames: 3}, "slices": {Args: []string{"-slices", "4"}},
	"no pyramid": {BFrames: 2, Args: []string{"-x264-params", "b-pyramid=none:open-gop=0"}},
	"interlaced": {BFrames: 2, Args: []string{"-flags", "+ilme+ildct"}},
}

func TestH264GivesWhatWasEncoded(t *testing.T) {
	for name, clip := range clips {
		want := clip.Units(t)
		var h unpack.H264
		got := unpackAll(t, unpack.New(&h), packets(t, want))
		if len(got) != len(want) {
			t.Fatalf("%s: %d units, want %d", name, len(got), len(want))
		}
		for i, u := range got {
			late := u.PTS - (want[i].PTS - want[0].PTS)
			if !bytes.Equal(u.Data, want[i].Data) || u.Key != want[i].Key || u.Lost || late.Abs() > time.Millisecond {
				t.Errorf("%s: unit %d is not what was encoded", name, i)
			}
			if u.DTS > u.PTS && (name != "interlaced" || i > 30) || i > 0 && u.DTS < got[i-1].DTS {
				t.Errorf("%s: unit %d: PTS %v, DTS %v", name, i, u.PTS, u.DTS)
			}
			if off := u.PTS - u.DTS - (want[i].PTS - want[i].DTS); name != "interlaced" && i > 35 && off.Abs() > 40*time.Millisecond {
				t.Errorf("%s: unit %d is decoded %v before it is shown, want %v", name, i, u.PTS-u.DTS, want[i].PTS-want[i].DTS)
			}
		}
	}
}

// pictures returns the slices of a unit.
func pictures(u frame.AccessUnit) []byte {
	return annexB(slices.DeleteFunc(bitstream.SplitAnnexB(nil, u.Data), func(n []byte) bool { return n[0]&0x1f > 5 })...)
}

// TestH264MarksEveryLoss drops packets at random: a unit that is not marked must be what was encoded, and follow what was encoded
// before it.
func TestH264MarksEveryLoss(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, clip := range clips {
		want := clip.Units(t)
		all := packets(t, want)
		index := make(map[time.Duration]int)
		for i, u := range want {
			index[u.PTS-want[0].PTS] = i
		}
		for _, rate := range []float64{0.005, 0.02, 0.05, 0.5} {
			marked, whole, late := 0, 0, 0
			for range 30 {
				kept := slices.DeleteFunc(slices.Clone(all), func(*rtp.Packet) bool { return r.Float64() < rate })
				var h unpack.H264
				zero := time.Duration(kept[0].Timestamp) * time.Second / 90000 // of the PTS
				last := frame.AccessUnit{DTS: -time.Hour}
				for i, u := range unpackAll(t, unpack.New(&h), kept) {
					u.PTS, u.DTS = (u.PTS + zero).Round(time.Millisecond), u.DTS+zero
					at, ok := index[u.PTS]
					switch {
					case !ok:
						t.Fatalf("%s, %v lost: no unit has PTS %v", name, rate, u.PTS)
					case u.Lost:
						marked++
					case i == 0 && bytes.Equal(pictures(u), pictures(want[at])): // what else it had may be of before the beginning
						whole++
					case !bytes.Equal(u.Data, want[at].Data) || last.PTS != want[at-1].PTS-want[0].PTS:
						t.Fatalf("%s, %v lost: unit %d is damaged and not marked", name, rate, at)
					default:
						whole++
					}
					if u.DTS < last.DTS {
						t.Fatalf("%s, %v lost: unit %d: DTS %v after %v", name, rate, at, u.DTS, last.DTS)
					}
					if u.DTS > u.PTS+time.Millisecond {
						late++
					}
					last = u
				}
			}
			if late > 3*30 { // the first B-frames of a stream
				t.Errorf("%s, %v lost: %d units are decoded after they are shown", name, rate, late)
			}
			t.Logf("%s, %v of packets lost: %d units marked, %d whole, %d late", name, rate, marked, whole, late)
		}
	}
}

func BenchmarkH264(b *testing.B) {
	all := packets(b, frametest.Clip{Width: 1280, Height: 720, Noise: 20}.Units(b))
	bytes := 0
	for _, p := range all {
		bytes += len(p.Payload)
	}
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	units := 0
	for b.Loop() {
		h := unpack.New(new(unpack.H264))
		for _, p := range all {
			if err := h.Packet(p, time.Unix(100, 0), func(frame.AccessUnit) { units++ }); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(all)), "ns/packet")
	b.ReportMetric(float64(units)/float64(b.N), "units/op")
}
