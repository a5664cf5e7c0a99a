package bitstream_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// check splits any bytes into NAL units, makes an access unit of them and reads it back. All but those to be dropped must be there,
// in a key unit without regard to the sets, which may be more and stand first; and the unit is made of its own units again.
func check(t *testing.T, m maker, config, stream []byte, dropped, isSet func(n []byte) bool) {
	t.Helper()
	if size, err := m.Config(config); err == nil && (size < 1 || size > 4) {
		t.Fatalf("length size %d", size)
	}
	nals := bitstream.SplitAnnexB(nil, stream)
	data, key, err := m.Unit(nals)
	if err != nil || data == nil {
		return
	}
	count := 0
	filter := func(nals [][]byte) (kept [][]byte) {
		for _, n := range nals {
			if !dropped(n) && (!key || !isSet(n)) {
				kept = append(kept, n)
			}
		}
		return kept
	}
	got := bitstream.SplitAnnexB(nil, data)
	for _, n := range got {
		if isSet(n) {
			count += len(n)
		}
	}
	if a, b := filter(nals), filter(got); !bytes.Equal(annexB(a...), annexB(b...)) {
		t.Fatalf("%x became %x", a, b)
	}
	if most := len(config) + len(stream); count > most {
		t.Fatalf("%d bytes of sets out of %d bytes", count, most)
	}
	if h, ok := m.(*bitstream.H264); ok {
		h.Lost() // a recovery point that took pictures counts anew
	}
	again, key2, err := m.Unit(got)
	if err != nil || key2 != key || !bytes.Equal(again, data) {
		t.Fatalf("made again of its own units: %x, key %v, %v; was %x", again, key2, err, data)
	}
}

func FuzzH264(f *testing.F) {
	f.Add(record([][]byte{sps0}, [][]byte{pps0}), annexB(aud, sps1, pps1, sei, idr))
	f.Add(record([][]byte{sps0, sps1}, nil), annexB(slice, filler))
	f.Add(record([][]byte{sps0}, [][]byte{pps0}), annexB([]byte{0x06, 0x06, 0x01, 0x60, 0x80}, slice))
	f.Fuzz(func(t *testing.T, config, stream []byte) {
		kind := func(n []byte) byte { return n[0] & 0x1f }
		check(t, new(bitstream.H264), config, stream,
			func(n []byte) bool { return kind(n) == 9 || kind(n) == 12 },
			func(n []byte) bool { return kind(n) == 7 || kind(n) == 8 })
	})
}

func FuzzH265(f *testing.F) {
	f.Add(hevcRecord(hevcVPS, hevcSPS0, hevcPPS0), annexB(hevcAUD, hevcSPS1, hevcSEI, hevcIDR))
	f.Add(hevcRecord(hevcVPS, hevcSPSLayers), annexB(hevcPPS1, hevcCRA, hevcRASL, hevcSlice))
	f.Fuzz(func(t *testing.T, config, stream []byte) {
		kind := func(n []byte) byte { return n[0] >> 1 & 0x3f }
		check(t, new(bitstream.H265), config, stream,
			func(n []byte) bool {
				return len(n) < 2 || kind(n) == 8 || kind(n) == 9 || kind(n) == 35 || kind(n) == 38
			},
			func(n []byte) bool { return kind(n) >= 32 && kind(n) <= 34 })
	})
}

// FuzzAV1 makes an access unit of any bytes: no more than the sequence header and sizes are added, a key unit has its sequence
// header, and the unit is made of itself again.
func FuzzAV1(f *testing.F) {
	f.Add(av1Record(av1Sequence), bytes.Join([][]byte{av1Delimiter, av1Key}, nil))
	f.Add(av1Record(), bytes.Join([][]byte{av1Delimiter, av1Sequence, av1Metadata, av1Key, av1Inter[:1], av1Inter[2:]}, nil))
	f.Add(av1Record(av1Still), bytes.Join([][]byte{av1Existing, {0x36, 0x28, 0x82, 0, 1, 2}, av1Padding}, nil))
	f.Fuzz(func(t *testing.T, config, unit []byte) {
		var a bitstream.AV1
		_ = a.Config(config) // may fail behind what it learns
		data, key, err := a.Unit(unit)
		if err != nil || data == nil {
			return
		}
		if len(data) > len(unit)+len(config)+8 || cap(data) != len(data) {
			t.Fatalf("%d bytes with room for %d of %d and %d", len(data), cap(data), len(config), len(unit))
		}
		var b bitstream.AV1
		again, key2, err := b.Unit(data)
		if err != nil || key && (!key2 || !bytes.Equal(again, data)) || !key && !bytes.HasSuffix(again, data) {
			t.Fatalf("made again of itself: %x, key %v, %v; was %x, key %v", again, key2, err, data, key)
		}
	})
}

