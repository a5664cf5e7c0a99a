package rtsp_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/internal/peer"
	"github.com/livestill/livestill/rtsp"
)

// served is long enough for sender reports and for sessions to expire, which without requests is after three seconds.
var served = frametest.Clip{BFrames: 2, Frames: 300}

// gstServer starts a real gst-rtsp-server that serves the clip until the test ends, on the second of the hosts that testdata/two-hosts.sh
// makes, for it would share no port with a Client. It returns its host:port.
func gstServer(t *testing.T, clip frametest.Clip, args ...string) string {
	t.Helper()
	peer.Needs(t, "testdata/gst-rtsp-server.py")
	args = append([]string{"--net=/proc/self/fd/9", "testdata/gst-rtsp-server.py"}, args...)
	// It ends when its input does, and sometimes it crashes then.
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "nsenter", append(args, clip.File(t))...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("gst-rtsp-server: %s", stderr.Bytes())
		}
	})
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("gst-rtsp-server: %v", err)
	}
	return "10.4.0.2:" + strings.TrimSpace(port)
}

// TestClientPullsGStreamer pulls from the real gst-rtsp-server, for longer than it keeps sessions that send no requests.
func TestClientPullsGStreamer(t *testing.T) {
	if !withHosts(t) {
		return
	}
	for _, test := range []struct {
		about     string
		args      []string
		user      string
		transport rtsp.Transport
	}{
		{"TCP, since the server wants it so", []string{"--transport=TCP"}, "", rtsp.Automatic},
		{"UDP, Basic authentication", []string{"--auth=basic"}, "me:pass@", rtsp.Automatic},
		{"TCP, Digest authentication", []string{"--transport=TCP", "--auth=digest"}, "me:pass@", rtsp.TCP},
		{"UDP multicast, Digest authentication", []string{"--transport=UDP_MCAST", "--auth=digest"}, "me:pass@", rtsp.Multicast},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			addr := gstServer(t, served, append(test.args, "--timeout=2")...)
			if test.user != "" {
				err := (&rtsp.Client{URL: "rtsp://me:wrong@" + addr + "/cam", Handler: ingesttest.Refuse(t), Transport: test.transport}).Run(t.Context())
				if !errors.Is(err, rtsp.ErrUnauthorized) {
					t.Errorf("with a wrong password: %v", err)
				}
			}
			_, units := collect(t, &rtsp.Client{URL: "rtsp://" + test.user + addr + "/cam", Transport: test.transport}, 120)
			check(t, units, served.Units(t))
			if last := units[len(units)-1]; !last.SourceTime || time.Since(last.Time).Abs() > ample {
				t.Errorf("the last unit was shown %v ago, by its source %v", time.Since(last.Time), last.SourceTime)
			}
		})
	}
}

// TestClientPullsGStreamerTLS pulls over TLS from the real gst-rtsp-server, which is not set up for SRTP.
func TestClientPullsGStreamerTLS(t *testing.T) {
	if !withHosts(t) {
		return
	}
	config, _, sum := selfSigned(t, time.Hour)
	key, err := x509.MarshalPKCS8PrivateKey(config.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "camera.pem")
	if err := os.WriteFile(file, append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: config.Certificates[0].Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := gstServer(t, served, "--tls="+file, "--transport=TCP")
	url := "rtsps://" + addr + "/cam"
	_, units := collect(t, &rtsp.Client{URL: url, Fingerprints: []string{sum}}, 30)
	check(t, units, served.Units(t))
	err = (&rtsp.Client{URL: url, Handler: ingesttest.Refuse(t)}).Run(t.Context())
	var cert *rtsp.CertificateError
	if !errors.As(err, &cert) || cert.Fingerprint != colons(sum) {
		t.Errorf("without a fingerprint: %v", err)
	}
	for _, transport := range []rtsp.Transport{rtsp.UDP, rtsp.Multicast} {
		fails(t, &rtsp.Client{URL: url, Fingerprints: []string{sum}, Transport: transport}, rtsp.ErrTransport,
			"rtsp: setup cam from "+addr+": the server does not offer the transport: with TLS that takes SRTP")
	}
}
