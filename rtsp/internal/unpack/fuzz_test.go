package unpack_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/nal"
	"github.com/livestill/livestill/rtsp/internal/unpack"
	"github.com/pion/rtp"
)

// FuzzH264 makes packets of any bytes: what comes out begins with a whole key unit with its sets, is no larger than what went in and
// the sets, and is in order.
func FuzzH264(f *testing.F) {
	// A packet is: skipped sequence numbers, timestamps to go on by in steps of 1/30 s, marker, length, payload.
	seed := func(payloads ...[]byte) (b []byte) {
		for _, p := range payloads {
			b = append(append(b, 0, 1, 1, byte(len(p))), p...)
		}
		return b
	}
	f.Add(sps, seed(idr, slice, more))
	f.Add(sps, seed([]byte{0x58, 0, 2, 0x65, 0x88, 0, 0}, []byte{0x5c, 0x81, 1}, []byte{0x5c, 0x41, 1}, annexB(sps, pps, idr)))
	// log2_max_frame_num_minus4 and log2_max_pic_order_cnt_lsb_minus4 are 2^32 - 4: fields of no bits, one of them after the slice's end.
	f.Add([]byte("\x67\x42\x00\x1e\x80\x00\x00\x00\xff\xff\xff\xfd\x80\x00\x00\x00\xff\xff\xff\xfd\x40\xa0\xcc\x80\x00"),
		seed([]byte{0x65, 0xe4}))
	f.Fuzz(func(t *testing.T, set, stream []byte) {
		var h unpack.H264
		if h.Learn(sps, pps, set) != nil {
			return
		}
		in, out := 0, 0
		var last frame.AccessUnit
		emit := func(u frame.AccessUnit) {
			if out == 0 && (!u.Key || u.Lost) {
				t.Fatalf("begins with key %v, lost %v", u.Key, u.Lost)
			}
			if out > 0 && u.DTS < last.DTS {
				t.Fatalf("DTS %v after %v", u.DTS, last.DTS)
			}
			var kinds [32]bool
			for _, n := range nal.SplitAnnexB(nil, u.Data) {
				kinds[n[0]&0x1f] = true
			}
			if !bytes.HasPrefix(u.Data, []byte{0, 0, 0, 1}) || u.Key && (!kinds[5] || !kinds[7] || !kinds[8]) || !u.Key && kinds[5] {
				t.Fatalf("key %v: %x", u.Key, u.Data)
			}
			out++
			last = u
		}
		var p rtp.Packet
		for len(stream) >= 4 {
			size := min(int(stream[3]), len(stream)-4)
			p.SequenceNumber += uint16(stream[0]) + 1
			p.Timestamp += uint32(int32(int8(stream[1])) * 3000)
			p.Marker = stream[2]&1 != 0
			p.Payload = stream[4 : 4+size]
			stream = stream[4+size:]
			in += size
			if h.Packet(&p, time.Unix(100, 0), emit) != nil {
				return
			}
		}
		if out > in {
			t.Fatalf("%d units of %d bytes", out, in)
		}
	})
}
