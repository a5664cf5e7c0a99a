package unpack_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/unpack"
	"github.com/pion/rtp"
)

// A part is a packet of a NAL unit, and what a sender knows of it.
type part struct {
	packet *rtp.Packet
	slice  bool // of a picture
	ends   bool // the NAL unit
	last   bool // of the access unit
	nal    int  // number of the NAL unit in it
}

// partition packs units by NAL units, in fragments of a few bytes.
func partition(c frame.Codec, units []frame.AccessUnit) (parts []part) {
	const most = 200
	var seq uint16
	for _, u := range units {
		nals := bitstream.SplitAnnexB(nil, u.Data)
		for i, n := range nals {
			head := 1
			if c == frame.H265 {
				head = 2
			}
			chunks := [][]byte{n}
			if len(n) > most {
				chunks = slices.Collect(slices.Chunk(n[head:], most))
			}
			for k, chunk := range chunks {
				payload, flags := chunk, byte(0)
				if k == 0 {
					flags = 0x80
				}
				if k == len(chunks)-1 {
					flags |= 0x40
				}
				switch {
				case len(chunks) == 1:
				case c == frame.H265:
					payload = append([]byte{n[0]&0x81 | 49<<1, n[1], flags | n[0]>>1&0x3f}, chunk...)
				default:
					payload = append([]byte{n[0]&0xe0 | 28, flags | n[0]&0x1f}, chunk...)
				}
				p := part{slice: bitstream.IsSlice(c, n), ends: k == len(chunks)-1, nal: i}
				p.last = p.ends && i == len(nals)-1
				p.packet = &rtp.Packet{Header: rtp.Header{SequenceNumber: seq, Timestamp: uint32((u.PTS - units[0].PTS) * 9 / 100000), Marker: p.last},
					Payload: payload}
				parts = append(parts, p)
				seq++
			}
		}
	}
	return parts
}

// sliced returns a stream of four slices a picture.
func sliced(tb testing.TB, c frame.Codec) (units []frame.AccessUnit, stream func() *unpack.Stream) {
	tb.Helper()
	if c == frame.H264 {
		return frametest.Clip{Width: 320, Height: 180, Noise: 5, BFrames: 2, Args: []string{"-slices", "4"}}.Units(tb),
			func() *unpack.Stream { return unpack.New(new(unpack.H264)) }
	}
	k := kind{about: "slices", codec: c, muxer: "hevc", args: []string{"libx265", "-preset", "ultrafast", "-x265-params",
		"keyint=15:min-keyint=15:bframes=0:slices=3:ctu=64:log-level=none"}}
	_, file := k.record(tb)
	for i, data := range units265(tb, file) {
		units = append(units, frame.AccessUnit{Codec: c, Data: data, PTS: time.Duration(i) * time.Second / 30})
	}
	return units, func() *unpack.Stream { return unpack.New(new(unpack.H265)) }
}

func slicesOf(c frame.Codec, data []byte) []byte {
	return annexB(slices.DeleteFunc(bitstream.SplitAnnexB(nil, data), func(n []byte) bool { return !bitstream.IsSlice(c, n) })...)
}

// senders set markers where none belong, or give the pieces of a picture timestamps of their own.
var senders = []struct {
	about string
	set   func(p part)
}{
	{"markers at the end of each slice", func(p part) { p.packet.Marker = p.slice && p.ends }},
	{"markers at the end of each NAL unit", func(p part) { p.packet.Marker = p.ends }},
	{"markers on all packets", func(p part) { p.packet.Marker = true }},
	{"markers on all slices, and on each a timestamp of its own", func(p part) {
		p.packet.Marker = p.ends
		p.packet.Timestamp += uint32(p.nal)
	}},
	{"markers on all packets but those that end a picture", func(p part) { p.packet.Marker = p.ends && p.slice && !p.last }},
}

func TestPicturesInPieces(t *testing.T) {
	for _, codec := range []frame.Codec{frame.H264, frame.H265} {
		units, stream := sliced(t, codec)
		var all []*rtp.Packet
		for _, p := range partition(codec, units) {
			all = append(all, p.packet)
		}
		want := unpackUnits(t, stream(), all)
		if len(want) < 30 {
			t.Fatalf("%v: %d units", codec, len(want))
		}
		for _, sender := range senders {
			t.Run(fmt.Sprint(codec, ", ", sender.about), func(t *testing.T) {
				var packets []*rtp.Packet
				for _, p := range partition(codec, units) {
					sender.set(p)
					packets = append(packets, p.packet)
				}
				got := unpackUnits(t, stream(), packets)
				if len(got) > 1 && got[0].key && !got[0].lost && bytes.HasPrefix(got[1].data, got[0].data) {
					got = got[1:] // before it was known that more comes
				}
				if len(got) < len(want)-1 { // the last waits for what comes next
					t.Fatalf("%d units, want %d", len(got), len(want)-1)
				}
				for i, u := range got {
					same := bytes.Equal
					if i == 0 { // what stands before it, with a marker, is left out
						same = func(a, b []byte) bool { return bytes.Equal(slicesOf(codec, a), slicesOf(codec, b)) }
					}
					if !same(u.data, want[i].data) || u.key != want[i].key || u.lost {
						t.Fatalf("unit %d: %d bytes, key %v, lost %v; want %d, %v", i, len(u.data), u.key, u.lost, len(want[i].data), want[i].key)
					}
				}
			})
		}
	}
}

