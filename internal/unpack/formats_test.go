package unpack_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/unpack"
	"github.com/pion/rtp"
)

// A unit is what is expected of an access unit.
type unit struct {
	data      []byte
	key, lost bool
}

func (u unit) String() string { return fmt.Sprintf("%x key %v lost %v", u.data, u.key, u.lost) }

func unpackUnits(tb testing.TB, u *unpack.Stream, packets []*rtp.Packet) (units []unit) {
	tb.Helper()
	for _, p := range packets {
		if err := u.Packet(p, time.Unix(100, 0), func(u frame.AccessUnit) { units = append(units, unit{u.Data, u.Key, u.Lost}) }); err != nil {
			tb.Fatal(err)
		}
	}
	return units
}

// NAL units of H.265, of the smallest kind.
var (
	vps265   = []byte{0x40, 0x01, 0x0c, 0x01}
	sps265   = append([]byte{0x42, 0x01, 0x01, 1, 0x60, 1, 1, 1, 1, 1, 1, 1, 1, 1, 30}, 0xa0, 0x80)
	pps265   = []byte{0x44, 0x01, 0xc1}
	aud265   = []byte{0x46, 0x01, 0x50}
	idr265   = []byte{0x26, 0x01, 0xaf, 1, 1}
	cra265   = []byte{0x2a, 0x01, 0xaf, 1, 1}
	rasl265  = []byte{0x12, 0x01, 0xaf, 1, 1}
	slice265 = []byte{0x02, 0x01, 0xd0, 3, 3}
	more265  = []byte{0x02, 0x01, 0x50, 4, 4}
	end265   = []byte{0x4a, 0x01}
)

// OBUs without sizes, and with them.
var (
	obuSequence      = []byte{0x08, 0x00, 1}
	obuKey           = []byte{0x30, 0x10, 1, 2}
	obuInter         = []byte{0x30, 0x30, 3, 4}
	obuSequenceSized = []byte{0x0a, 2, 0x00, 1}
	obuKeySized      = []byte{0x32, 3, 0x10, 1, 2}
	obuInterSized    = []byte{0x32, 3, 0x30, 3, 4}
)

// Frames of the other codecs.
var (
	vp8Key     = []byte{0x10, 2, 0, 0x9d, 1, 0x2a, 8, 0, 8, 0, 1, 2}
	vp8Inter   = []byte{0x11, 2, 0, 1, 2}
	vp9Key     = []byte{0x82, 0x49, 0x83, 0x42, 1}
	vp9Inter   = []byte{0x86, 1, 2, 3}
	mpeg4Set   = []byte{0, 0, 1, 0xb0, 1, 0, 0, 1, 0xb5, 9, 0, 0, 1, 0, 0, 0, 1, 0x20, 1, 2, 3}
	mpeg4Key   = []byte{0, 0, 1, 0xb6, 0x10, 1, 2}
	mpeg4Inter = []byte{0, 0, 1, 0xb6, 0x50, 3, 4}
)

