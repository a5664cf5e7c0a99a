package rtsp_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/internal/peer"
	"github.com/livestill/livestill/rtsp"
)

// withHosts tells whether the test runs on the first of the hosts that testdata/two-hosts.sh makes, where there is multicast. If not,
// it has run the test again there, and the caller returns.
func withHosts(t *testing.T) bool {
	t.Helper()
	const marker = "LIVESTILL_TEST_HOSTS"
	if os.Getenv(marker) != "" {
		return true
	}
	peer.Needs(t, "testdata/two-hosts.sh")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{self, "-test.v", "-test.count=1", "-test.run=^" + t.Name() + "$"}
	if end, ok := t.Deadline(); ok { // so that what hangs there is shown
		args = append(args, "-test.timeout="+(time.Until(end)*9/10).String())
	}
	cmd := exec.CommandContext(t.Context(), "testdata/two-hosts.sh", args...)
	cmd.Env = append(os.Environ(), marker+"=1")
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("on a host of its own, which takes root, unshare, nsenter and ip: %v\n%s", err, output)
	}
	t.Logf("%s", output)
	return false
}

// multicast makes s offer multicast, once it is started.
func (s *server) multicast() {
	s.MulticastIPRange, s.MulticastRTPPort, s.MulticastRTCPPort = "239.4.0.0/16", 8000, 8001
}

// secure makes s a server of TLS and c its Client.
func secure(t *testing.T, s *server, c *rtsp.Client) {
	t.Helper()
	web := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	t.Cleanup(web.Close)
	s.TLSConfig, c.TLSConfig = web.TLS, web.Client().Transport.(*http.Transport).TLSClientConfig
}

func TestMulticast(t *testing.T) {
	if !withHosts(t) {
		return
	}
	for _, test := range []struct {
		about string
		clip  frametest.Clip
		tls   bool
	}{
		{"plain", frametest.Clip{BFrames: 2}, false},
		{"pictures of many packets", frametest.Clip{Width: 320, Height: 180, Noise: 10}, false}, // a second of them fits in a socket
		{"SRTP, agreed upon over TLS", frametest.Clip{}, true},
	} {
		t.Run(test.about, func(t *testing.T) {
			var s server
			c := rtsp.Client{Transport: rtsp.Multicast}
			if test.tls {
				secure(t, &s, &c)
			}
			s.multicast()
			s.start(t, "", true)
			s.publish(t, test.clip)
			c.URL = s.url()
			_, units := collect(t, &c, 50)
			check(t, units, test.clip.Units(t))
			s.playedOnce(t, gortsplib.TransportUDPMulticast)
		})
	}
	t.Run("not by default", func(t *testing.T) {
		var s server
		s.multicast()
		s.start(t, "", false)
		s.publish(t, frametest.Clip{})
		collect(t, &rtsp.Client{URL: s.url()}, 1)
		s.playedOnce(t, gortsplib.TransportTCP)
	})
	t.Run("nothing comes", func(t *testing.T) {
		var s server
		s.multicast()
		s.start(t, "", true)
		s.offer(t, idleVideo())
		fails(t, &rtsp.Client{URL: s.url(), Transport: rtsp.Multicast, Timeout: time.Second}, rtsp.ErrSilent,
			"rtsp: receive cam from "+s.addr+": the server is silent over UDP multicast")
	})
}

// idleVideo is a media that no server here ever sends anything of.
func idleVideo() *description.Media {
	return &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{&format.H264{PayloadTyp: 96, PacketizationMode: 1}}}
}

// playedOnce checks that s has played once, over want.
func (s *server) playedOnce(t *testing.T, want gortsplib.Transport) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.played) != 1 || s.played[0] != want {
		t.Errorf("it was played over %v, want %v", s.played, want)
	}
}

// fails checks that c logs the text, twice since it tries again, and that its streams, if it has some, end with want.
func fails(t *testing.T, c *rtsp.Client, want error, text string) {
	t.Helper()
	log := make(transcript, 1000)
	c.Timeout = cmp.Or(c.Timeout, ample)
	c.Logger, c.Retry, c.MaxRetry = slog.New(slog.NewTextHandler(log, nil)), time.Millisecond, 50*time.Millisecond
	c.Handler = frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		for _, err := range s.Units {
			if err != nil && !errors.Is(err, want) && !errors.Is(err, errStop) {
				t.Errorf("the stream ended with %v", err)
			}
		}
		return nil
	})
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	log.await(t, text)
	log.await(t, text)
	cancel(errStop)
	if err := <-done; !errors.Is(err, errStop) {
		t.Errorf("Run returned %v, want the cause of its context", err)
	}
}

func TestTransports(t *testing.T) {
	for _, test := range []struct {
		about     string
		transport rtsp.Transport
		udp, tls  bool
		want      gortsplib.Transport
	}{
		{"UDP", rtsp.UDP, true, false, gortsplib.TransportUDP},
		{"TCP, though the server has UDP", rtsp.TCP, true, false, gortsplib.TransportTCP},
		{"SRTP over UDP", rtsp.UDP, true, true, gortsplib.TransportUDP},
		{"TCP and TLS", rtsp.TCP, true, true, gortsplib.TransportTCP},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			var s server
			c := rtsp.Client{Transport: test.transport}
			if test.tls {
				secure(t, &s, &c)
			}
			s.start(t, "", test.udp)
			s.publish(t, frametest.Clip{})
			c.URL = s.url()
			_, units := collect(t, &c, 35)
			check(t, units, frametest.Clip{}.Units(t))
			s.playedOnce(t, test.want)
		})
	}
	for _, transport := range []rtsp.Transport{rtsp.UDP, rtsp.Multicast} {
		t.Run("no "+transport.String(), func(t *testing.T) {
			t.Parallel()
			var s server
			s.start(t, "", false)
			s.offer(t, idleVideo())
			fails(t, &rtsp.Client{URL: s.url(), Transport: transport}, rtsp.ErrTransport,
				"rtsp: setup cam from "+s.addr+": the server does not offer the transport: bad status code: 461")
		})
	}
	err := (&rtsp.Client{URL: "rtsp://127.0.0.1/cam", Handler: ingesttest.Refuse(t), Transport: 7}).Run(context.Background())
	if err == nil || err.Error() != "rtsp: configure cam from 127.0.0.1: there is no Transport(7)" {
		t.Errorf("another transport: %v", err)
	}
}
