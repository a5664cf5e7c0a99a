package unpack_test

import (
	"bytes"
	"image/jpeg"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/unpack"
	"github.com/pion/rtp"
)

// script makes bytes that play takes for packets with these payloads. A packet is: skipped sequence numbers, timestamps to go on by in
// steps of 1/30 s, marker, length, payload.
func script(payloads ...[]byte) (b []byte) {
	for _, p := range payloads {
		b = append(append(b, 0, 1, 1, byte(len(p))), p...)
	}
	return b
}

// play makes packets of any bytes: what comes out begins with a whole key unit, is in order, and is not more units than bytes came in.
func play(t *testing.T, u *unpack.Stream, stream []byte, check func(frame.AccessUnit)) {
	t.Helper()
	in, out := 0, 0
	var last frame.AccessUnit
	emit := func(u frame.AccessUnit) {
		if out == 0 && (!u.Key || u.Lost) {
			t.Fatalf("begins with key %v, lost %v", u.Key, u.Lost)
		}
		if out > 0 && (u.DTS < last.DTS || u.PTS > last.PTS && u.Time.Before(last.Time)) {
			t.Fatalf("PTS %v, DTS %v, shown %v after PTS %v, DTS %v, shown %v", u.PTS, u.DTS, u.Time, last.PTS, last.DTS, last.Time)
		}
		if len(u.Data) == 0 {
			t.Fatal("an empty unit")
		}
		check(u)
		out++
		last = u
	}
	var p rtp.Packet
	for len(stream) >= 4 {
		size := min(int(stream[3]), len(stream)-4)
		p.SequenceNumber += uint16(stream[0]) + 1
		p.Timestamp += uint32(int32(int8(stream[1])) * 3000)
		p.Marker = stream[2]&1 != 0
		if stream[2]&2 != 0 { // the clock is somewhere within 36 hours
			u.Report(0, p.Timestamp, 0xee000000<<32+uint64(stream[2])<<41)
		}
		p.Payload = stream[4 : 4+size]
		stream = stream[4+size:]
		in += size
		if u.Packet(&p, time.Unix(100, 0), emit) != nil {
			return
		}
	}
	if out > in {
		t.Fatalf("%d units of %d bytes", out, in)
	}
}

func FuzzH264(f *testing.F) {
	f.Add(sps, script(idr, slice, more))
	f.Add(sps, script([]byte{0x58, 0, 2, 0x65, 0x88, 0, 0}, []byte{0x5c, 0x81, 1}, []byte{0x5c, 0x41, 1}, annexB(sps, pps, idr)))
	f.Add(sps, script(annexB([]byte{6, 6, 1, 0xc4}, slice), slice, annexB([]byte{6, 5, 1, 0, 6, 1, 0x25, 0x80}, slice)))
	// log2_max_frame_num_minus4 and log2_max_pic_order_cnt_lsb_minus4 are 2^32 - 4: fields of no bits, one of them after the slice's end.
	f.Add([]byte("\x67\x42\x00\x1e\x80\x00\x00\x00\xff\xff\xff\xfd\x80\x00\x00\x00\xff\xff\xff\xfd\x40\xa0\xcc\x80\x00"),
		script([]byte{0x65, 0xe4}))
	f.Fuzz(func(t *testing.T, set, stream []byte) {
		var h unpack.H264
		if h.Learn(sps, pps, set) != nil {
			return
		}
		play(t, unpack.New(&h), stream, func(u frame.AccessUnit) {
			var kinds [32]bool
			for _, n := range bitstream.SplitAnnexB(nil, u.Data) {
				kinds[n[0]&0x1f] = true
			}
			begins := kinds[5] || kinds[6]
			if !bytes.HasPrefix(u.Data, []byte{0, 0, 0, 1}) || u.Key && (!begins || !kinds[7] || !kinds[8]) || !u.Key && kinds[5] {
				t.Fatalf("key %v: %x", u.Key, u.Data)
			}
		})
	})
}