// TestPiecesLost loses packets of pictures in pieces: what is damaged is marked.
func TestPiecesLost(t *testing.T) {
	for _, codec := range []frame.Codec{frame.H264, frame.H265} {
		units, stream := sliced(t, codec)
		all := make(map[string]bool)
		for _, u := range unpackUnits(t, stream(), func() (packets []*rtp.Packet) {
			for _, p := range partition(codec, units) {
				packets = append(packets, p.packet)
			}
			return packets
		}()) {
			all[string(u.data)] = true
		}
		r := rand.New(rand.NewPCG(1, 2))
		for _, sender := range senders[:3] {
			for _, rate := range []float64{0.002, 0.02} {
				whole, marked := 0, 0
				for range 20 {
					var packets []*rtp.Packet
					for _, p := range partition(codec, units) {
						if sender.set(p); r.Float64() >= rate {
							packets = append(packets, p.packet)
						}
					}
					got := unpackUnits(t, stream(), packets)
					for i, u := range got {
						switch {
						case u.lost:
							marked++
						case all[string(u.data)]:
							whole++
						case i == 0: // in pieces: what else it had may be of before the beginning, and more comes
						case i == 1 && u.key && len(got[0].data) < len(u.data):
						default:
							t.Fatalf("%v, %s, %v lost: unit %d is damaged and not marked", codec, sender.about, rate, i)
						}
					}
				}
				if whole == 0 || marked == 0 {
					t.Errorf("%v, %s, %v lost: %d units are marked, %d are whole", codec, sender.about, rate, marked, whole)
				}
			}
		}
	}
}

// TestPiecesFoundLate has pieces begin in mid-stream: pictures are whole again from the next key picture on.
func TestPiecesFoundLate(t *testing.T) {
	var s stream
	h := new(unpack.H264)
	if err := h.Learn(sps, pps); err != nil {
		t.Fatal(err)
	}
	in := func(payload []byte, marker bool) *rtp.Packet { // the timestamp stays
		p := s.packet(marker, payload)
		s.stamp = p.Timestamp
		return p
	}
	next := func() { s.stamp += 3000 }
	var packets []*rtp.Packet
	for _, picture := range [][][]byte{{idr}, {slice}, {slice, more}, {slice, more, more}, {idr, idr2}, {slice, more}, {slice}} {
		for _, n := range picture {
			packets = append(packets, in(n, true))
		}
		next()
	}
	got := unpackUnits(t, unpack.New(h), packets)
	want := []unit{
		{annexB(sps, pps, idr), true, false}, {annexB(slice), false, false},
		{annexB(slice), false, false}, {annexB(more), false, true}, // found here
		{annexB(slice, more, more), false, false}, {annexB(sps, pps, idr, idr2), true, false}, {annexB(slice, more), false, false},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v\nwant %v", got, want)
	}
}

// TestNoDelayWithoutPieces has each unit of a stream in one piece made by its marker.
func TestNoDelayWithoutPieces(t *testing.T) {
	for _, codec := range []frame.Codec{frame.H264, frame.H265} {
		units, fresh := sliced(t, codec)
		stream, made, due := fresh(), 0, 0
		for _, p := range partition(codec, units) {
			if err := stream.Packet(p.packet, time.Unix(100, 0), func(frame.AccessUnit) { made++ }); err != nil {
				t.Fatal(err)
			}
			if p.last {
				due++
			}
			if made != due {
				t.Fatalf("%v: %d units after %d markers", codec, made, due)
			}
		}
	}
}

// TestMPEG4InPieces is of senders that set the marker too early, such as live555.
func TestMPEG4InPieces(t *testing.T) {
	half := func(b []byte) (head, tail []byte) { return b[:5], b[5:] }
	keyHead, keyTail := half(mpeg4Key)
	interHead, interTail := half(mpeg4Inter)
	whole := []unit{{slices.Concat(mpeg4Set, mpeg4Key), true, false}, {mpeg4Inter, false, false}, {mpeg4Inter, false, false}}
	for _, test := range []struct {
		about   string
		markers string // of the packets below
		want    []unit
	}{
		{"right", "001" + "01" + "01" + "01", append(slices.Clone(whole), unit{mpeg4Inter, false, false})},
		{"on each packet", "111" + "11" + "11" + "11", whole},
		{"on the first of each picture, and on the configuration", "110" + "10" + "10" + "10", whole},
		{"on the first of each picture", "010" + "10" + "10" + "10", append([]unit{{slices.Concat(mpeg4Set, keyHead), true, false}}, whole...)},
		{"on the configuration", "101" + "01" + "01" + "01", whole},
		{"none", "000" + "00" + "00" + "00", whole},
	} {
		var s stream
		var packets []*rtp.Packet
		stamps := "000112233"
		for i, payload := range [][]byte{mpeg4Set, keyHead, keyTail, interHead, interTail, interHead, interTail, interHead, interTail} {
			p := s.packet(test.markers[i] == '1', payload)
			p.Timestamp = 3000 * uint32(stamps[i]-'0')
			packets = append(packets, p)
		}
		got := unpackUnits(t, newMPEG4(), packets)
		if n := len(test.want); fmt.Sprint(got[:min(n, len(got))]) != fmt.Sprint(test.want) {
			t.Errorf("%s: %v\nwant %v", test.about, got, test.want)
		}
	}
}
