package rtsp_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/rtsp"
)

// encode encodes two seconds, with a key picture in every ten, into a file, and returns its path and the packets that the encoder made.
func encode(t *testing.T, size, name string, args ...string) (path string, packets [][]byte) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, name)
	line := []string{"-f", "lavfi", "-i", "testsrc2=rate=30:size=" + size + ",noise=alls=12:allf=t", "-t", "2", "-pix_fmt", "yuv420p", "-g", "10", "-c:v"}
	for _, line := range [][]string{append(append(line, args...), path), {"-i", path, "-c", "copy", "-f", "image2", dir + "/%03d.packet"}} {
		if output, err := frametest.Run(t, line...).Wait(); err != nil {
			t.Fatalf("ffmpeg: %v\n%s", err, output)
		}
	}
	files, err := filepath.Glob(dir + "/*.packet")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, b)
	}
	return path, packets
}

// An encoding is what an encoder makes.
type encoding struct {
	codec     frame.Codec
	args      []string                                     // of ffmpeg's encoder
	ordered   bool                                         // units are shown in the order that they are decoded in
	same      func(u frame.AccessUnit, packet []byte) bool // u is the encoder's packet, with what belongs before it
	gstreamer string                                       // between the file and rtspclientsink
}

func encodings() []encoding {
	verbatim := func(u frame.AccessUnit, packet []byte) bool { return bytes.Equal(u.Data, packet) }
	return []encoding{
		{frame.H265, []string{"libx265", "-preset", "ultrafast", "-x265-params", "keyint=10:min-keyint=10:bframes=2:log-level=none"}, false, same265,
			"h265parse"},
		{frame.VP8, []string{"libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M"}, true, verbatim, "queue"},
		{frame.VP9, []string{"libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M"}, true, verbatim, "queue"},
		{frame.MJPEG, []string{"mjpeg", "-huffman", "default", "-pix_fmt", "yuvj420p", "-q:v", "4"}, true, sameJPEG, "jpegparse"},
		{frame.MPEG4, []string{"mpeg4", "-q:v", "5"}, true, sameMPEG4, "mpeg4videoparse"},
	}
}

// same265 compares with a packet of NAL units, each after its size in 32 bits, whose parameter sets stand elsewhere.
func same265(u frame.AccessUnit, packet []byte) bool {
	var sets, rest []byte
	for _, n := range bitstream.SplitAnnexB(nil, u.Data) {
		if kind := n[0] >> 1; kind >= 32 && kind <= 34 {
			sets = append(sets, kind)
			continue
		}
		rest = append(binary.BigEndian.AppendUint32(rest, uint32(len(n))), n...)
	}
	want := ""
	if u.Key {
		want = "\x20\x21\x22"
	}
	return string(sets) == want && bytes.Equal(rest, packet)
}

// sameMPEG4 compares with a packet that has no configuration.
func sameMPEG4(u frame.AccessUnit, packet []byte) bool {
	config, ok := bytes.CutSuffix(u.Data, packet)
	return ok && bytes.HasPrefix(config, []byte{0, 0, 1, 0xb0}) == u.Key && (len(config) > 0) == u.Key
}

// sameJPEG compares the pixels: headers are not sent, but made anew.
func sameJPEG(u frame.AccessUnit, packet []byte) bool {
	var pictures [2]image.Image
	for i, b := range [][]byte{u.Data, packet} {
		var err error
		if pictures[i], err = jpeg.Decode(bytes.NewReader(b)); err != nil {
			return false
		}
	}
	return reflect.DeepEqual(pictures[0], pictures[1])
}

// came checks that what was taken is what was encoded, except for the last few that are allowed to miss.
func (e encoding) came(t *testing.T, got taking, packets [][]byte, miss int) {
	t.Helper()
	units := got.units
	if got.err != nil || len(units) > len(packets) || len(units) < len(packets)-miss {
		t.Fatalf("%d units, then %v; want %d", len(units), got.err, len(packets))
	}
	var shown []time.Duration
	for i, u := range units {
		shown = append(shown, u.PTS)
		key := e.codec == frame.MJPEG || i%10 == 0
		late := u.DTS > u.PTS && i >= 10 // how far units are reordered is known after the first
		if u.Codec != e.codec || u.Key != key || u.Lost || late || i > 0 && u.DTS < units[i-1].DTS || time.Since(u.Time).Abs() > ample {
			t.Fatalf("unit %d: %v, key %v, lost %v, PTS %v, DTS %v, shown at %v", i, u.Codec, u.Key, u.Lost, u.PTS, u.DTS, u.Time)
		}
		if !e.same(u, packets[i]) {
			t.Fatalf("unit %d: %d bytes are not the encoder's %d: %.40x", i, len(u.Data), len(packets[i]), u.Data)
		}
	}
	if slices.IsSorted(shown) != e.ordered {
		t.Errorf("units are shown at %v", shown)
	}
	slices.Sort(shown)
	whole := len(shown)
	if whole < len(packets) {
		const reordered = 4
		whole = max(0, whole-reordered) // one that is shown among the last may be missing
	}
	for i := range shown[:whole] {
		if off := shown[i] - shown[0] - time.Duration(i)*time.Second/30; off.Abs() > 2*time.Millisecond {
			t.Errorf("picture %d is shown %v off", i, off)
		}
	}
}

// TestEncodersPublishEveryCodec publishes what real encoders made with the real ffmpeg and with GStreamer's rtspclientsink; H.264 is
// published in TestFFmpegPublishes and TestGStreamerPublishes.
func TestEncodersPublishEveryCodec(t *testing.T) {
	for _, e := range encodings() {
		t.Run(e.codec.String(), func(t *testing.T) {
			t.Parallel()
			path, packets := encode(t, "320x176", "clip.mkv", e.args...)
			for _, transport := range []string{"tcp", "udp"} {
				miss := 0
				if transport == "udp" {
					miss = overtaken
				}
				t.Run("ffmpeg over "+transport, func(t *testing.T) {
					t.Parallel()
					got := make(taker, 1)
					addr, _ := listen(t, &rtsp.Server{Handler: got, UDPAddr: "127.0.0.1:0"})
					if output, err := frametest.Run(t, "-readrate", "2", "-i", path, "-c", "copy", "-strict", "experimental", "-f", "rtsp",
						"-rtsp_transport", transport, "rtsp://"+addr+"/live/cam").Wait(); err != nil {
						t.Fatalf("%v\n%s", err, output)
					}
					e.came(t, <-got, packets, miss)
				})
				t.Run("GStreamer over "+transport, func(t *testing.T) {
					t.Parallel()
					tail := 2 // units that a sink may keep
					if transport == "udp" {
						tail = 30 // those of a second, for what hanging up may overtake
					}
					got := make(taker, 1)
					addr, _ := listen(t, &rtsp.Server{Handler: takeSome{got, len(packets) - tail}, UDPAddr: "127.0.0.1:0"})
					if err := gstreamer(t, got, "filesrc location=%s ! matroskademux ! %s ! rtspclientsink location=rtsp://%s/live/cam protocols=%s",
						path, e.gstreamer, addr, transport); err != nil && len(got) == 0 {
						t.Fatal(err)
					}
					e.came(t, <-got, packets, tail)
				})
			}
		})
	}
}
