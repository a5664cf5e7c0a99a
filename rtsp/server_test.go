package rtsp_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/internal/peer"
	"github.com/livestill/livestill/rtsp"
)

// A taking is what a Handler got of one stream.
type taking struct {
	ended  time.Time // when there was no more to take, or no more wanted
	stream *frame.Stream
	units  []frame.AccessUnit
	err    error // the last of Units
}

// A taker is a Handler that takes whole streams.
type taker chan taking

func (r taker) ServeStream(ctx context.Context, s *frame.Stream) error {
	return takeSome{r, math.MaxInt}.ServeStream(ctx, s)
}

// A takeSome is a Handler that hangs up after so many units.
type takeSome struct {
	taker
	most int
}

func (r takeSome) ServeStream(_ context.Context, s *frame.Stream) error {
	got := taking{stream: s}
	for u, err := range s.Units {
		if err != nil {
			got.err = err
			break
		}
		if got.units = append(got.units, u); len(got.units) == r.most {
			break
		}
	}
	got.ended = time.Now()
	r.taker <- got
	return got.err
}

// listen runs the server on a free port of the loopback interface until the test ends or stop is called, and returns host:port.
func listen(tb testing.TB, s *rtsp.Server) (addr string, stop func()) {
	tb.Helper()
	ln := ingesttest.Listen(tb)
	s.PublishTimeout, s.IdleTimeout = cmp.Or(s.PublishTimeout, ample), cmp.Or(s.IdleTimeout, ample)
	return ln.Addr().String(), run(tb, s, ln)
}

func run(tb testing.TB, s *rtsp.Server, ln net.Listener) (stop func()) {
	tb.Helper()
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	return ingesttest.Run(tb, func(ctx context.Context) error { return s.Serve(ctx, ln) })
}

// ffmpeg runs a real ffmpeg that publishes a clip once, and returns when it has ended.
func ffmpeg(t *testing.T, clip frametest.Clip, url string, args ...string) (output string, err error) {
	t.Helper()
	line := []string{"-readrate", "2", "-i", clip.File(t)}
	return frametest.Run(t, append(append(line, args...), "-f", "rtsp", url)...).Wait()
}

// gstreamer runs a real GStreamer pipeline until got has a stream or it ends by itself, as rtspclientsink does when it is refused;
// after the end of its input it does not always. Debian has what it takes in gstreamer1.0-tools, gstreamer1.0-rtsp and in the base,
// good and bad gstreamer1.0-plugins.
func gstreamer(t *testing.T, got taker, pipeline string, args ...any) error {
	t.Helper()
	peer.Needs(t, "gst-launch-1.0")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	line := append([]string{"-q"}, strings.Fields(fmt.Sprintf(pipeline, args...))...)
	exited := make(chan error, 1)
	var running sync.WaitGroup
	running.Go(func() {
		output, err := exec.CommandContext(ctx, "gst-launch-1.0", line...).CombinedOutput()
		if err != nil || bytes.Contains(output, []byte("ERROR")) {
			err = fmt.Errorf("gst-launch-1.0: %w\n%s", err, output)
		}
		exited <- err
	})
	defer running.Wait()
	defer cancel()
	select {
	case stream := <-got:
		got <- stream
		return nil
	case err := <-exited:
		return err
	}
}

// overtaken is how many units of 60 that are published over UDP may be on their way when TEARDOWN overtakes them: those of most of a
// second, for which a busy machine may stall the server.
const overtaken = 50

// arrived checks that what was taken is what was published, except for the last few that are allowed to miss.
func arrived(t *testing.T, got taking, want []frame.AccessUnit, miss int) {
	t.Helper()
	if got.err != nil || got.stream.Name != "live/cam" || len(got.units) > len(want) || len(got.units) < len(want)-miss {
		t.Fatalf("%s: %d units, then %v; want %d", got.stream.Name, len(got.units), got.err, len(want))
	}
	shift := got.units[0].PTS - want[0].PTS
	for i, u := range got.units {
		off := u.PTS - want[i].PTS - shift
		if !bytes.Equal(u.Data, want[i].Data) || u.Key != want[i].Key || u.Lost || off.Abs() > 2*time.Millisecond || u.DTS > u.PTS {
			t.Errorf("unit %d: %d bytes, key %v, lost %v, PTS %v off, DTS %v before; want %d bytes, key %v",
				i, len(u.Data), u.Key, u.Lost, off, u.PTS-u.DTS, len(want[i].Data), want[i].Key)
		}
		if i > 0 && u.DTS < got.units[i-1].DTS {
			t.Errorf("unit %d: DTS %v after %v", i, u.DTS, got.units[i-1].DTS)
		}
		if age := got.ended.Sub(u.Time); age.Abs() > ample { // many are sent faster than they are shown
			t.Errorf("unit %d was shown %v before the end", i, age)
		}
	}
}

