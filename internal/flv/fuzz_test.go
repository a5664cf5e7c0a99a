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
// but by a key unit. Whatever a body is, it makes two units at most, and the Video goes on, unless what came of it Ends the stream.
func FuzzVideo(f *testing.F) {
	starts := [][]byte{header, hevcStart, av1Start, vp9Start, nil}
	f.Add(uint8(0), uint8(0), key, inter)
	f.Add(uint8(0), uint8(0), header, key)
	f.Add(uint8(0), uint8(0), []byte{0x57, 0}, []byte{0x17, 2, 0, 0, 0})
	f.Add(uint8(0), uint8(1), hevcX(hevcIDR), nano(7, hevc(0, hevcP)))
	f.Add(uint8(0), uint8(1), vp8(vp8P), vp8(vp8Key))
	f.Add(uint8(0), uint8(2), av1(av1Key), many(codedFrames, part{"vp09", 1, vp9P}, part{"av01", 0, av1P}))
	f.Add(uint8(1), uint8(3), one(codedFrames, part{"vp09", 1, vp9Key}),
		many(codedFrames, part{"vp09", 0, vp9Key}, part{"vp09", 1, vp9P}))
	f.Add(uint8(0), uint8(3), av1Start, av1(av1Seq, av1Key[:1], av1Key[2:]))
	f.Add(uint8(128), uint8(1), hevcX(hevcVPS, hevcSPS, hevcPPS, hevcIDR), hevcX([]byte{0x26, 1, 0x4f, 2}))
	f.Add(uint8(128), uint8(4), hevcX(hevcVPS, hevcSPS, hevcPPS), join(key[:5], annexB(sps, pps, idr)))
	f.Fuzz(func(t *testing.T, track, start uint8, a, b []byte) {
		v := flv.Video{Track: track & 127, FirstWaits: track > 127}
		var last frame.Codec
		given := 0
		drain := func(body []byte) {
			units := 0
			for v.Ready() {
				u, _ := v.Next()
				units++
				if u.DTS != time.Hour || (u.PTS-u.DTS).Abs() > 3*time.Hour || u.Codec == 0 || last != 0 && u.Codec != last && !u.Key {
					t.Fatalf("after %v: %+v", last, u)
				}
				last = u.Codec
				inNALs := u.Codec == frame.H264 || u.Codec == frame.H265
				if inNALs && !bytes.HasPrefix(u.Data, []byte{0, 0, 0, 1}) || len(u.Data) == 0 || len(u.Data) > 4*(given+len(body))+64<<10 {
					t.Fatalf("unit of %d bytes from %d: %x", len(u.Data), len(body), u.Data[:min(64, len(u.Data))])
				}
				before := bytes.Clone(u.Data)
				clear(body)
				if !bytes.Equal(before, u.Data) {
					t.Fatal("the unit shares memory with the body")
				}
			}
			if units > 2 {
				t.Fatalf("%d units", units)
			}
		}
		for _, body := range [][]byte{starts[int(start)%len(starts)], a, b, a, b} {
			body = bytes.Clone(body)
			err := v.Take(time.Hour, time.Time{}, body)
			drain(body)
			given += len(body)
			if flv.Ends(err) {
				break
			}
		}
		v.Flush()
		drain(nil)
		if !v.Due().IsZero() {
			t.Fatal("a picture waits")
		}
	})
}

// FuzzJoining cuts a picture of any slices after its first one into tags, as it is and after the sequence header of real pictures. The unit is what
// it is if it comes whole.
func FuzzJoining(f *testing.F) {
	f.Add(false, []byte{1, 2, 3}, []byte{9, 9}, uint8(1))
	f.Add(true, []byte{0x4f, 2}, []byte{0x10}, uint8(2))
	f.Fuzz(func(t *testing.T, h265 bool, a, b []byte, cut uint8) {
		fourCC, start, head, first := "avc1", avcStart, []byte{0x65}, []byte{0x65, 0x88, 0x84}
		if h265 {
			fourCC, start, head, first = "hvc1", hevcStart, []byte{0x26, 1}, hevcIDR
		}
		nals := [][]byte{first}
		for _, rest := range [][]byte{a, b} {
			n := append(bytes.Clone(head), rest...)
			if len(rest) == 0 || rest[0]&0x80 != 0 || bytes.Contains(n, []byte{0, 0}) {
				return // it is no later slice
			}
			nals = append(nals, n)
		}
		units := func(pieces ...[][]byte) (data []byte) {
			v := flv.Video{FirstWaits: true}
			for i, body := range append([][][]byte{nil}, pieces...) {
				b := start
				if i > 0 {
					b = tag(codedFramesX, fourCC, lengths(body...)...)
				}
				if err := v.Take(0, time.Time{}, b); err != nil {
					t.Fatal(err)
				}
			}
			v.Flush()
			u, _ := v.Next()
			if v.Ready() || u.Lost || !u.Key {
				t.Fatalf("%+v, and more: %v", u, v.Ready())
			}
			return u.Data
		}
		at := 1 + int(cut)%2
		if whole, got := units(nals), units(nals[:at], nals[at:]); !bytes.Equal(whole, got) {
			t.Fatalf("% x became % x", whole, got)
		}
	})
}
