package ffmpeg_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// encode has the real ffmpeg encode raw pictures of w by h, all of them of one key interval, one second apart. The last of args
// is ffmpeg's output format: h264, hevc, obu and mjpeg are cut into units where that needs no parser, ivf always is.
func encode(t testing.TB, codec frame.Codec, raw []byte, pixels string, w, h int, args ...string) frame.GOP {
	t.Helper()
	all := append([]string{"-nostdin", "-v", "error", "-f", "rawvideo", "-pix_fmt", pixels, "-s", fmt.Sprintf("%dx%d", w, h),
		"-r", "1", "-i", "pipe:0"}, args[:len(args)-1]...)
	cmd := exec.CommandContext(t.Context(), "ffmpeg", append(all, "-f", args[len(args)-1], "pipe:1")...)
	cmd.Stdin = bytes.NewReader(raw)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("ffmpeg %q: %v\n%s", args, err, stderr.Bytes())
	}
	units := [][]byte{stdout.Bytes()}
	if args[len(args)-1] == "ivf" {
		units = ivf(t, stdout.Bytes())
	}
	var g frame.GOP
	for i, data := range units {
		at := time.Duration(i) * time.Second
		g = append(g, frame.AccessUnit{Codec: codec, Key: i == 0, PTS: at, DTS: at, Time: frametest.Epoch.Add(at), Data: data})
	}
	return g
}

// ivf returns the frames of an IVF file.
func ivf(t testing.TB, file []byte) (units [][]byte) {
	t.Helper()
	const header, frameHeader = 32, 12
	for b := file[header:]; len(b) > 0; {
		size := int(binary.LittleEndian.Uint32(b))
		units = append(units, b[frameHeader:frameHeader+size])
		b = b[frameHeader+size:]
	}
	return units
}