// TestFormats is of how the packets of each format are put together. All streams begin with a whole key unit in one packet.
func TestFormats(t *testing.T) {
	key265 := slices.Concat([]byte{0x60, 1}, sized(vps265, sps265, pps265, idr265))
	keyAV1 := slices.Concat([]byte{0x28, 3}, obuSequence, obuKey)
	for _, test := range []struct {
		about   string
		make    func() *unpack.Stream
		first   []byte // packet of the key unit
		key     []byte // that unit
		packets func(s *stream) []*rtp.Packet
		want    []unit
	}{
		{"H.265: one NAL unit a packet, and its end of sequence", new265, key265, annexB(vps265, sps265, pps265, idr265),
			func(s *stream) []*rtp.Packet {
				return []*rtp.Packet{s.packet(false, slice265), s.packet(false, more265), s.packet(true, end265), s.packet(true, slice265)}
			}, []unit{{annexB(slice265, more265, end265), false, false}, {annexB(slice265), false, false}}},
		{"H.265: fragments", new265, key265, annexB(vps265, sps265, pps265, idr265), func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(false, []byte{0x62, 1, 0x95}, cra265[2:4]), s.packet(true, []byte{0x62, 1, 0x55}, cra265[4:])}
		}, []unit{{annexB(vps265, sps265, pps265, cra265), true, false}}},
		{"H.265: pictures that lead a CRA picture and refer to what came before it", new265, key265, annexB(vps265, sps265, pps265, idr265),
			func(s *stream) []*rtp.Packet {
				return []*rtp.Packet{s.packet(true, cra265), s.packet(true, rasl265), s.packet(true, slice265)}
			}, []unit{{annexB(vps265, sps265, pps265, cra265), true, false}, {annexB(rasl265), false, false}, {annexB(slice265), false, false}}},
		{"H.265: or have nothing to refer to", new265, slices.Concat([]byte{0x60, 1}, sized(vps265, sps265, pps265, cra265)), annexB(vps265, sps265, pps265, cra265),
			func(s *stream) []*rtp.Packet {
				return []*rtp.Packet{s.packet(true, rasl265), s.packet(true, slice265)}
			}, []unit{{annexB(slice265), false, false}}},
		{"H.265: a fragment is missing", new265, key265, annexB(vps265, sps265, pps265, idr265), func(s *stream) []*rtp.Packet {
			a := s.packet(false, slice265)
			s.seq++
			return []*rtp.Packet{a, s.packet(true, []byte{0x62, 1, 0x41}, more265[2:]), s.packet(true, slice265)}
		}, []unit{{annexB(slice265), false, true}, {annexB(slice265), false, false}}},
		{"H.265: a key unit that begins with a delimiter is not hurt by what is missing before", new265, key265,
			annexB(vps265, sps265, pps265, idr265), func(s *stream) []*rtp.Packet {
				s.seq++
				return []*rtp.Packet{s.packet(false, aud265), s.packet(true, idr265)}
			}, []unit{{annexB(vps265, sps265, pps265, idr265), true, false}}},
		{"AV1: elements with sizes, and without", newAV1, keyAV1, slices.Concat(obuSequenceSized, obuKeySized), func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{
				s.packet(true, []byte{0x00, 4}, obuInter, []byte{4}, obuInter), s.packet(true, []byte{0x20, 4}, obuInter, obuInter),
				s.packet(true, []byte{0x10}, obuInterSized),
			}
		}, []unit{{slices.Concat(obuInterSized, obuInterSized), false, false}, {slices.Concat(obuInterSized, obuInterSized), false, false},
			{obuInterSized, false, false}}},
		{"AV1: an OBU in three packets", newAV1, keyAV1, slices.Concat(obuSequenceSized, obuKeySized), func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{
				s.packet(false, []byte{0x50}, obuInter[:1]), s.packet(false, []byte{0xd0}, obuInter[1:2]), s.packet(true, []byte{0xa0, 2}, obuInter[2:], obuInter),
			}
		}, []unit{{slices.Concat(obuInterSized, obuInterSized), false, false}}},
		{"AV1: the first of two packets is missing", newAV1, keyAV1, slices.Concat(obuSequenceSized, obuKeySized), func(s *stream) []*rtp.Packet {
			s.seq++
			return []*rtp.Packet{s.packet(true, []byte{0xa0, 2}, obuInter[2:], obuInter), s.packet(true, []byte{0x18}, obuKey)}
		}, []unit{{obuInterSized, false, true}, {slices.Concat(obuSequenceSized, obuKeySized), true, false}}},
		{"AV1: a size beyond the packet", newAV1, keyAV1, slices.Concat(obuSequenceSized, obuKeySized), func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, []byte{0x00, 4}, obuInter, []byte{9, 1}), s.packet(true, []byte{0x10}, obuInter)}
		}, []unit{{obuInterSized, false, true}, {obuInterSized, false, false}}},
		{"VP8: picture ids, layers, partitions", newVP8, slices.Concat([]byte{0x10}, vp8Key), vp8Key, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{
				s.packet(false, []byte{0x90, 0x80, 0x05}, vp8Inter[:2]), s.packet(true, []byte{0x81, 0xf0, 0x80, 0x05, 1, 2}, vp8Inter[2:]),
				s.packet(true, []byte{0xb0, 0x20, 0x05}, vp8Inter),
			}
		}, []unit{{vp8Inter, false, false}, {vp8Inter, false, false}}},
		{"VP8: without its beginning a frame is left out", newVP8, slices.Concat([]byte{0x10}, vp8Key), vp8Key, func(s *stream) []*rtp.Packet {
			s.seq++
			return []*rtp.Packet{s.packet(true, []byte{0x01}, vp8Inter), s.packet(true, []byte{0x10}, vp8Inter), s.packet(true, []byte{0x10}, vp8Inter)}
		}, []unit{{vp8Inter, false, true}, {vp8Inter, false, false}}},
		{"VP8: no frame at all", newVP8, slices.Concat([]byte{0x10}, vp8Key), vp8Key, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, []byte{0x90, 0x80}), s.packet(true, []byte{0x10, 0, 1}), s.packet(true, []byte{0x10}, vp8Key)}
		}, []unit{{vp8Key, true, false}}},
		{"VP9: every part of the descriptor", newVP9, slices.Concat([]byte{0x0c}, vp9Key), vp9Key, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{
				s.packet(true, []byte{0xaf, 0x81, 0x02, 0x00, 7, 0x18, 0, 8, 0, 8, 2, 0x04, 1, 0x08, 1, 2}, vp9Inter),
				s.packet(false, []byte{0xd8, 5, 3, 2}, vp9Inter[:2]), s.packet(true, []byte{0xd4, 5, 3, 2}, vp9Inter[2:]),
			}
		}, []unit{{vp9Inter, false, false}, {vp9Inter, false, false}}},
		{"VP9: upper spatial layers are left out", newVP9, slices.Concat([]byte{0x0c}, vp9Key), vp9Key, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(false, []byte{0x2c, 0x00, 1}, vp9Inter), s.packet(true, []byte{0x2c, 0x02, 1}, vp9Inter)}
		}, []unit{{vp9Inter, false, false}}},
		{"VP9: without its end a frame is left out", newVP9, slices.Concat([]byte{0x0c}, vp9Key), vp9Key, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, []byte{0x08}, vp9Inter), s.packet(true, []byte{0x0c}, vp9Inter), s.packet(true, []byte{0x0c}, vp9Key)}
		}, []unit{{vp9Inter, false, true}, {vp9Key, true, false}}},
		{"VP9: a descriptor that ends early", newVP9, slices.Concat([]byte{0x0c}, vp9Key), vp9Key, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, []byte{0x0e, 0x18, 0, 8}), s.packet(true, []byte{0x0c}, vp9Inter)}
		}, []unit{{vp9Inter, false, true}}},
		{"MPEG-4: fragments, and the configuration for key units", newMPEG4, slices.Concat(mpeg4Set, mpeg4Key), slices.Concat(mpeg4Set, mpeg4Key),
			func(s *stream) []*rtp.Packet {
				group := []byte{0, 0, 1, 0xb3, 1, 2, 3}
				return []*rtp.Packet{
					s.packet(false, mpeg4Inter[:5]), s.packet(true, mpeg4Inter[5:]), s.packet(true, mpeg4Key), s.packet(true, group, mpeg4Key),
				}
			}, []unit{{mpeg4Inter, false, false}, {slices.Concat(mpeg4Set, mpeg4Key), true, false},
				{slices.Concat(mpeg4Set, []byte{0, 0, 1, 0xb3, 1, 2, 3}, mpeg4Key), true, false}}},
		{"MPEG-4: a new configuration, on its own", newMPEG4, slices.Concat(mpeg4Set, mpeg4Key), slices.Concat(mpeg4Set, mpeg4Key),
			func(s *stream) []*rtp.Packet {
				return []*rtp.Packet{s.packet(true, mpeg4Set[:len(mpeg4Set)-1]), s.packet(true, mpeg4Key)}
			}, []unit{{slices.Concat(mpeg4Set[:len(mpeg4Set)-1], mpeg4Key), true, false}}},
		{"MPEG-4: without its beginning a picture is left out", newMPEG4, slices.Concat(mpeg4Set, mpeg4Key), slices.Concat(mpeg4Set, mpeg4Key),
			func(s *stream) []*rtp.Packet {
				s.seq++
				return []*rtp.Packet{s.packet(true, mpeg4Inter[5:]), s.packet(true, mpeg4Inter)}
			}, []unit{{mpeg4Inter, false, true}}},
	} {
		s := stream{seq: 65535}
		got := unpackUnits(t, test.make(), append([]*rtp.Packet{s.packet(true, test.first)}, test.packets(&s)...))
		want := append([]unit{{test.key, true, false}}, test.want...)
		if !slices.EqualFunc(got, want, func(a, b unit) bool { return bytes.Equal(a.data, b.data) && a.key == b.key && a.lost == b.lost }) {
			t.Errorf("%s:\ngot  %v\nwant %v", test.about, got, want)
		}
	}
}

