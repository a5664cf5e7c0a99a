package flv_test

import (
	"bytes"
	"encoding/binary"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/flv"
	"github.com/livestill/livestill/internal/peer"
)

// A stream is what an encoder wrote, cut into pictures.
type stream struct {
	fourCC  string
	codec   frame.Codec
	units   [][][]byte // by picture, in decoding order: its NAL units, or OBUs, or the frame alone
	isSet   func(part []byte) bool
	isKey   func(part []byte) bool
	left    func(part []byte) bool // is left out of access units
	record  func(sets [][]byte) []byte
	pack    func(parts ...[]byte) []byte // as it is in a body
	promise func(parts ...[]byte) []byte // as it is in an access unit
}

// encode has the real ffmpeg encode ten small pictures, with a key picture every fifth.
func encode(t *testing.T, args string) []byte {
	t.Helper()
	peer.Needs(t, "ffmpeg")
	all := "-nostdin -v error -f lavfi -i testsrc2=s=160x96:r=25 -frames:v 10 -pix_fmt yuv420p -g 5 " + args + " pipe:1"
	cmd := exec.CommandContext(t.Context(), "ffmpeg", strings.Fields(all)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, stderr.Bytes())
	}
	return out
}

// byDelimiter cuts a byte stream into pictures at its delimiters.
func byDelimiter(file []byte, delimiter byte) (units [][][]byte) {
	for _, n := range bitstream.SplitAnnexB(nil, file) {
		if n[0] == delimiter {
			units = append(units, nil)
		}
		units[len(units)-1] = append(units[len(units)-1], n)
	}
	return units
}

func h264Stream(file []byte) stream {
	kind := func(n []byte) byte { return n[0] & 0x1f }
	return stream{
		fourCC: "avc1", codec: frame.H264, units: byDelimiter(file, 9), pack: lengths, promise: annexB,
		isSet:  func(n []byte) bool { return kind(n) == 7 || kind(n) == 8 },
		isKey:  func(n []byte) bool { return kind(n) == 5 },
		left:   func(n []byte) bool { return kind(n) == 9 },
		record: func(sets [][]byte) []byte { return avcc(sets[0], sets[1]) },
	}
}

func h265Stream(file []byte) stream {
	kind := func(n []byte) byte { return n[0] >> 1 }
	return stream{
		fourCC: "hvc1", codec: frame.H265, units: byDelimiter(file, 35<<1), pack: lengths, promise: annexB,
		isSet:  func(n []byte) bool { return kind(n) >= 32 && kind(n) <= 34 },
		isKey:  func(n []byte) bool { return kind(n) >= 16 && kind(n) <= 21 },
		left:   func(n []byte) bool { return kind(n) == 35 },
		record: func(sets [][]byte) []byte { return hvcc(sets...) },
	}
}

// frames returns those of an IVF file.
func frames(file []byte) (units [][][]byte) {
	for b := file[32:]; len(b) >= 12; {
		n := 12 + binary.LittleEndian.Uint32(b)
		units = append(units, [][]byte{b[12:n]})
		b = b[n:]
	}
	return units
}

func av1Stream(file []byte) stream {
	kind := func(o []byte) byte { return o[0] >> 3 }
	s := stream{
		fourCC: "av01", codec: frame.AV1, units: frames(file), pack: join, promise: join,
		isSet:  func(o []byte) bool { return kind(o) == 1 },
		isKey:  func(o []byte) bool { return kind(o) == 1 }, // the encoders used here write it with every key frame
		left:   func(o []byte) bool { return kind(o) == 2 },
		record: func(sets [][]byte) []byte { return av1c(sets[0]...) },
	}
	for i, u := range s.units {
		var obus [][]byte
		for b := u[0]; len(b) > 0; {
			size, n := binary.Uvarint(b[1:]) // the same as LEB128 for numbers of this size
			obus = append(obus, b[:1+n+int(size)])
			b = b[1+n+int(size):]
		}
		s.units[i] = obus
	}
	return s
}

func vpStream(fourCC string, codec frame.Codec, key func(b byte) bool) func(file []byte) stream {
	never := func([]byte) bool { return false }
	return func(file []byte) stream {
		return stream{
			fourCC: fourCC, codec: codec, units: frames(file), pack: join, promise: join, isSet: never, left: never,
			isKey:  func(f []byte) bool { return key(f[0]) },
			record: func([][]byte) []byte { return vpc },
		}
	}
}

