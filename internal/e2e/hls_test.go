package e2e_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// TestHLSPositions has a real ffmpeg publish over RTMP and write segments of HLS at the same time, and captures what a viewer of these sees: by
// the ticks in the segments, and by the date in the playlist.
func TestHLSPositions(t *testing.T) {
	clip := frametest.Clip{FPS: 30, Frames: 90, GOP: 30, BFrames: 2}
	cam := camera()
	ended := make(chan error, 1)
	url := listen(t, frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		err := cam.ServeStream(ctx, s)
		ended <- err
		return err
	}))
	playlist := filepath.Join(t.TempDir(), "live.m3u8")
	out, err := frametest.Run(t, "-i", clip.File(t), "-map", "0:v", "-c", "copy", "-flags", "+global_header", "-muxdelay", "0", "-muxpreload", "0",
		"-f", "tee", "[f=flv]"+url+"hls|[f=hls:hls_time=1:hls_list_size=0:hls_flags=program_date_time]"+playlist).Wait()
	if err := errors.Join(err, <-ended); err != nil {
		t.Fatal(err, out)
	}
	check := func(m capture.Moment, want int) {
		t.Helper()
		still, err := cam.Capture(t.Context(), capture.Request{Moment: m, Tolerance: -1})
		if err != nil {
			t.Error(err)
		} else if n := number(t, still); n != want {
			t.Errorf("%v: frame %d, want %d", m, n, want)
		}
	}
	segments, err := filepath.Glob(filepath.Join(filepath.Dir(playlist), "*.ts"))
	if err != nil || len(segments) != 3 {
		t.Fatalf("%d segments, %v", len(segments), err)
	}
	for i, segment := range segments {
		ticks := ticksOf(t, segment)
		// The last few are not decided: a picture that is shown before them might still come.
		for n, pts := range ticks[:len(ticks)-4] {
			check(capture.AtTicks(pts), 30*i+n)
		}
	}
	text, err := os.ReadFile(playlist)
	if err != nil {
		t.Fatal(err)
	}
	dates := 0
	for line := range strings.Lines(string(text)) {
		if date, ok := strings.CutPrefix(strings.TrimSpace(line), "#EXT-X-PROGRAM-DATE-TIME:"); ok {
			if _, err := capture.AtProgramDateTime(date, time.Second); err != nil {
				t.Error(err)
			}
			dates++
		}
	}
	if dates != len(segments) {
		t.Errorf("%d dates in\n%s", dates, text)
	}
}

// ticksOf returns when the pictures of a segment are shown, in order.
func ticksOf(t *testing.T, segment string) (ticks []uint64) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts", "-of", "csv=p=0",
		segment).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' || r == ',' }) {
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks = append(ticks, n)
	}
	slices.Sort(ticks)
	return ticks
}