// certificate returns a TLS configuration that nobody vouches for.
func certificate() *tls.Config {
	web := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer web.Close()
	return web.TLS
}

// TestFFmpegPublishes publishes clips with the real ffmpeg, in every way that it has.
func TestFFmpegPublishes(t *testing.T) {
	sound := []string{"-f", "lavfi", "-i", "sine=duration=2", "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac"}
	for _, test := range []struct {
		about     string
		clip      frametest.Clip
		transport string // empty: ffmpeg's choice
		tls       bool
		args      []string
	}{
		{"TCP", frametest.Clip{}, "tcp", false, nil},
		{"UDP", frametest.Clip{}, "udp", false, nil},
		{"as it likes", frametest.Clip{}, "", false, nil},
		{"B-frames over TCP", frametest.Clip{BFrames: 2}, "tcp", false, nil},
		{"B-frames over UDP", frametest.Clip{BFrames: 2}, "udp", false, nil},
		{"with AAC over TCP", frametest.Clip{BFrames: 2}, "tcp", false, sound},
		{"with AAC over UDP", frametest.Clip{}, "udp", false, sound},
		{"larger pictures over UDP", frametest.Clip{Width: 640, Height: 360, Noise: 10}, "udp", false, nil},
		{"TLS", frametest.Clip{BFrames: 2}, "tcp", true, nil},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			got := make(taker, 1)
			s := &rtsp.Server{Handler: got, UDPAddr: "127.0.0.1:0"}
			scheme := "rtsp://"
			if test.tls {
				s.TLSConfig, scheme = certificate(), "rtsps://"
			}
			addr, _ := listen(t, s)
			args := test.args
			if args == nil {
				args = []string{"-c", "copy"}
			}
			if test.transport != "" {
				args = append(args, "-rtsp_transport", test.transport)
			}
			url := scheme + addr + "/live/cam"
			if output, err := ffmpeg(t, test.clip, url+"?key=val", args...); err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			miss := 0
			if test.transport == "udp" || test.transport == "" {
				miss = overtaken
			}
			stream := <-got
			arrived(t, stream, test.clip.Units(t), miss)
			if s := stream.stream; s.URL != url+"?key=val" || s.Query.Get("key") != "val" || (s.TLS != nil) != test.tls ||
				!s.Remote.(*net.TCPAddr).IP.IsLoopback() {
				t.Errorf("stream at %s, query %v, TLS %v, from %v", s.URL, s.Query, s.TLS, s.Remote)
			}
		})
	}
}

// TestFFmpegFallsBack publishes to a server that takes no UDP, with an ffmpeg that was not told.
func TestFFmpegFallsBack(t *testing.T) {
	got := make(taker, 1)
	addr, _ := listen(t, &rtsp.Server{Handler: got})
	if output, err := ffmpeg(t, frametest.Clip{}, "rtsp://"+addr+"/live/cam", "-c", "copy"); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	arrived(t, <-got, frametest.Clip{}.Units(t), 0)
}

// TestGStreamerPublishes publishes clips with the real rtspclientsink.
func TestGStreamerPublishes(t *testing.T) {
	for _, test := range []struct {
		about string
		clip  frametest.Clip
		tls   bool
		sink  string
		sound string // the other branch of the pipeline
	}{
		{"TCP", frametest.Clip{}, false, "protocols=tcp", ""},
		{"UDP", frametest.Clip{Frames: 90}, false, "protocols=udp", ""},
		{"B-frames over TCP", frametest.Clip{BFrames: 2}, false, "protocols=tcp", ""},
		{"with AAC over TCP", frametest.Clip{}, false, "protocols=tcp", "audiotestsrc num-buffers=87 ! voaacenc ! aacparse ! sink."},
		{"TLS", frametest.Clip{}, true, "protocols=tcp tls-validation-flags=0", ""},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			tail := 2 // units that a sink may keep
			if strings.Contains(test.sink, "udp") {
				tail = 32 // and those of a second, for what hanging up may overtake
			}
			want := test.clip.Units(t)
			got := make(taker, 1)
			s := &rtsp.Server{Handler: takeSome{got, len(want) - tail}, UDPAddr: "127.0.0.1:0"}
			scheme := "rtsp://"
			if test.tls {
				s.TLSConfig, scheme = certificate(), "rtsps://"
			}
			addr, _ := listen(t, s)
			if err := gstreamer(t, got, "rtspclientsink name=sink location=%s%s/live/cam %s filesrc location=%s ! flvdemux ! h264parse ! sink. %s",
				scheme, addr, test.sink, test.clip.File(t), test.sound); err != nil && len(got) == 0 {
				t.Fatal(err)
			}
			arrived(t, <-got, want, tail)
		})
	}
}
