package rtsp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtsp"
)

// dialPipe connects to a server in memory.
func dialPipe(t *testing.T, ln *ingesttest.Listener) *raw {
	t.Helper()
	return wrap(t, ln.Dial(), "rtsp://pipe/live/cam")
}

// Every peer below would keep its connection for ever. The server gives each the time that it promises, to the second.
func TestDeadlines(t *testing.T) {
	const publishTimeout, idleTimeout = 10 * time.Second, 30 * time.Second
	units := small(t)
	sdp := describe(units)
	config := certificate()
	for _, test := range []struct {
		about string
		tls   bool
		do    func(r *raw)
		drip  string // then again and again, a byte a second
		want  time.Duration
	}{
		{"says nothing", false, nil, "", publishTimeout},
		{"says nothing, where TLS is spoken", true, nil, "", publishTimeout},
		{"stops in the TLS handshake", true, func(r *raw) { _, _ = r.Write([]byte{22, 3, 1, 2, 0, 1}) }, "", publishTimeout},
		{"stops in a request", false, func(r *raw) { _, _ = io.WriteString(r, "ANNOUNCE rtsp://") }, "", publishTimeout},
		{"drips a request", false, func(r *raw) { _, _ = io.WriteString(r, "ANNOUNCE rtsp://") }, "a", publishTimeout},
		{"drips what is no request", false, nil, "x", publishTimeout},
		{"never announces", false, func(r *raw) { r.want(t, base.StatusOK, "OPTIONS", r.url, "", "") }, "", publishTimeout},
		{"never sets up", false, func(r *raw) { r.want(t, base.StatusOK, "ANNOUNCE", r.url, "", sdp) }, "", publishTimeout},
		{"never records", false, func(r *raw) {
			r.want(t, base.StatusOK, "ANNOUNCE", r.url, "", sdp)
			r.want(t, base.StatusOK, "SETUP", r.url+"/streamid=0", overTCP, "")
		}, "", publishTimeout},
		{"does not take responses", false, func(r *raw) { _, _ = io.WriteString(r, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n") }, "", publishTimeout},
		{"records nothing", false, func(r *raw) { r.record(t, sdp) }, "", idleTimeout},
		{"stops", false, func(r *raw) {
			r.record(t, sdp)
			r.send(t, units[:3]...)
		}, "", idleTimeout},
		{"drips a packet", false, func(r *raw) {
			r.record(t, sdp)
			_, _ = r.Write([]byte{'$', 0, 9, 9})
		}, "x", idleTimeout},
		{"only keeps alive", false, func(r *raw) {
			r.record(t, sdp)
			for range 10 {
				<-time.After(2 * time.Second)
				r.want(t, base.StatusOK, "GET_PARAMETER", r.url, "", "")
			}
		}, "", idleTimeout},
		{"leaves and stays", false, func(r *raw) {
			r.record(t, sdp)
			r.want(t, base.StatusOK, "TEARDOWN", r.url, "", "")
		}, "", publishTimeout},
	} {
		t.Run(test.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				ln := ingesttest.NewListener()
				got := make(taker, 1)
				s := &rtsp.Server{Handler: got, PublishTimeout: publishTimeout, IdleTimeout: idleTimeout}
				if test.tls {
					s.TLSConfig = config
				}
				stop := run(t, s, ln)
				defer stop()
				r := dialPipe(t, ln)
				if test.do != nil {
					test.do(r)
				}
				done := make(chan struct{})
				defer close(done)
				go func() {
					tick := time.NewTicker(time.Second)
					defer tick.Stop()
					for test.drip != "" {
						select {
						case <-tick.C:
							_, _ = io.WriteString(r, test.drip)
						case <-done:
							return
						}
					}
				}()
				if strings.Contains(test.about, "does not take") {
					<-time.After(test.want + time.Second)
				}
				r.closed(t)
				if took := time.Since(begin); took.Truncate(2*time.Second) != test.want {
					t.Errorf("the server hung up after %v, want %v", took, test.want)
				}
				_ = r.Close()
				if test.want == idleTimeout {
					if r := <-got; !errors.Is(r.err, os.ErrDeadlineExceeded) {
						t.Errorf("Units ended with %v", r.err)
					}
				}
			})
		})
	}
}

