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
	"github.com/livestill/livestill/internal/peer"
)

// encode has the real ffmpeg encode raw pictures of w by h, all of them of one key interval, one second apart. The last of args
// is ffmpeg's output format. Only ivf is cut into units; in others all that ffmpeg writes is one.
func encode(tb testing.TB, codec frame.Codec, raw []byte, pixels string, w, h int, args ...string) frame.GOP {
	tb.Helper()
	peer.Needs(tb, "ffmpeg")
	all := append([]string{"-nostdin", "-v", "error", "-f", "rawvideo", "-pix_fmt", pixels, "-s", fmt.Sprintf("%dx%d", w, h),
		"-r", "1", "-i", "pipe:0"}, args[:len(args)-1]...)
	cmd := exec.CommandContext(tb.Context(), "ffmpeg", append(all, "-f", args[len(args)-1], "pipe:1")...)
	cmd.Stdin = bytes.NewReader(raw)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		tb.Fatalf("ffmpeg %q: %v\n%s", args, err, stderr.Bytes())
	}
	units := [][]byte{stdout.Bytes()}
	if args[len(args)-1] == "ivf" {
		units = ivf(stdout.Bytes())
	}
	var g frame.GOP
	for i, data := range units {
		at := time.Duration(i) * time.Second
		g = append(g, frame.AccessUnit{Codec: codec, Key: i == 0, PTS: at, DTS: at, Time: frametest.Epoch.Add(at), Data: data})
	}
	return g
}

// ivf returns the frames of an IVF file.
func ivf(file []byte) (units [][]byte) {
	const header, frameHeader = 32, 12
	for b := file[header:]; len(b) > 0; {
		size := int(binary.LittleEndian.Uint32(b))
		units = append(units, b[frameHeader:frameHeader+size])
		b = b[frameHeader+size:]
	}
	return units
}