func FuzzH265(f *testing.F) {
	f.Add(script(idr265, slice265, more265, cra265, rasl265))
	f.Add(script(append([]byte{0x60, 1}, sized(vps265, sps265, pps265, idr265)...), []byte{0x62, 1, 0x95, 0x80}, []byte{0x62, 1, 0x55, 1}))
	f.Fuzz(func(t *testing.T, stream []byte) {
		var h unpack.H265
		if err := h.Learn(vps265, sps265, pps265); err != nil {
			t.Fatal(err)
		}
		play(t, unpack.New(&h), stream, func(u frame.AccessUnit) {
			var kinds [64]bool
			begins := false
			for _, n := range bitstream.SplitAnnexB(nil, u.Data) {
				kinds[n[0]>>1&0x3f] = true
				kind := n[0] >> 1 & 0x3f
				begins = begins || kind >= 16 && kind <= 21
			}
			if !bytes.HasPrefix(u.Data, []byte{0, 0, 0, 1}) || u.Key && (!begins || !kinds[32] || !kinds[33] || !kinds[34]) {
				t.Fatalf("key %v: %x", u.Key, u.Data)
			}
		})
	})
}

func FuzzAV1(f *testing.F) {
	key := append(append([]byte{0x28, 3}, obuSequence...), obuKey...)
	f.Add(script(key, append([]byte{0x10}, obuInter...), []byte{0x50, 0x30}, []byte{0x90, 0x30, 1}))
	f.Add(script(append([]byte{0x08, 4}, obuSequenceSized...), append([]byte{0x08}, obuKeySized...), []byte{0x00, 2, 0x34, 8, 3, 0x36, 0, 0}))
	f.Fuzz(func(t *testing.T, stream []byte) {
		play(t, unpack.New(new(unpack.AV1)), stream, func(u frame.AccessUnit) {
			var a bitstream.AV1
			again, key, err := a.Unit(u.Data)
			if err != nil || u.Key && (!key || !bytes.Equal(again, u.Data)) {
				t.Fatalf("key %v: %x, made again: key %v, %x, %v", u.Key, u.Data, key, again, err)
			}
		})
	})
}

func FuzzVP8(f *testing.F) {
	f.Add(script(append([]byte{0x10}, vp8Key...), append([]byte{0x90, 0xf0, 0x80, 1, 2, 3}, vp8Inter...)))
	f.Add(script(append([]byte{0x90, 0x80, 1}, vp8Key...), []byte{0x90, 0x40}, []byte{0x11, 1}))
	f.Fuzz(func(t *testing.T, stream []byte) {
		play(t, unpack.New(new(unpack.VP8)), stream, func(u frame.AccessUnit) {
			if key, err := bitstream.VP8Key(u.Data); key != u.Key || err != nil {
				t.Fatalf("key %v: %x", u.Key, u.Data)
			}
		})
	})
}

func FuzzVP9(f *testing.F) {
	f.Add(script(append([]byte{0x0c}, vp9Key...), append([]byte{0xaf, 0x81, 0x02, 0, 7, 0x18, 0, 8, 0, 8, 2, 4, 1, 8, 1, 2}, vp9Inter...)))
	f.Add(script(append([]byte{0x08}, vp9Key...), []byte{0x04, 1}, []byte{0xdc, 5, 3, 3, 3, 0x86}))
	f.Fuzz(func(t *testing.T, stream []byte) {
		play(t, unpack.New(new(unpack.VP9)), stream, func(u frame.AccessUnit) {
			if key, err := bitstream.VP9Key(u.Data); key != u.Key || err != nil {
				t.Fatalf("key %v: %x", u.Key, u.Data)
			}
		})
	})
}

func FuzzMJPEG(f *testing.F) {
	tables := bytes.Repeat([]byte{1}, 64)
	f.Add(script([]byte{0, 0, 0, 0, 1, 30, 2, 2, 1, 2, 3}, []byte{0, 0, 0, 0, 64, 99, 2, 1, 0, 1, 0xff, 0xff, 1, 2}, []byte{0, 0, 0, 2, 64, 99, 2, 1, 0, 1, 0, 0, 9}))
	f.Add(script(append(append([]byte{0, 0, 0, 0, 1, 130, 2, 2, 0, 0, 0, 64}, tables...), 1), []byte{0, 0, 0, 0, 1, 130, 2, 2, 0, 0, 0, 0, 7}))
	f.Fuzz(func(t *testing.T, stream []byte) {
		play(t, unpack.New(new(unpack.MJPEG)), stream, func(u frame.AccessUnit) {
			c, err := jpeg.DecodeConfig(bytes.NewReader(u.Data))
			if err != nil || c.Width == 0 || c.Height == 0 || c.Width > 2040 || c.Height > 2040 || !u.Key {
				t.Fatalf("%v, %d x %d, key %v", err, c.Width, c.Height, u.Key)
			}
		})
	})
}

