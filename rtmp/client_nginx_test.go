package rtmp_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/internal/peer"
	"github.com/livestill/livestill/rtmp"
)

// nginx starts a real nginx with its RTMP module on addr, with app live, and waits until it listens. It is killed by stop, or when
// the test ends. In a test that cannot have it, it fails.
func nginx(t *testing.T, addr, directives string) (stop func()) {
	t.Helper()
	peer.Needs(t, "nginx")
	dir := t.TempDir()
	conf, log := filepath.Join(dir, "nginx.conf"), filepath.Join(dir, "log")
	text := fmt.Sprintf(`load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
		daemon off; master_process off; pid %s/pid; error_log %s;
		events {}
		rtmp { server { listen %s; application live { live on; %s } } }`, dir, log, addr, directives)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "nginx", "-c", conf, "-p", dir, "-e", log)
	var output bytes.Buffer
	cmd.Stderr = &output
	if err := cmd.Start(); err != nil {
		t.Fatalf("this test needs nginx with its RTMP module, in Debian the package libnginx-mod-rtmp: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	for retry := time.NewTicker(10 * time.Millisecond); ; {
		if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr); err == nil {
			_ = conn.Close()
			retry.Stop()
			return stop
		}
		select {
		case <-retry.C:
			continue
		case <-ended:
		}
		stop()
		logged, _ := os.ReadFile(log)
		t.Fatalf("nginx with its RTMP module, in Debian the package libnginx-mod-rtmp, does not listen:\n%s%s", &output, logged)
	}
}

// An event is what befalls a stream that a Client plays.
type event struct {
	stream *frame.Stream    // it began
	unit   frame.AccessUnit // it has a unit, if Data is not nil
	err    error            // it ended; nil if it ended well
}

// events is a Handler that tells all.
type events chan event

func (e events) ServeStream(ctx context.Context, s *frame.Stream) error {
	send := func(ev event) bool {
		select {
		case e <- ev:
			return true
		case <-ctx.Done():
			return false
		}
	}
	send(event{stream: s})
	var last error
	for u, err := range s.Units {
		if last = err; err == nil && !send(event{unit: u}) {
			break
		}
	}
	send(event{err: last})
	return last
}

// next returns the next event.
func (e events) next(t *testing.T) event {
	t.Helper()
	return <-e
}

// begun waits for the next stream to begin, whatever comes before.
func (e events) begun(t *testing.T) *frame.Stream {
	t.Helper()
	for {
		if ev := e.next(t); ev.stream != nil {
			return ev.stream
		}
	}
}

// units returns the next n units of one stream, which must not end before.
func (e events) units(t *testing.T, n int) (units []frame.AccessUnit) {
	t.Helper()
	for len(units) < n {
		ev := e.next(t)
		if ev.unit.Data == nil {
			t.Fatalf("after %d units: %+v", len(units), ev)
		}
		units = append(units, ev.unit)
	}
	return units
}

// ended waits for the stream to end and returns how.
func (e events) ended(t *testing.T) error {
	t.Helper()
	for {
		if ev := e.next(t); ev.stream == nil && ev.unit.Data == nil {
			return ev.err
		}
	}
}

// run runs a Client until the test ends or stop is called.
func run(t *testing.T, c *rtmp.Client) (stop func()) {
	t.Helper()
	c.Logger, c.Timeout = cmp.Or(c.Logger, slog.New(slog.DiscardHandler)), cmp.Or(c.Timeout, ample)
	if c.Retry == 0 {
		c.Retry, c.MaxRetry = 10*time.Millisecond, 50*time.Millisecond
	}
	return ingesttest.Run(t, c.Run)
}

// same checks that units are those of the clip, published over and over, from one of its key units on, with its times between them.
func same(t *testing.T, units []frame.AccessUnit, clip frametest.Clip) {
	t.Helper()
	want := clip.Units(t)
	at := slices.IndexFunc(want, func(u frame.AccessUnit) bool { return bytes.Equal(u.Data, units[0].Data) })
	if at < 0 || !units[0].Key {
		t.Fatalf("begins with unit %d of the clip, key %v", at, units[0].Key)
	}
	for i, u := range units {
		w := want[(at+i)%len(want)]
		if !bytes.Equal(u.Data, w.Data) || u.Key != w.Key || u.Lost || u.Codec != frame.H264 {
			t.Errorf("unit %d differs from what was published", i)
		}
		lap := time.Duration((at+i)/len(want)*len(want)) * time.Second / 30
		late, rounding := u.DTS-units[0].DTS-(lap+w.DTS-want[at].DTS), time.Duration(0)
		if lap > 0 {
			rounding = time.Millisecond
		}
		if late.Abs() > rounding || u.PTS-u.DTS != w.PTS-w.DTS {
			t.Errorf("unit %d: PTS %v, DTS %v; published with %v, %v, in lap %v", i, u.PTS-units[0].DTS, u.DTS-units[0].DTS, w.PTS, w.DTS, lap)
		}
		if age := time.Since(u.Time); age.Abs() > ample {
			t.Errorf("unit %d was shown %v ago", i, age)
		}
	}
}