func new264() *unpack.Stream   { return unpack.New(new(unpack.H264)) }
func new265() *unpack.Stream   { return unpack.New(new(unpack.H265)) }
func newAV1() *unpack.Stream   { return unpack.New(new(unpack.AV1)) }
func newVP8() *unpack.Stream   { return unpack.New(new(unpack.VP8)) }
func newVP9() *unpack.Stream   { return unpack.New(new(unpack.VP9)) }
func newMPEG4() *unpack.Stream { return unpack.New(new(unpack.MPEG4)) }

// sized puts its size before each NAL unit, as aggregates have it.
func sized(nals ...[]byte) (b []byte) {
	for _, n := range nals {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(n))), n...)
	}
	return b
}

// TestSetsOfTheDescription begins streams whose parameter sets are in the session description only.
func TestSetsOfTheDescription(t *testing.T) {
	h265, mpeg4 := new(unpack.H265), new(unpack.MPEG4)
	if err := h265.Learn(vps265, sps265, pps265); err != nil {
		t.Fatal(err)
	}
	if err := mpeg4.Learn(mpeg4Set); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		format    unpack.Format
		key, want []byte
	}{{h265, idr265, annexB(vps265, sps265, pps265, idr265)}, {mpeg4, mpeg4Key, slices.Concat(mpeg4Set, mpeg4Key)}} {
		var s stream
		units := unpackUnits(t, unpack.New(test.format), []*rtp.Packet{s.packet(true, test.key)})
		if len(units) != 1 || !units[0].key || !bytes.Equal(units[0].data, test.want) {
			t.Errorf("%v, want %x", units, test.want)
		}
	}
	if err := mpeg4.Learn(make([]byte, 8<<10+1)); err == nil {
		t.Error("a configuration of more than 8 KiB is learned")
	}
}