// FuzzSplitLength writes back what it reads.
func FuzzSplitLength(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 7, 8, 0, 0, 0, 0}, 4)
	f.Add([]byte{1, 2, 3}, 1)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		size = 1 + (size&3+4)%4
		nals, err := bitstream.SplitLength(nil, b, size)
		var back []byte
		for _, n := range nals {
			for i := range size {
				back = append(back, byte(len(n)>>(8*(size-1-i))))
			}
			back = append(back, n...)
		}
		if !bytes.HasPrefix(b, back) || err == nil && len(back) != len(b) {
			t.Fatalf("%x was read as %x, %v", b, back, err)
		}
	})
}

// FuzzSplit splits any bytes. What it returns are parts of them in their order, and what encoders may send as a NAL unit. NAL units after their
// lengths are split as such, whatever they are.
func FuzzSplit(f *testing.F) {
	f.Add(false, []byte(nil), []byte{0, 0, 0, 2, 7, 8, 0, 0, 0, 0})
	f.Add(false, record([][]byte{sps0}, [][]byte{pps0}), annexB(sps1, pps1, idr))
	f.Add(true, hevcRecord(hevcVPS, hevcSPS0, hevcPPS0), append([]byte{0, 0, 0, 20}, annexB(hevcSEI, hevcIDR)...))
	f.Add(true, annexB(hevcVPS, hevcSPS0, hevcPPS0), []byte{0, 0, 1, 0x26, 1, 0xaf})
	f.Fuzz(func(t *testing.T, h265 bool, start, b []byte) {
		a := bitstream.Assembler{Codec: frame.H264}
		if h265 {
			a.Codec = frame.H265
		}
		_, _ = a.Learn(start)
		for range 2 {
			nals, _, _ := a.Split(b)
			rest := b
			for _, n := range nals {
				_, after, ok := bytes.Cut(rest, n)
				if !ok || len(n) == 0 || bytes.Contains(n, []byte{0, 0, 1}) && !bitstream.IsSlice(a.Codec, n) {
					t.Fatalf("%x of %x", n, b)
				}
				rest = after
			}
		}
		var again []byte
		nals, _, _ := new(bitstream.Assembler).Split(b)
		nals = slices.Clone(nals)
		for _, n := range nals {
			again = append(binary.BigEndian.AppendUint32(again, uint32(len(n))), n...)
		}
		got, framing, err := new(bitstream.Assembler).Split(again)
		if !bitstream.BeginsAnnexB(again) && (err != nil || framing != bitstream.ByLength || !slices.EqualFunc(got, nals, bytes.Equal)) {
			t.Fatalf("%x after their lengths became %x, %v, %v", nals, got, framing, err)
		}
		if c := bitstream.CodecOf(nals); c != 0 && c != frame.H264 && c != frame.H265 {
			t.Fatal(c)
		}
		_ = bitstream.CodecOfRecord(b)
	})
}

// FuzzAV1Record makes a record of any unit: it is refused, or readers of records take it.
func FuzzAV1Record(f *testing.F) {
	f.Fuzz(func(t *testing.T, unit []byte) {
		record, err := bitstream.AV1Record(unit)
		if err != nil {
			return
		}
		if err := new(bitstream.AV1).Config(record); err != nil || len(record) != 4 {
			t.Fatalf("%x of %x: %v", record, unit, err)
		}
	})
}