func FuzzMPEG4(f *testing.F) {
	f.Add(mpeg4Set, script(mpeg4Key, mpeg4Inter, append(append([]byte{}, mpeg4Set...), mpeg4Key...)))
	f.Add([]byte{}, script(append(append([]byte{}, mpeg4Set...), mpeg4Key...), mpeg4Inter[:5], mpeg4Inter[5:]))
	f.Fuzz(func(t *testing.T, config, stream []byte) {
		var v unpack.MPEG4
		if v.Learn(config) != nil {
			return
		}
		play(t, unpack.New(&v), stream, func(u frame.AccessUnit) {
			_, picture, ok := bytes.Cut(u.Data, []byte{0, 0, 1, 0xb6})
			if !ok && len(config) == 0 || len(config) == 0 && u.Key && picture[0]>>6 != 0 {
				t.Fatalf("key %v: %x", u.Key, u.Data)
			}
		})
	})
}

// TestEndlessUnits sends units without end: what is buffered of one stays within its bound, and the stream goes on after it.
func TestEndlessUnits(t *testing.T) {
	piece := make([]byte, 60<<10)
	for _, test := range []struct {
		about                string
		make                 func() *unpack.Stream
		key, first, goes, in []byte // a key unit; what a packet has before a piece, the first and others; a unit that is whole
	}{
		{"H.265", new265, append([]byte{0x60, 1}, sized(vps265, sps265, pps265, idr265)...), []byte{0x62, 1, 0x81}, []byte{0x62, 1, 0x01}, cra265},
		{"AV1", newAV1, append(append([]byte{0x28, 3}, obuSequence...), obuKey...), []byte{0x50, 0x30}, []byte{0xd0}, append([]byte{0x18}, obuKey...)},
		{"VP8", newVP8, append([]byte{0x10}, vp8Key...), append([]byte{0x10}, vp8Inter...), []byte{0}, append([]byte{0x10}, vp8Key...)},
		{"VP9", newVP9, append([]byte{0x0c}, vp9Key...), append([]byte{0x08}, vp9Inter...), []byte{0}, append([]byte{0x0c}, vp9Key...)},
		{"MPEG-4", newMPEG4, append(append([]byte{}, mpeg4Set...), mpeg4Key...), mpeg4Inter, nil, mpeg4Key},
	} {
		var s stream
		u := test.make()
		units := unpackUnits(t, u, []*rtp.Packet{s.packet(true, test.key)})
		units = append(units, unpackUnits(t, u, []*rtp.Packet{s.packet(false, test.first, piece)})...)
		for range 300 { // 18 MiB
			units = append(units, unpackUnits(t, u, []*rtp.Packet{s.packet(false, test.goes, piece)})...)
		}
		units = append(units, unpackUnits(t, u, []*rtp.Packet{s.packet(true, test.goes, piece), s.packet(true, test.in)})...)
		if len(units) != 2 || !units[0].key || !units[1].key || len(units[1].data) > 100 {
			t.Errorf("%s: %v", test.about, units)
		}
	}
	var s stream
	j := unpack.New(new(unpack.MJPEG))
	var packets []*rtp.Packet
	for n := range 300 { // the offset has 24 bits, so that a picture could have 16 MiB
		offset := n * len(piece)
		packets = append(packets, s.packet(false, []byte{0, byte(offset >> 16), byte(offset >> 8), byte(offset), 1, 30, 4, 2}, piece))
	}
	packets = append(packets, s.packet(true, []byte{0, 0, 0, 0, 1, 30, 4, 2, 1}), s.packet(true, []byte{0, 0, 0, 0, 1, 30, 4, 2, 1}))
	if units := unpackUnits(t, j, packets); len(units) != 1 || len(units[0].data) > 1000 {
		t.Errorf("MJPEG: %d units", len(units))
	}
}
