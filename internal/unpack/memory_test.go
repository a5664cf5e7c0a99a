package unpack_test

import (
	"bytes"
	"runtime"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/unpack"
	"github.com/pion/rtp"
)

// TestLargeUnitsAreGivenBack sends units of almost 8 MiB, of one part and of as many as fit. What was taken for them is not kept.
func TestLargeUnitsAreGivenBack(t *testing.T) {
	const size, piece = 8<<20 - 1000, 60_000
	codes := bytes.Repeat([]byte{0, 0, 1, 0x65, 0x88}, size/5)
	for _, test := range []struct {
		about             string
		make              func() *unpack.Stream
		key               []byte // packet of a key unit
		first, goes, last []byte // what packets of the large one have before their piece
		unit              []byte
		nals              int // of the unit that is made of it
	}{
		{"H.264", new264, append([]byte{0x78}, sized(sps, pps, idr)...), []byte{0x7c, 0x85}, []byte{0x7c, 0x05}, []byte{0x7c, 0x45}, bytes.Repeat([]byte{0x88}, size), 3},
		{"H.264, start codes", new264, append([]byte{0x78}, sized(sps, pps, idr)...), []byte{0x7c, 0x85}, []byte{0x7c, 0x05}, []byte{0x7c, 0x45}, codes, 8192 + 2},
		{"H.265, start codes", new265, append([]byte{0x60, 1}, sized(vps265, sps265, pps265, idr265)...),
			[]byte{0x62, 1, 0x93}, []byte{0x62, 1, 0x13}, []byte{0x62, 1, 0x53}, bytes.Repeat([]byte{0, 0, 1, 0x26, 1, 0x88}, size/6), 8192 + 3},
		{"AV1", newAV1, append(append([]byte{0x28, 3}, obuSequence...), obuKey...), []byte{0x50, 0x30, 0x10}, []byte{0xd0}, []byte{0x90},
			bytes.Repeat([]byte{7}, size), 0},
	} {
		t.Run(test.about, func(t *testing.T) {
			var s stream
			u := test.make()
			if got := unpackUnits(t, u, []*rtp.Packet{s.packet(true, test.key)}); len(got) != 1 {
				t.Fatalf("%d key units", len(got))
			}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			made := false
			emit := func(u frame.AccessUnit) {
				made = true
				if nals := bytes.Count(u.Data, []byte{0, 0, 0, 1}); test.nals > 0 && (nals != test.nals || u.Lost != (test.nals > 8192)) {
					t.Errorf("%d NAL units, lost %v; want %d", nals, u.Lost, test.nals)
				}
			}
			for at := 0; at < size; at += piece {
				head, last := test.goes, at+piece >= size
				if at == 0 {
					head = test.first
				} else if last {
					head = test.last
				}
				if err := u.Packet(s.packet(last, head, test.unit[min(at, len(test.unit)):min(at+piece, len(test.unit))]), time.Unix(100, 0), emit); err != nil {
					t.Fatal(err)
				}
			}
			if !made {
				t.Error("no unit is made")
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 512<<10 || u.Buffered() > 64<<10 {
				t.Errorf("%d bytes are kept, %d are said to be buffered", kept, u.Buffered())
			}
			runtime.KeepAlive(test.unit)
		})
	}
}

// TestPicturesThatOnlyBegin sends packets each of which begins the same picture with other tables. No file's header is made for them.
func TestPicturesThatOnlyBegin(t *testing.T) {
	var s stream
	j := unpack.New(new(unpack.MJPEG))
	n := byte(0)
	allocs := testing.AllocsPerRun(1000, func() {
		n = n%99 + 1
		unpackUnits(t, j, []*rtp.Packet{s.packet(false, []byte{0, 0, 0, 0, 1, n, 2, 2, 7})})
	})
	if allocs > 10 { // for the packet
		t.Errorf("%v allocations a packet", allocs)
	}
}