// TestLimits exceeds each limit, beside a good publisher that loses nothing.
func TestLimits(t *testing.T) {
	clip := frametest.Clip{Width: 640, Height: 360, Noise: 10}
	units := clip.Units(t)
	sdp := describe(units)
	large := frame.AccessUnit{Key: true, Data: append(bytes.Clone(units[0].Data), bytes.Repeat([]byte{1}, 300<<10)...)}
	for _, test := range []struct {
		about   string
		hostile func(t *testing.T, addr string)
		log     string
	}{
		{"garbage", func(t *testing.T, addr string) {
			t.Helper()
			r := dial(t, addr, nil)
			_, _ = r.Write(bytes.Repeat([]byte("REd\x00\xff$"), 1000))
			r.closed(t)
		}, "connection failed"},
		{"a packet before RECORD", func(t *testing.T, addr string) {
			t.Helper()
			r := dial(t, addr, nil)
			_, _ = r.Write([]byte{'$', 0, 0, 1, 0})
			r.closed(t)
		}, "connection failed"},
		{"a response", func(t *testing.T, addr string) {
			t.Helper()
			r := dial(t, addr, nil)
			_, _ = io.WriteString(r, "RTSP/1.0 200 OK\r\n\r\n")
			r.closed(t)
		}, "connection failed"},
		{"a header without an end", func(t *testing.T, addr string) {
			t.Helper()
			r := dial(t, addr, nil)
			_, _ = io.WriteString(r, "OPTIONS * RTSP/1.0\r\nA: "+strings.Repeat("b", 1<<20))
			r.closed(t)
		}, "connection failed"},
		{"many connections", func(t *testing.T, addr string) {
			t.Helper()
			for range 30 {
				dial(t, addr, nil)
			}
		}, "limit exceeded: more than 20 connections"},
		{"many streams", func(t *testing.T, addr string) {
			t.Helper()
			for range 3 {
				r := dial(t, addr, nil)
				r.record(t, sdp)
				r.send(t, units[0])
				r.want(t, base.StatusOK, "OPTIONS", r.url, "", "") // so the packets were taken
			}
			r := dial(t, addr, nil)
			r.want(t, base.StatusNotEnoughBandwidth, "ANNOUNCE", r.url, "", sdp)
		}, "limit exceeded: too many streams"},
		{"a large unit", func(t *testing.T, addr string) {
			t.Helper()
			r := dial(t, addr, nil)
			r.record(t, sdp)
			_, _ = r.Write(interleave(r.packetize(t, large)...))
			r.closed(t)
		}, "limit exceeded: an access unit of"},
		{"endless fragments", func(t *testing.T, addr string) {
			t.Helper()
			r := dial(t, addr, nil)
			r.record(t, sdp)
			packets := interleave(r.packetize(t, large)[1:200]...)
			for {
				if _, err := r.Write(packets); err != nil {
					return
				}
			}
		}, "limit exceeded: more than 524288 bytes per second"},
		{"a flood over UDP", func(t *testing.T, addr string) {
			t.Helper()
			r := dial(t, addr, nil)
			send := r.overUDP(t, sdp)
			packets := r.packetize(t, large)
			for r.SetReadDeadline(time.Now().Add(time.Millisecond)) == nil {
				for _, p := range packets[:100] {
					send(p)
				}
				if _, err := r.in.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
					return
				}
			}
		}, "limit exceeded: more than 524288 bytes per second"},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			log, got := make(transcript, 1000), make(taker, 100)
			addr, _ := listen(t, &rtsp.Server{Handler: got, Logger: textLogger(log), UDPAddr: "127.0.0.1:0",
				MaxConns: 20, MaxStreams: 4, MaxUnit: 256 << 10, MaxRate: 512 << 10})
			good := dial(t, addr, nil)
			good.url = strings.Replace(good.url, "cam", "good", 1)
			good.record(t, sdp)
			good.send(t, units[:10]...)
			var hostile sync.WaitGroup
			hostile.Go(func() { test.hostile(t, addr) })
			for _, u := range units[10:] {
				good.send(t, u)
			}
			hostile.Wait()
			log.await(t, test.log)
			good.want(t, base.StatusOK, "TEARDOWN", good.url, "", "")
			for r := range got {
				if r.stream.Name == "live/good" {
					r.stream.Name = "live/cam"
					arrived(t, r, units, 0)
					return
				}
			}
		})
	}
}

