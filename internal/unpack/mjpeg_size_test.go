package unpack_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/unpack"
	"github.com/pion/rtp"
)

// jpegParts are what a file is made of.
type jpegParts struct {
	file, quantize, huffman, frame, scanHead, scan []byte
	tables                                         []byte // quantisation tables alone
}

func encodeJPEG(tb testing.TB, width, height int) (p jpegParts) {
	tb.Helper()
	picture := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for i := range picture.Y {
		picture.Y[i] = byte(i * 7)
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, picture, &jpeg.Options{Quality: 30}); err != nil {
		tb.Fatal(err)
	}
	p.file = file.Bytes()
	for b := p.file[2:]; ; {
		size := 2 + int(binary.BigEndian.Uint16(b[2:]))
		part := b[:size]
		b = b[size:]
		switch part[1] {
		case 0xdb:
			p.quantize, p.tables = part, slices.Concat(part[5:69], part[70:134])
		case 0xc4:
			p.huffman = append(p.huffman, part...)
		case 0xc0:
			p.frame = part
		case 0xda:
			p.scanHead, p.scan = part, b
			return p
		}
	}
}

// extended returns a packet with a header extension, padded as it has to be.
func (s *stream) extended(tb testing.TB, marker bool, profile uint16, extension, payload []byte) *rtp.Packet {
	tb.Helper()
	for len(extension)%4 != 0 {
		extension = append(slices.Clip(extension), 0xff)
	}
	p := s.packet(marker, payload)
	p.Extension, p.ExtensionProfile = true, profile
	if err := p.SetExtension(0, extension); err != nil {
		tb.Fatal(err)
	}
	return p
}

// TestMJPEGOfAnySize sends pictures that RFC 2435 has no room for, with the header extension of ONVIF and with their size in the description.
func TestMJPEGOfAnySize(t *testing.T) {
	const width, height = 2064, 32
	big := encodeJPEG(t, width, height)
	head := func(offset int, q byte, more ...[]byte) []byte {
		return slices.Concat(append([][]byte{{0, byte(offset >> 16), byte(offset >> 8), byte(offset), 1, q, 0, 0}}, more...)...)
	}
	all := slices.Concat(big.quantize, big.huffman, big.frame)
	replay := append(make([]byte, 12), 0xff, 0xd8, 0, 9)
	binary.BigEndian.PutUint64(replay, 0xee000000<<32)
	for _, test := range []struct {
		about         string
		width, height int // of the description
		packets       func(s *stream) []*rtp.Packet
		same          int // pictures that come out, and are what was encoded
	}{
		{"all in the extension", 0, 0, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{
				s.extended(t, false, 0xffd8, all, head(0, 1, big.scan[:90])), s.packet(true, head(90, 1, big.scan[90:])),
				s.extended(t, true, 0xffd8, all, head(0, 1, big.scan)),
			}
		}, 2},
		{"the frame in the extension, tables in the packet", 0, 0, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.extended(t, true, 0xffd8, big.frame, head(0, 255, []byte{0, 0, 0, 128}, big.tables, big.scan))}
		}, 1},
		{"a packet without scan first, and one without a header", 0, 0, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{
				s.extended(t, false, 0xffd8, big.quantize, head(0, 1)), s.extended(t, false, 0xffff, big.frame, nil),
				s.extended(t, false, 0xffff, nil, head(0, 1, big.scan[:50])), s.packet(true, head(50, 1, big.scan[50:])),
			}
		}, 1},
		{"a segment in the extensions of two packets", 0, 0, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{
				s.extended(t, false, 0xffd8, all[:100], head(0, 1)), s.extended(t, false, 0xffff, all[100:], nil), s.packet(true, head(0, 1, big.scan)),
			}
		}, 1},
		{"with the header of the scan", 0, 0, func(s *stream) []*rtp.Packet {
			fill := bytes.Repeat([]byte{0xff}, -(len(all)+len(big.scanHead))&3)
			return []*rtp.Packet{s.extended(t, true, 0xffd8, slices.Concat(all, fill, big.scanHead), head(0, 1, big.scan))}
		}, 1},
		{"comments and other segments", 0, 0, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.extended(t, true, 0xffd8, slices.Concat([]byte{0xff, 0xfe, 0, 4, 'h', 'i'}, all), head(0, 1, big.scan))}
		}, 1},
		{"the tables and the size of the picture before", 0, 0, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{
				s.extended(t, true, 0xffd8, all, head(0, 1, big.scan)), s.extended(t, true, 0xffd8, nil, head(0, 0, big.scan)), s.packet(true, head(0, 0, big.scan)),
			}
		}, 3},
		{"in a recording", 0, 0, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.extended(t, true, 0xabac, slices.Concat(replay, all), head(0, 1, big.scan))}
		}, 1},
		{"a recording that has none", width, height, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.extended(t, true, 0xabac, replay[:12], head(0, 30, big.scan))}
		}, 1},
		{"another extension", width, height, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.extended(t, true, 0x1234, all, head(0, 30, big.scan))}
		}, 1},
		{"the description alone", width, height, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{s.packet(true, head(0, 30, big.scan)), s.packet(true, head(0, 30, big.scan))}
		}, 2},
		{"the description, and the lower bits in the packet", width, height, func(s *stream) []*rtp.Packet {
			b := head(0, 30, big.scan)
			b[6], b[7] = width/8&0xff, height/8
			return []*rtp.Packet{s.packet(true, b)}
		}, 1},
		{"a part of the picture is missing", 0, 0, func(s *stream) []*rtp.Packet {
			return []*rtp.Packet{
				s.extended(t, false, 0xffd8, all, head(0, 1, big.scan[:90])), s.packet(true, head(91, 1, big.scan[91:])),
				s.extended(t, true, 0xffd8, all, head(0, 1, big.scan)),
			}
		}, 1},
	} {
		t.Run(test.about, func(t *testing.T) {
			var s stream
			var j unpack.MJPEG
			j.Learn(test.width, test.height)
			units := unpackUnits(t, unpack.New(&j), test.packets(&s))
			if len(units) != test.same {
				t.Errorf("%d pictures, want %d", len(units), test.same)
			}
			for i, u := range units {
				if !samePicture(u.data, big.file) {
					t.Errorf("picture %d is not what was sent", i)
				}
			}
		})
	}
}

