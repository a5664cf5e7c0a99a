package bitstream_test

import (
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// Decoding begun at any key unit shows pictures as decoding from the first on does, whether messages of the stream say how, or what carries it.
func TestKeptOrientation(t *testing.T) {
	const quarter = 1 << 14
	left, down, one, none := message{turned: quarter, period: 1}, message{turned: 2 * quarter, period: 1}, message{turned: quarter}, message{cancel: true}
	is := func(degrees int) bitstream.Orientation { return bitstream.Orientation{Rotation: degrees} }
	type unit struct {
		kind    string // of slice; a key is one that begins no sequence
		says    *message
		outside int // degrees, as what carries the stream says
		want    int
	}
	idr, slice264, recovery := []byte{0x65, 0x88}, []byte{0x41, 0x9a}, []byte{6, 6, 1, 0xc0, 0x80}
	for about, units := range map[string][]unit{
		"nothing is said":                      {{"IDR", nil, 0, 0}, {"P", nil, 0, 0}, {"key", nil, 0, 0}},
		"said once":                            {{"IDR", &left, 0, 270}, {"P", nil, 0, 270}, {"key", nil, 0, 270}, {"P", nil, 0, 270}, {"key", nil, 0, 270}},
		"said in the middle":                   {{"IDR", nil, 0, 0}, {"P", &down, 0, 180}, {"key", nil, 0, 180}, {"P", nil, 0, 180}},
		"said of one picture":                  {{"IDR", &one, 0, 270}, {"P", nil, 0, 0}, {"key", nil, 0, 0}},
		"cancelled":                            {{"IDR", &left, 0, 270}, {"P", &none, 0, 0}, {"key", nil, 0, 0}, {"P", nil, 0, 0}},
		"ended by a sequence":                  {{"IDR", &left, 0, 270}, {"IDR", nil, 0, 0}, {"key", nil, 0, 0}},
		"said outside":                         {{"IDR", nil, 90, 90}, {"P", nil, 90, 90}, {"key", nil, 90, 90}, {"P", nil, 90, 90}, {"IDR", nil, 90, 90}, {"P", nil, 90, 90}},
		"changed outside":                      {{"IDR", nil, 0, 0}, {"P", nil, 270, 270}, {"P", nil, 180, 180}, {"key", nil, 180, 180}, {"P", nil, 0, 0}, {"P", nil, 0, 0}},
		"said both ways, where messages count": {{"IDR", &left, 90, 270}, {"P", nil, 90, 270}, {"key", nil, 90, 270}},
		"with a message that comes alone":      {{"IDR", nil, 0, 0}, {"none", &down, 0, 0}, {"P", nil, 0, 180}, {"key", nil, 0, 180}},
		"told outside where no picture is":     {{"IDR", nil, 0, 0}, {"none", nil, 90, 0}, {"P", nil, 90, 90}, {"key", nil, 90, 90}},
	} {
		for _, c := range []frame.Codec{frame.H264, frame.H265} {
			var h264 bitstream.H264
			var h265 bitstream.H265
			learn := func(m maker, nals ...[]byte) {
				if _, _, err := m.Unit(nals); err != nil {
					t.Fatal(err)
				}
			}
			learn(&h264, sps0, pps0)
			learn(&h265, hevcVPS, hevcSPS0, hevcPPS0)
			var all bitstream.Tracker // from the first unit on
			var late bitstream.Tracker
			for i, u := range units {
				var nals [][]byte
				if u.says != nil {
					nals = append(nals, u.says.nal(c))
				}
				var m maker = &h264
				if h264.Orientation, h265.Orientation = is(u.outside), is(u.outside); c == frame.H265 {
					m = &h265
					nals = append(nals, map[string][][]byte{"IDR": {hevcIDR}, "key": {hevcCRA}, "P": {hevcSlice}}[u.kind]...)
				} else {
					nals = append(nals, map[string][][]byte{"IDR": {idr}, "key": {recovery, slice264}, "P": {slice264}}[u.kind]...)
				}
				data, key, err := m.Unit(nals)
				if err != nil || key != (u.kind == "IDR" || u.kind == "key") || (data == nil) != (u.kind == "none") {
					t.Fatalf("%s, %v: unit %d is a key unit: %t, %v", about, c, i, key, err)
				}
				if data == nil {
					continue
				}
				if key {
					late = bitstream.Tracker{}
				}
				made := frame.AccessUnit{Codec: c, Key: key, PTS: time.Duration(i), Data: data}
				if got := all.Next(&made).Orientation; got != is(u.want) {
					t.Errorf("%s, %v: unit %d: %+v, want %d degrees", about, c, i, got, u.want)
				}
				if got := late.Next(&made).Orientation; got != is(u.want) {
					t.Errorf("%s, %v: unit %d, begun at the last key unit: %+v, want %d degrees", about, c, i, got, u.want)
				}
			}
		}
	}
}

// What carries a stream can say all that messages can.
func TestOrientationFromOutside(t *testing.T) {
	for _, mirrored := range []bool{false, true} {
		for degrees := 0; degrees < 360; degrees += 90 {
			want := bitstream.Orientation{Rotation: degrees, Mirrored: mirrored}
			for c, nals := range map[frame.Codec][][]byte{frame.H264: {sps0, pps0, {0x65, 0x88}}, frame.H265: {hevcVPS, hevcSPS0, hevcPPS0, hevcIDR}} {
				a := bitstream.Assembler{Codec: c}
				a.Orient(want)
				data, key, err := a.UnitOf(nals)
				if err != nil || !key {
					t.Fatal(key, err)
				}
				if got := new(bitstream.Tracker).Next(&frame.AccessUnit{Codec: c, Key: true, Data: data}).Orientation; got != want {
					t.Errorf("%v: %+v, want %+v", c, got, want)
				}
			}
		}
	}
}