// TestMJPEGHeaders sends the scan of a picture with headers of all sorts, and decodes the files that are made.
func TestMJPEGHeaders(t *testing.T) {
	picture := image.NewYCbCr(image.Rect(0, 0, 32, 16), image.YCbCrSubsampleRatio420)
	for i := range picture.Y {
		picture.Y[i] = byte(i * 7)
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, picture, &jpeg.Options{Quality: 30}); err != nil {
		t.Fatal(err)
	}
	_, tables, _ := bytes.Cut(file.Bytes(), []byte{0xff, 0xdb, 0, 132, 0})
	tables = append(append([]byte{}, tables[:64]...), tables[65:129]...) // without the number of the second
	_, scan, _ := bytes.Cut(file.Bytes(), []byte{0xff, 0xda})
	scan = scan[12:]
	sizes, tablesHead := []byte{4, 2}, []byte{0, 0, 0, 128}
	for _, test := range []struct {
		about   string
		packets func(s *stream) []*rtp.Packet
		same    int // of the files show the picture
		err     string
	}{
		{"tables of JPEG, scaled", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(false, []byte{0, 0, 0, 0, 1, 30}, sizes, scan[:20]), s.packet(true, []byte{0, 0, 0, 20, 1, 30}, sizes, scan[20:])}
		}, 1, ""},
		{"tables of its own, which are for the next too", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{
				s.packet(true, []byte{0, 0, 0, 0, 1, 200}, sizes, tablesHead, tables, scan), s.packet(true, []byte{0, 0, 0, 0, 1, 200}, sizes, []byte{0, 0, 0, 0}, scan),
			}
		}, 2, ""},
		{"tables of this picture only", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{
				s.packet(true, []byte{0, 0, 0, 0, 1, 255}, sizes, tablesHead, tables, scan), s.packet(true, []byte{0, 0, 0, 0, 1, 255}, sizes, []byte{0, 0, 0, 0}, scan),
			}
		}, 1, "tables"},
		{"a header for restart intervals", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, []byte{0, 0, 0, 0, 65, 30}, sizes, []byte{0, 9, 0xff, 0xff}, scan)}
		}, 1, ""},
		{"no marker for the end of the image", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, []byte{0, 0, 0, 0, 1, 30}, sizes, scan[:len(scan)-2])}
		}, 1, ""},
		{"a part is missing, and no packet", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(false, []byte{0, 0, 0, 0, 1, 30}, sizes, scan[:20]), s.packet(true, []byte{0, 0, 0, 22, 1, 30}, sizes, scan[22:])}
		}, 0, ""},
		{"a picture too large to say", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, []byte{0, 0, 0, 0, 1, 30, 0, 0}, scan)}
		}, 0, "2040 pixels"},
		{"a type of the session's own", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, []byte{0, 0, 0, 0, 130, 30}, sizes, scan)}
		}, 0, "of a type"},
		{"a quantiser number that is reserved", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, []byte{0, 0, 0, 0, 1, 100}, sizes, scan)}
		}, 0, "tables"},
		{"tables of 16 bits", func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, []byte{0, 0, 0, 0, 1, 255}, sizes, []byte{0, 3, 1, 0}, tables, tables, scan)}
		}, 0, "tables"},
	} {
		var s stream
		j := unpack.New(new(unpack.MJPEG))
		same, text := 0, ""
		for _, p := range test.packets(&s) {
			err := j.Packet(p, time.Unix(100, 0), func(u frame.AccessUnit) {
				if !samePicture(u.Data, file.Bytes()) {
					t.Errorf("%s: the picture is not what was sent", test.about)
				}
				same++
			})
			if err != nil {
				text = err.Error()
			}
		}
		if same != test.same || (text == "") != (test.err == "") || !strings.Contains(text, test.err) {
			t.Errorf("%s: %d pictures, %q; want %d, %q", test.about, same, text, test.same, test.err)
		}
	}
	j := unpack.New(new(unpack.MJPEG)) // a scan of 4:2:2 has two blocks of luma a macroblock; of grey, each block is 6 bits and 4, chroma 2 and 2
	var s stream
	units := unpackUnits(t, j, []*rtp.Packet{s.packet(true, []byte{0, 0, 0, 0, 0, 30, 2, 1, 0x28, 0xa0, 0x03})})
	if len(units) != 1 {
		t.Fatalf("%d pictures of 4:2:2", len(units))
	}
	img, err := jpeg.Decode(bytes.NewReader(units[0].data))
	if c, ok := img.(*image.YCbCr); !ok || c.SubsampleRatio != image.YCbCrSubsampleRatio422 || c.Rect.Dx() != 16 || c.Rect.Dy() != 8 {
		t.Errorf("4:2:2: %v, %v", img, err)
	}
}