// TestMJPEGIsCropped sends sizes that are no multiples of eight, which packets tell rounded.
func TestMJPEGIsCropped(t *testing.T) {
	for _, test := range []struct {
		about                    string
		width, height            int // described
		told                     [2]byte
		wantedWidth, wantedHeigh int
	}{
		{"nothing described", 0, 0, [2]byte{4, 2}, 32, 16},
		{"rounded up", 27, 13, [2]byte{4, 2}, 27, 13},
		{"rounded down", 30, 12, [2]byte{3, 1}, 30, 12},
		{"of another stream", 640, 360, [2]byte{4, 2}, 32, 16},
		{"more than there can be", 1 << 16, 16, [2]byte{4, 2}, 32, 16},
	} {
		p := encodeJPEG(t, 32, 16)
		var s stream
		var j unpack.MJPEG
		j.Learn(test.width, test.height)
		units := unpackUnits(t, unpack.New(&j), []*rtp.Packet{s.packet(true, []byte{0, 0, 0, 0, 1, 30, test.told[0], test.told[1]}, p.scan)})
		if len(units) != 1 {
			t.Fatalf("%s: %d pictures", test.about, len(units))
		}
		img, err := jpeg.Decode(bytes.NewReader(units[0].data))
		if err != nil || img.Bounds().Dx() != test.wantedWidth || img.Bounds().Dy() != test.wantedHeigh {
			t.Errorf("%s: %v, %v", test.about, img.Bounds(), err)
		}
	}
}

// FuzzMJPEGExtension has any header extension stand before a picture. What comes out is a file with a frame in it, or the stream ends.
func FuzzMJPEGExtension(f *testing.F) {
	p := encodeJPEG(f, 32, 16)
	f.Add(slices.Concat(p.quantize, p.huffman, p.frame), byte(0), []byte{4, 2})
	f.Add(slices.Concat(p.frame, p.scanHead), byte(30), []byte{0, 0})
	f.Fuzz(func(t *testing.T, extension []byte, q byte, size []byte) {
		if len(size) != 2 || len(extension) > 1<<16 {
			return
		}
		var s stream
		u := unpack.New(new(unpack.MJPEG))
		for range 2 {
			packet := s.extended(t, true, 0xffd8, extension, slices.Concat([]byte{0, 0, 0, 0, 1, q}, size, p.scan))
			if err := u.Packet(packet, time.Unix(100, 0), func(u frame.AccessUnit) {
				if !bytes.HasPrefix(u.Data, []byte{0xff, 0xd8}) || !bytes.Contains(u.Data, []byte{0xff, 0xc0}) || !bytes.HasSuffix(u.Data, []byte{0xff, 0xd9}) {
					t.Errorf("%x", u.Data)
				}
			}); err != nil {
				return
			}
		}
	})
}
