package flv_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/flv"
)

// FuzzVideo feeds any two bodies after the sequence headers of a codec: a unit that comes out is of a codec, within a set bound of
// the size of what went in, and shares no memory with it; of H.264 and H.265 it is Annex B, and it does not become another codec's
// but by a key unit.
func FuzzVideo(f *testing.F) {
	starts := [][]byte{header, hevcStart, av1Start, vp9Start}
	f.Add(uint8(0), uint8(0), key, inter)
	f.Add(uint8(0), uint8(0), header, key)
	f.Add(uint8(0), uint8(0), []byte{0x57, 0}, []byte{0x17, 2, 0, 0, 0})
	f.Add(uint8(0), uint8(1), hevcX(hevcIDR), nano(7, hevc(0, hevcP)))
	f.Add(uint8(0), uint8(1), vp8(vp8P), vp8(vp8Key))
	f.Add(uint8(0), uint8(2), av1(av1Key), many(codedFrames, part{"vp09", 1, vp9P}, part{"av01", 0, av1P}))
	f.Add(uint8(1), uint8(3), one(codedFrames, part{"vp09", 1, vp9Key}),
		many(codedFrames, part{"vp09", 0, vp9Key}, part{"vp09", 1, vp9P}))
	f.Add(uint8(0), uint8(3), av1Start, av1(av1Seq, av1Key[:1], av1Key[2:]))
	f.Fuzz(func(t *testing.T, track, start uint8, a, b []byte) {
		v := flv.Video{Track: track}
		var last frame.Codec
		for _, body := range [][]byte{starts[int(start)%len(starts)], a, b} {
			body = bytes.Clone(body)
			u, ok, err := unit(&v, time.Hour, body)
			if err != nil || !ok {
				if u.Data != nil {
					t.Fatalf("data with %v, %v", ok, err)
				}
				continue
			}
			if u.DTS != time.Hour || (u.PTS-u.DTS).Abs() > 3*time.Hour || u.Codec == 0 || last != 0 && u.Codec != last && !u.Key {
				t.Fatalf("after %v: %+v", last, u)
			}
			last = u.Codec
			inNALs := u.Codec == frame.H264 || u.Codec == frame.H265
			if inNALs && !bytes.HasPrefix(u.Data, []byte{0, 0, 0, 1}) || len(u.Data) == 0 || len(u.Data) > 4*len(body)+64<<10 {
				t.Fatalf("unit of %d bytes from %d: %x", len(u.Data), len(body), u.Data[:min(64, len(u.Data))])
			}
			before := bytes.Clone(u.Data)
			clear(body)
			if !bytes.Equal(before, u.Data) {
				t.Fatal("the unit shares memory with the body")
			}
		}
	})
}
