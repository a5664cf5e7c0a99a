package unpack_test

import (
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/unpack"
)

// A header extension tells the orientation from the picture on that has it in its last packet, up to the next one, and of key units always. What it has
// beside quarters changes nothing, nor does one that the description does not tell of.
func TestOrientation(t *testing.T) {
	const id = 3
	units := frametest.Clip{Frames: 48, GOP: 8}.Units(t)
	says := map[int][]byte{ // by picture
		3: {1}, 5: {0b11}, 8: {0b1110}, 13: {0b1000}, 17: {0xf1, 0xff}, 20: {0}, 26: {2}, 30: {}, 40: {0b101},
	}
	for _, told := range []uint8{id, id + 1, 0} {
		stream := unpack.New(new(unpack.H264))
		stream.Orient(told)
		n := 0
		all := packets(t, units)
		for _, p := range all {
			if b, ok := says[n]; ok && p.Marker {
				p.Extension, p.ExtensionProfile = true, 0x1000 // which has extensions without bytes, too: RFC 8285 section 4.3
				if err := p.SetExtension(id, b); err != nil {
					t.Fatal(err)
				}
			}
			if p.Marker {
				n++
			}
		}
		var now int
		var tracker, late bitstream.Tracker
		for i, u := range unpackAll(t, stream, all) {
			if b := says[i]; len(b) > 0 && told == id {
				now = int(b[0]&3) * 90
			}
			if u.Key {
				late = bitstream.Tracker{}
			}
			want := bitstream.Orientation{Rotation: now}
			if a, b := tracker.Next(&u).Orientation, late.Next(&u).Orientation; a != want || b != want {
				t.Errorf("told of %d: picture %d: %+v and, from the last key unit on, %+v, want %+v", told, i, a, b, want)
			}
		}
	}
}

// Other codecs have no message for it.
func TestOrientationOfOthers(t *testing.T) {
	u := unpack.New(new(unpack.VP8))
	u.Orient(1)
	p := new(stream).packet(true, []byte{0x10, 0x10, 2, 0, 0x9d, 1, 0x2a, 16, 0, 16, 0})
	p.Extension, p.ExtensionProfile = true, 0xbede
	if err := p.SetExtension(1, []byte{1}); err != nil {
		t.Fatal(err)
	}
	if err := u.Packet(p, frametest.Epoch, func(frame.AccessUnit) {}); err != nil {
		t.Error(err)
	}
}
