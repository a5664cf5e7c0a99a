package feed_test

import (
	"encoding/base64"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/feed"
	"github.com/livestill/livestill/frame/frametest"
)

// TestRTP has the real ffmpeg send a clip in RTP packets, and its reports in RTCP packets to the same port.
func TestRTP(t *testing.T) {
	clip := frametest.Clip{BFrames: 2, Frames: 40}
	want := clip.Units(t)
	for about, inBand := range map[string]bool{"parameter sets in band": true, "parameter sets from the description": false} {
		t.Run(about, func(t *testing.T) {
			conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_, port, _ := net.SplitHostPort(conn.LocalAddr().String())
			r := feed.RTP{Codec: frame.H264}
			filter := "h264_mp4toannexb"
			if !inBand {
				filter += ",filter_units=remove_types=7-8"
				if err := r.Config(fromSDP(t, clip)...); err != nil {
					t.Fatal(err)
				}
			}
			frametest.Run(t, "-re", "-i", clip.File(t), "-c", "copy", "-an", "-bsf:v", filter, "-f", "rtp", "rtp://127.0.0.1:"+port+"?rtcpport="+port)
			var units []frame.AccessUnit
			packet := make([]byte, 2048)
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			for len(units) < len(want) {
				n, _, err := conn.ReadFrom(packet)
				if err != nil {
					t.Fatalf("after %d units: %v", len(units), err)
				}
				more, err := r.Packet(packet[:n])
				if err != nil {
					t.Fatal(err)
				}
				units = append(units, more...)
			}
			var check frame.Check
			sourced := false
			for i, u := range units {
				if err := check.Unit(&u); err != nil {
					t.Error(err)
				}
				units[i].DTS = want[i].DTS // RTP tells of none
				sourced = sourced || u.SourceTime
			}
			same(t, units, want)
			if !sourced {
				t.Error("no unit has the source's time, which is in its reports")
			}
		})
	}
}

// fromSDP returns the parameter sets that ffmpeg puts into its session description.
func fromSDP(t *testing.T, clip frametest.Clip) (sets [][]byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sdp")
	if output, err := frametest.Run(t, "-i", clip.File(t), "-c", "copy", "-an", "-f", "rtp", "-sdp_file", path, "rtp://127.0.0.1:9").Wait(); err != nil {
		t.Fatal(err, output)
	}
	sdp, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(sdp), "sprop-parameter-sets=")
	if !found {
		t.Fatalf("no parameter sets in %s", sdp)
	}
	rest, _, _ = strings.Cut(rest, ";")
	for s := range strings.SplitSeq(strings.TrimSpace(rest), ",") {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, b)
	}
	return sets
}