func TestClientPlaysFromNginx(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		about string
		clip  frametest.Clip
		args  []string
	}{
		{"low latency", plain, nil},
		{"B-frames", reordered, nil},
		{"with sound", reordered, []string{"-re", "-f", "lavfi", "-i", "sine=frequency=440", "-c:a", "aac"}},
		{"large pictures", frametest.Clip{Width: 1280, Height: 720, Noise: 20}, nil},
	} {
		t.Run(c.about, func(t *testing.T) {
			t.Parallel()
			addr := frametest.FreeAddr(t)
			nginx(t, addr, "")
			got := make(events)
			stop := run(t, &rtmp.Client{URL: "rtmp://" + addr + "/live/cam?quality=best", Handler: got})
			c.clip.Loop(t, "rtmp://"+addr+"/live/cam", c.args...)
			s := got.begun(t)
			if s.Name != "live/cam" || s.Query.Get("quality") != "best" || s.Remote.String() != addr ||
				s.URL != "rtmp://"+addr+"/live/cam" || s.TLS != nil {
				t.Errorf("stream %s from %v, query %v, URL %s, TLS %v", s.Name, s.Remote, s.Query, s.URL, s.TLS)
			}
			same(t, got.units(t, 50), c.clip)
			stop()
		})
	}
}

// A publisher that is killed and comes back. However nginx tells its players, there are two streams, and no unit of both.
func TestPublisherRestarts(t *testing.T) {
	t.Parallel()
	for about, directives := range map[string]string{
		"by StreamEOF alone": "", "by UnpublishNotify": "publish_notify on;", "by Play.Stop": "play_restart on;",
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			addr := frametest.FreeAddr(t)
			nginx(t, addr, directives)
			got := make(events)
			run(t, &rtmp.Client{URL: "rtmp://" + addr + "/live/cam", Handler: got})
			for _, clip := range []frametest.Clip{reordered, plain} {
				p := clip.Loop(t, "rtmp://"+addr+"/live/cam")
				got.begun(t)
				same(t, got.units(t, 40), clip)
				p.Kill()
				if err := got.ended(t); err != nil {
					t.Errorf("the publisher left, and the stream ended with %v", err)
				}
			}
		})
	}
}

// nginx knows no stream that nobody publishes, and hangs up when the publisher does. A Client asks again, and joins in the middle.
func TestPublisherComesLate(t *testing.T) {
	t.Parallel()
	clip := frametest.Clip{GOP: 15, BFrames: 2}
	clip.File(t)
	addr := frametest.FreeAddr(t)
	nginx(t, addr, "idle_streams off;")
	refused := make(chan struct{}, 1)
	got := make(events)
	run(t, &rtmp.Client{URL: "rtmp://" + addr + "/live/cam", Handler: got, Logger: textLogger(writerFunc(func(b []byte) {
		if strings.Contains(string(b), "NetStream.Play.StreamNotFound") {
			select {
			case refused <- struct{}{}:
			default:
			}
		}
	}))})
	for range 2 {
		<-refused
		<-refused
		p := clip.Loop(t, "rtmp://"+addr+"/live/cam")
		got.begun(t)
		same(t, got.units(t, 40), clip)
		p.Kill()
		_ = got.ended(t)
	}
}

func TestServerRestarts(t *testing.T) {
	t.Parallel()
	addr := frametest.FreeAddr(t)
	stop := nginx(t, addr, "")
	got := make(events)
	run(t, &rtmp.Client{URL: "rtmp://" + addr + "/live/cam", Handler: got})
	for range 2 {
		plain.Loop(t, "rtmp://"+addr+"/live/cam")
		if s := got.begun(t); s.Name != "live/cam" {
			t.Errorf("stream %s", s.Name)
		}
		same(t, got.units(t, 40), plain)
		stop()
		var wrapped *rtmp.Error
		if err := got.ended(t); !errors.As(err, &wrapped) || wrapped.Step != "receive" || wrapped.Stream != "live/cam" {
			t.Errorf("the stream ended with %v", err)
		}
		stop = nginx(t, addr, "")
	}
}

// A Client pulls over TLS, from a proxy that speaks it for nginx.
func TestClientPlaysOverTLS(t *testing.T) {
	t.Parallel()
	addr := frametest.FreeAddr(t)
	nginx(t, addr, "")
	port, trust := tlsProxy(t, addr)
	plain.Loop(t, "rtmp://"+addr+"/live/cam")
	got := make(events)
	run(t, &rtmp.Client{URL: "rtmps://localhost:" + port + "/live/cam", Handler: got, TLSConfig: trust})
	if s := got.begun(t); s.TLS == nil || s.TLS.Version != tls.VersionTLS13 {
		t.Errorf("TLS state %v", s.TLS)
	}
	if u := got.units(t, 20); !u[0].Key {
		t.Error("begins with no key unit")
	}
	awaitLog(t, &rtmp.Client{URL: "rtmps://localhost:" + port + "/live/cam", Handler: ingesttest.Refuse(t)}, "failed to verify certificate")
	awaitLog(t, &rtmp.Client{URL: "rtmps://127.0.0.1:" + port + "/live/cam", Handler: ingesttest.Refuse(t), TLSConfig: trust}, "cannot validate certificate")
	awaitLog(t, &rtmp.Client{URL: "rtmps://" + addr + "/live/cam", Handler: ingesttest.Refuse(t), Timeout: time.Second}, "handshake live/cam from "+addr)
}

// tlsProxy speaks TLS for addr, on the returned port of localhost, with a certificate that trust trusts.
func tlsProxy(t *testing.T, addr string) (port string, trust *tls.Config) {
	t.Helper()
	cert := selfSigned(t)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	proxy(t, ln, addr)
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	trust = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	trust.RootCAs.AddCert(leaf)
	_, port, _ = net.SplitHostPort(ln.Addr().String())
	return port, trust
}

// proxy passes the connections of ln on to addr until the test ends.
func proxy(t *testing.T, ln net.Listener, addr string) {
	t.Helper()
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := new(net.Dialer).DialContext(context.Background(), "tcp", addr)
			if err != nil {
				t.Error(err)
				_ = in.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
				conns.Go(func() {
					_, _ = io.Copy(way[0], way[1])
					_ = way[0].Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		conns.Wait()
	})
}
