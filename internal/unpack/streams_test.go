package unpack_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/peer"
	"github.com/livestill/livestill/internal/unpack"
	"github.com/pion/rtp"
)

// A kind is a stream in one of the codecs, as a real encoder makes it.
type kind struct {
	about string
	codec frame.Codec
	args  []string // of ffmpeg: the encoder
	muxer string   // of the elementary stream
	make  func() *unpack.Stream
	units func(tb testing.TB, file []byte) [][]byte // what the units of an elementary stream are to be
	same  func(got, want []byte) bool               // nil for bytes
	first func(data []byte) []byte                  // what must be right of the first unit after packets were lost; nil for all
}

func kinds() []kind {
	return []kind{
		{"H.265", frame.H265, []string{"libx265", "-preset", "ultrafast", "-x265-params", "keyint=15:min-keyint=15:bframes=0:log-level=none"},
			"hevc", func() *unpack.Stream { return unpack.New(new(unpack.H265)) }, units265, nil, slices265},
		{"H.265, open GOPs, delimiters", frame.H265, []string{"libx265", "-preset", "ultrafast", "-x265-params",
			"keyint=15:min-keyint=15:bframes=3:open-gop=1:aud=1:log-level=none"},
			"hevc", func() *unpack.Stream { return unpack.New(new(unpack.H265)) }, units265, nil, slices265},
		{"AV1", frame.AV1, []string{"libsvtav1", "-preset", "12", "-g", "15"}, "ivf", func() *unpack.Stream { return unpack.New(new(unpack.AV1)) }, unitsAV1, nil, nil},
		{"VP8", frame.VP8, []string{"libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "15", "-b:v", "1M"}, "ivf",
			func() *unpack.Stream { return unpack.New(new(unpack.VP8)) }, unitsIVF, nil, nil},
		{"VP9", frame.VP9, []string{"libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "15", "-b:v", "1M", "-strict", "experimental"},
			"ivf", func() *unpack.Stream { return unpack.New(new(unpack.VP9)) }, unitsIVF, nil, nil},
		{"MJPEG", frame.MJPEG, []string{"mjpeg", "-huffman", "default", "-pix_fmt", "yuvj420p", "-q:v", "4"}, "mjpeg",
			func() *unpack.Stream { return unpack.New(new(unpack.MJPEG)) }, unitsMJPEG, samePicture, nil},
		{"MPEG-4", frame.MPEG4, []string{"mpeg4", "-g", "15", "-q:v", "5"}, "m4v", func() *unpack.Stream { return unpack.New(new(unpack.MPEG4)) }, unitsMPEG4, nil, nil},
		{"MPEG-4, B-frames", frame.MPEG4, []string{"mpeg4", "-g", "15", "-bf", "2", "-q:v", "5"}, "m4v",
			func() *unpack.Stream { return unpack.New(new(unpack.MPEG4)) }, unitsMPEG4, nil, nil},
	}
}

// record encodes two seconds with a real ffmpeg, which sends them as RTP too, and returns the packets and the elementary stream.
func (k kind) record(tb testing.TB) (packets []*rtp.Packet, file []byte) {
	tb.Helper()
	peer.Needs(tb, "ffmpeg")
	conn, err := (&net.ListenConfig{}).ListenPacket(tb.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	_ = conn.(*net.UDPConn).SetReadBuffer(4 << 20)
	received := make(chan []*rtp.Packet)
	go func() {
		var packets []*rtp.Packet
		defer func() { received <- packets }()
		for {
			b := make([]byte, 2048)
			n, _, err := conn.ReadFrom(b)
			if err != nil || n == 0 {
				return
			}
			p := new(rtp.Packet)
			if p.Unmarshal(b[:n]) == nil && (p.PayloadType < 64 || p.PayloadType >= 96) { // what is between is RTCP, to the next port
				packets = append(packets, p)
			}
		}
	}()
	path := filepath.Join(tb.TempDir(), "stream")
	args := append([]string{"-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30,noise=alls=12:allf=t", "-t", "2",
		"-pix_fmt", "yuv420p", "-c:v"}, k.args...)
	output := "[f=rtp:strict=experimental]rtp://" + conn.LocalAddr().String() + "?pkt_size=1000|[f=" + k.muxer + "]" + path
	if k.codec == frame.AV1 { // this ffmpeg cannot send it
		output = "[f=" + k.muxer + "]" + path
	}
	cmd := exec.CommandContext(tb.Context(), "ffmpeg", append(args, "-map", "0:v", "-f", "tee", output)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	stop(tb, conn)
	if packets = <-received; k.codec == frame.AV1 {
		packets = packAV1(tb, path)
	}
	_ = conn.Close()
	if file, err = os.ReadFile(path); err != nil {
		tb.Fatal(err)
	}
	return packets, file
}

// stop ends what conn receives with an empty packet.
func stop(tb testing.TB, conn net.PacketConn) {
	tb.Helper()
	if _, err := conn.WriteTo(nil, conn.LocalAddr()); err != nil {
		tb.Fatal(err)
	}
}

// packAV1 packs an IVF file as gortsplib does.
func packAV1(tb testing.TB, path string) (packets []*rtp.Packet) {
	tb.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	encoder, err := (&format.AV1{PayloadTyp: 96}).CreateEncoder()
	if err != nil {
		tb.Fatal(err)
	}
	encoder.PayloadMaxSize = 1000
	for i, unit := range unitsIVF(tb, file) {
		var obus [][]byte
		for b := unit; len(b) > 0; { // each has one byte of header, and a size
			size, n := binary.Uvarint(b[1:])
			if obu := append([]byte{b[0] &^ 2}, b[1+n:][:size]...); obu[0]>>3 != 2 {
				obus = append(obus, obu)
			}
			b = b[1+n+int(size):]
		}
		ps, err := encoder.Encode(obus)
		if err != nil {
			tb.Fatal(err)
		}
		for _, p := range ps {
			p.Timestamp = uint32(i) * 3000
		}
		packets = append(packets, ps...)
	}
	return packets
}

func unitsIVF(_ testing.TB, file []byte) (units [][]byte) {
	for b := file[32:]; len(b) > 0; {
		size := binary.LittleEndian.Uint32(b)
		units, b = append(units, b[12:12+size]), b[12+size:]
	}
	return units
}

func unitsAV1(tb testing.TB, file []byte) (units [][]byte) {
	tb.Helper()
	var a bitstream.AV1
	for _, b := range unitsIVF(tb, file) {
		data, _, err := a.Unit(b)
		if err != nil {
			tb.Fatal(err)
		}
		units = append(units, data)
	}
	return units
}

func units265(tb testing.TB, file []byte) (units [][]byte) {
	tb.Helper()
	var h bitstream.H265
	var unit [][]byte
	flush := func() {
		data, _, err := h.Unit(unit)
		if err != nil {
			tb.Fatal(err)
		}
		if unit = nil; len(data) > 0 {
			units = append(units, data)
		}
	}
	pictures := false
	for _, n := range bitstream.SplitAnnexB(nil, file) {
		slice := n[0]>>1 < 32
		if pictures && (!slice || n[2]&0x80 != 0) && n[0]>>1 != 40 { // a SEI after the picture
			flush()
			pictures = false
		}
		unit, pictures = append(unit, n), pictures || slice
	}
	flush()
	return units
}

// slices265 returns the pictures of a unit.
func slices265(data []byte) []byte {
	return annexB(slices.DeleteFunc(bitstream.SplitAnnexB(nil, data), func(n []byte) bool { return n[0]>>1 >= 32 })...)
}

func unitsMJPEG(_ testing.TB, file []byte) (units [][]byte) {
	for _, b := range bytes.SplitAfter(file, []byte{0xff, 0xd9}) {
		if len(b) > 0 {
			units = append(units, b)
		}
	}
	return units
}

// samePicture compares JPEG files by their pixels.
func samePicture(got, want []byte) bool {
	var pictures [2]*image.YCbCr
	for i, b := range [][]byte{got, want} {
		img, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil {
			return false
		}
		pictures[i] = img.(*image.YCbCr)
	}
	a, b := pictures[0], pictures[1]
	return a.SubsampleRatio == b.SubsampleRatio && bytes.Equal(a.Y, b.Y) && bytes.Equal(a.Cb, b.Cb) && bytes.Equal(a.Cr, b.Cr)
}

func unitsMPEG4(_ testing.TB, file []byte) (units [][]byte) {
	begin, picture := 0, false
	for at := 0; at+4 <= len(file); at++ {
		if !bytes.HasPrefix(file[at:], []byte{0, 0, 1}) {
			continue
		}
		if picture {
			units, begin = append(units, file[begin:at]), at
		}
		picture = file[at+3] == 0xb6
	}
	return append(units, file[begin:])
}

func (k kind) unpack(tb testing.TB, packets []*rtp.Packet) (units []frame.AccessUnit) {
	tb.Helper()
	u := k.make()
	for _, p := range packets {
		if err := u.Packet(p, time.Unix(100, 0), func(u frame.AccessUnit) { units = append(units, u) }); err != nil {
			tb.Fatal(err)
		}
	}
	return units
}

// TestStreams unpacks what real encoders made, whole and with packets lost, doubled and out of order.
func TestStreams(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.about, func(t *testing.T) {
			t.Parallel()
			packets, file := k.record(t)
			want := k.units(t, file)
			units := k.unpack(t, packets)
			if len(units) != len(want) {
				t.Fatalf("%d units, want %d", len(units), len(want))
			}
			keys := 0
			same := bytes.Equal
			if k.same != nil {
				same = k.same
			}
			for i, u := range units {
				if u.Codec != k.codec || u.Lost || !same(u.Data, want[i]) {
					t.Fatalf("unit %d: %v, lost %v, %d bytes, want %d", i, u.Codec, u.Lost, len(u.Data), len(want[i]))
				}
				if u.Key {
					keys++
				}
				if i > 0 && u.DTS < units[i-1].DTS || u.DTS > u.PTS && i > 8 {
					t.Errorf("unit %d: PTS %v, DTS %v", i, u.PTS, u.DTS)
				}
			}
			if keys < 4 || k.codec == frame.MJPEG && keys < 60 || !units[0].Key {
				t.Errorf("%d key units", keys)
			}
			k.spoil(t, packets, units)
		})
	}
}
