package rtmp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/peer"
	"github.com/livestill/livestill/rtmp"
)

// GStreamer publishes in two ways: rtmp2sink speaks an RTMP of its own, rtmpsink is librtmp, of which OBS has a fork and which
// many encoders are built on.
var gstreamerSinks = []string{"rtmp2sink", "rtmpsink"}

// gstreamer runs a real GStreamer pipeline to its end. Debian has what it takes in gstreamer1.0-tools and in the base, good and
// bad gstreamer1.0-plugins.
func gstreamer(t *testing.T, pipeline string, args ...any) error {
	t.Helper()
	peer.Needs(t, "gst-launch-1.0")
	line := append([]string{"-q"}, strings.Fields(fmt.Sprintf(pipeline, args...))...)
	output, err := exec.CommandContext(t.Context(), "gst-launch-1.0", line...).CombinedOutput()
	if err != nil || bytes.Contains(output, []byte("ERROR")) {
		return fmt.Errorf("gst-launch-1.0: %w\n%s", err, output)
	}
	return nil
}

// What GStreamer publishes arrives as it was encoded, byte by byte, and both sides say that it ended well.
func TestGStreamerPublishes(t *testing.T) {
	for _, sink := range gstreamerSinks {
		for _, c := range []struct {
			what  string
			clip  frametest.Clip
			sound string // the other branch of the pipeline
		}{
			{"low latency", plain, ""},
			{"B-frames", reordered, ""},
			{"with audio", reordered, "audiotestsrc num-buffers=87 ! voaacenc ! aacparse ! mux."},
		} {
			t.Run(sink+" "+c.what, func(t *testing.T) {
				t.Parallel()
				got := make(recorder, 1)
				addr, _ := start(t, &rtmp.Server{Handler: got})
				if err := gstreamer(t, "flvmux name=mux streamable=true ! %s sync=false location=rtmp://%s/live/key "+
					"filesrc location=%s ! flvdemux ! h264parse ! mux. %s", sink, addr, c.clip.File(t), c.sound); err != nil {
					t.Error(err)
				}
				arrived(t, <-got, "live/key", c.clip.Units(t))
			})
		}
	}
}

// arrived checks that a recording has the units that were published. Their timestamps may begin elsewhere, and decoding times
// that were before zero may be cut off: flvmux does both.
func arrived(t *testing.T, r recording, name string, want []frame.AccessUnit) {
	t.Helper()
	if r.name != name || r.err != nil || len(r.units) != len(want) {
		t.Fatalf("%s: %d units, then %v; want %s, %d units", r.name, len(r.units), r.err, name, len(want))
	}
	shift := r.units[0].PTS - want[0].PTS
	for i, u := range r.units {
		if !bytes.Equal(u.Data, want[i].Data) || u.Key != want[i].Key || u.PTS != want[i].PTS+shift || u.DTS > u.PTS || u.Lost {
			t.Errorf("unit %d differs from what was encoded: %d bytes, key %v, PTS %v, DTS %v, lost %v; want %d bytes, key %v, PTS %v",
				i, len(u.Data), u.Key, u.PTS, u.DTS, u.Lost, len(want[i].Data), want[i].Key, want[i].PTS+shift)
		}
	}
}

// An encoder in the pipeline, with no file in between, names its parameter sets and key pictures as it likes.
func TestGStreamerEncodes(t *testing.T) {
	for _, sink := range gstreamerSinks {
		t.Run(sink, func(t *testing.T) {
			t.Parallel()
			got := make(recorder, 1)
			addr, _ := start(t, &rtmp.Server{Handler: got})
			err := gstreamer(t, "videotestsrc num-buffers=60 ! video/x-raw,width=320,height=180,framerate=30/1 ! "+
				"openh264enc gop-size=30 ! h264parse ! flvmux streamable=true ! %s sync=false location=rtmp://%s/live/key", sink, addr)
			if err != nil {
				t.Error(err)
			}
			check(t, <-got, "live/key", 60, 2)
		})
	}
}

func TestRefusalReachesGStreamer(t *testing.T) {
	addr, _ := start(t, &rtmp.Server{Handler: frame.HandlerFunc(func(context.Context, *frame.Stream) error {
		return errors.New("no such key")
	})})
	for _, sink := range gstreamerSinks {
		t.Run(sink, func(t *testing.T) {
			t.Parallel()
			if err := gstreamer(t, "filesrc location=%s ! flvdemux ! h264parse ! flvmux streamable=true ! "+
				"%s sync=false location=rtmp://%s/live/key", plain.File(t), sink, addr); err == nil {
				t.Error("noticed nothing")
			}
		})
	}
}