// TestRealStreams puts what real encoders write into bodies, in each way there is, and wants the same pictures back.
func TestRealStreams(t *testing.T) {
	vp8 := vpStream("vp08", frame.VP8, func(b byte) bool { return b&1 == 0 })
	vp9 := vpStream("vp09", frame.VP9, func(b byte) bool { return b&0x0c == 0 })
	const x265 = "-c:v libx265 -preset ultrafast -bsf:v hevc_metadata=aud=insert -f hevc " +
		"-x265-params log-level=error:keyint=5:scenecut=0:bframes=2:b-adapt=0:"
	const forced = " -force_key_frames expr:eq(mod(n,5),0) -f ivf"
	for _, test := range []struct {
		about string
		args  string
		cut   func(file []byte) stream
	}{
		{"x264 with B-frames", "-c:v libx264 -preset veryfast -bf 2 -bsf:v h264_metadata=aud=insert -f h264", h264Stream},
		{"x265 with closed GOPs", x265 + "open-gop=0", h265Stream},
		{"x265 with open GOPs", x265 + "open-gop=1", h265Stream},
		{"libaom", "-c:v libaom-av1 -cpu-used 8 -usage realtime" + forced, av1Stream},
		{"libaom with hidden frames", "-c:v libaom-av1 -cpu-used 8 -lag-in-frames 5" + forced, av1Stream},
		{"SVT-AV1", "-c:v libsvtav1 -preset 12 -svtav1-params keyint=5 -f ivf", av1Stream},
		{"libvpx VP9", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8" + forced, vp9},
		{"libvpx VP9 with hidden frames", "-c:v libvpx-vp9 -cpu-used 5 -auto-alt-ref 1 -lag-in-frames 5" + forced, vp9},
		{"libvpx VP8", "-c:v libvpx -deadline realtime -cpu-used 8" + forced, vp8},
	} {
		t.Run(test.about, func(t *testing.T) {
			s := test.cut(encode(t, test.args))
			if len(s.units) != 10 {
				t.Fatalf("%d pictures", len(s.units))
			}
			for about, wrap := range wrappings(s.codec) {
				for _, inBand := range []bool{true, false} {
					units, keys := s.check(t, about, wrap, inBand)
					if units < len(s.units) || keys < 2 {
						t.Errorf("%s: %d pictures make %d units, %d of them key units", about, len(s.units), units, keys)
					}
				}
			}
		})
	}
}

// A wrapping makes the body of a tag of track zero.
type wrapping func(kind byte, fourCC string, data []byte) []byte

// wrappings returns the ways there are.
func wrappings(c frame.Codec) map[string]wrapping {
	plain := func(kind byte, fourCC string, data []byte) []byte { return tag(kind, fourCC, data...) }
	ways := map[string]wrapping{
		"enhanced RTMP":         plain,
		"one track":             func(kind byte, fourCC string, data []byte) []byte { return one(kind, part{fourCC, 0, data}) },
		"with timestamp offset": func(kind byte, fourCC string, data []byte) []byte { return nano(1234, plain(kind, fourCC, data)) },
		"many tracks": func(kind byte, fourCC string, data []byte) []byte {
			return many(kind, part{fourCC, 1, data[:1]}, part{fourCC, 0, data}, part{fourCC, 2, nil})
		},
		"many codecs": func(kind byte, fourCC string, data []byte) []byte {
			return many(kind, part{"vvc1", 5, data}, part{fourCC, 0, data})
		},
	}
	legacy := func(id byte) wrapping {
		return func(kind byte, _ string, data []byte) []byte {
			if kind == sequenceStart {
				data = join(zero, data)
			}
			return join([]byte{0x20 | id, kind}, data)
		}
	}
	switch c {
	case frame.H264:
		ways["codec id 7"] = legacy(7)
	case frame.H265:
		ways["codec id 12"] = legacy(12)
	default:
	}
	return ways
}

// check sends the stream with its parameter sets in band or in the record alone, and counts what comes back.
func (s stream) check(t *testing.T, about string, wrap wrapping, inBand bool) (units, keys int) {
	t.Helper()
	var v flv.Video
	var sets [][]byte
	for _, p := range s.units[0] {
		if s.isSet(p) {
			sets = append(sets, p)
		}
	}
	if _, ok, err := unit(&v, 0, wrap(sequenceStart, s.fourCC, s.record(sets))); ok || err != nil {
		t.Fatalf("%s: sequence start: %v, %v", about, ok, err)
	}
	for i, parts := range s.units {
		sent, want := parts, slices.DeleteFunc(slices.Clone(parts), s.left)
		if !inBand {
			sent = slices.DeleteFunc(slices.Clone(parts), s.isSet)
		}
		data := s.pack(sent...)
		var offset time.Duration
		if s.codec == frame.H264 || s.codec == frame.H265 {
			data = join([]byte{0, 0, byte(i)}, data)
			offset = time.Duration(i) * time.Millisecond
		}
		if strings.Contains(about, "offset") {
			offset += 1234
		}
		key := slices.ContainsFunc(parts, s.isKey)
		at := time.Duration(i) * 40 * time.Millisecond
		u, ok, err := unit(&v, at, wrap(codedFrames, s.fourCC, data))
		if err != nil {
			t.Fatalf("%s: picture %d: %v", about, i, err)
		}
		if ok != (len(want) > 0) {
			t.Errorf("%s: picture %d: a unit: %v", about, i, ok)
		}
		if !ok {
			continue
		}
		if u.Codec != s.codec || u.Key != key || u.DTS != at || u.PTS != at+offset || !bytes.Equal(u.Data, s.promise(want...)) {
			t.Errorf("%s: picture %d: %v, key %v, at %v, %v, %d bytes; want key %v, offset %v, %d bytes",
				about, i, u.Codec, u.Key, u.DTS, u.PTS, len(u.Data), key, offset, len(s.promise(want...)))
		}
		units++
		if u.Key {
			keys++
		}
	}
	return units, keys
}