// overUDP begins a stream over UDP, and returns what sends its packets.
func (r *raw) overUDP(tb testing.TB, sdp string) (send func(packet []byte)) {
	tb.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	own := conn.LocalAddr().(*net.UDPAddr).Port
	r.want(tb, base.StatusOK, "ANNOUNCE", r.url, "", sdp)
	response := r.want(tb, base.StatusOK, "SETUP", r.url+"/streamid=0", fmt.Sprintf(overUDP, own, own+1), "")
	_, ports, _ := strings.Cut(response.Header["Transport"][0], "server_port=")
	var to net.UDPAddr
	if _, err := fmt.Sscanf(ports, "%d-", &to.Port); err != nil {
		tb.Fatal(err)
	}
	to.IP = net.IPv4(127, 0, 0, 1)
	r.want(tb, base.StatusOK, "RECORD", r.url, "", "")
	return func(packet []byte) { _, _ = conn.WriteTo(packet, &to) }
}

// TestPortsAreOnePublishers claims the port that another publisher sends from.
func TestPortsAreOnePublishers(t *testing.T) {
	units := small(t)
	got := make(taker, 2)
	addr, _ := listen(t, &rtsp.Server{Handler: got, UDPAddr: "127.0.0.1:0"})
	first, second, third := dial(t, addr, nil), dial(t, addr, nil), dial(t, addr, nil)
	claim := func(r *raw, status base.StatusCode) {
		r.url += "x"
		r.want(t, base.StatusOK, "ANNOUNCE", r.url, "", describe(units))
		r.want(t, status, "SETUP", r.url+"/streamid=0", "Transport: RTP/AVP;multicast;mode=record,"+
			strings.TrimPrefix(fmt.Sprintf(overUDP, 5000, 5001), "Transport: "), "")
	}
	claim(first, base.StatusOK)
	claim(second, base.StatusForbidden)
	second.closed(t)
	if r := <-got; r.err == nil {
		t.Error("the second stream ended well")
	}
	first.want(t, base.StatusOK, "TEARDOWN", first.url, "", "")
	<-got
	claim(third, base.StatusOK)
}

// TestHostileTLS hangs in the handshake, where TestDeadlines ends it, sends garbage, and speaks plain RTSP, where TLS is spoken, beside a
// good publisher.
func TestHostileTLS(t *testing.T) {
	config, got := certificate(), make(taker, 1)
	addr, _ := listen(t, &rtsp.Server{Handler: got, TLSConfig: config})
	for _, said := range []string{"", "\x16\x03\x01\x02\x00\x01"} {
		_, _ = io.WriteString(dial(t, addr, nil), said)
	}
	for _, said := range []string{"RE\xff\x00garbage", "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"} {
		r := dial(t, addr, nil)
		_, _ = io.WriteString(r, said)
		r.closed(t)
	}
	units := small(t)
	r := dial(t, addr, trusting(config))
	r.record(t, describe(units))
	r.send(t, units...)
	r.want(t, base.StatusOK, "TEARDOWN", r.url, "", "")
	arrived(t, <-got, units, 0)
}
