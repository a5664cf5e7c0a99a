package rtsp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/pion/rtp"
)

const payloadType = 96 // of the video in describe

// describe returns a description of H.264 video that gives its parameter sets.
func describe(units []frame.AccessUnit) string {
	nals := bitstream.SplitAnnexB(nil, units[0].Data)
	sets := base64.StdEncoding.EncodeToString(nals[0]) + "," + base64.StdEncoding.EncodeToString(nals[1])
	return "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n" +
		"a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1; sprop-parameter-sets=" + sets + "\r\na=control:streamid=0\r\n"
}

// A raw is an encoder that says what a test tells it to.
type raw struct {
	net.Conn
	in      *bufio.Reader
	url     string
	id      string // of the session
	count   int    // of requests
	packets uint16 // sent
}

// dial connects to a server at host:port.
func dial(tb testing.TB, addr string, config *tls.Config) *raw {
	tb.Helper()
	conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	url := "rtsp://" + addr + "/live/cam"
	if config != nil {
		conn, url = tls.Client(conn, config), "rtsps://"+addr+"/live/cam"
	}
	return wrap(tb, conn, url)
}

// trusting returns a client's TLS configuration that trusts the certificate in a server's.
func trusting(config *tls.Config) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(config.Certificates[0].Leaf)
	return &tls.Config{RootCAs: pool, ServerName: "example.com"}
}

func wrap(tb testing.TB, conn net.Conn, url string) *raw {
	tb.Helper()
	tb.Cleanup(func() { _ = conn.Close() })
	return &raw{Conn: conn, in: bufio.NewReader(conn), url: url}
}

// request sends a request with more header lines and a body, and returns the response.
func (r *raw) request(method, url, header, body string) (base.Response, error) {
	r.count++
	if r.id != "" {
		header += "Session: " + r.id + "\r\n"
	}
	if body != "" {
		header += fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n", len(body))
	}
	var response base.Response
	if _, err := fmt.Fprintf(r, "%s %s RTSP/1.0\r\nCSeq: %d\r\n%s\r\n%s", method, url, r.count, header, body); err != nil {
		return response, err
	}
	err := response.Unmarshal(r.in)
	if id := response.Header["Session"]; len(id) == 1 {
		r.id, _, _ = strings.Cut(id[0], ";")
	}
	return response, err
}

// want fails the test unless the request is answered with the status.
func (r *raw) want(tb testing.TB, status base.StatusCode, method, url, header, body string) base.Response {
	tb.Helper()
	response, err := r.request(method, url, header, body)
	if err != nil || response.StatusCode != status {
		tb.Fatalf("%s: %d %s, %v; want %d", method, response.StatusCode, response.StatusMessage, err, status)
	}
	return response
}

const (
	overTCP = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record\r\n"
	overUDP = "Transport: RTP/AVP;unicast;client_port=%d-%d;mode=record\r\n"
)

// record announces and begins a stream over TCP.
func (r *raw) record(tb testing.TB, sdp string) {
	tb.Helper()
	r.want(tb, base.StatusOK, "ANNOUNCE", r.url, "", sdp)
	r.want(tb, base.StatusOK, "SETUP", r.url+"/streamid=0", overTCP, "")
	r.want(tb, base.StatusOK, "RECORD", r.url, "", "")
}

// packetize returns the packets of a unit, RFC 6184 in mode 1, as they are sent over UDP.
func (r *raw) packetize(tb testing.TB, u frame.AccessUnit) (packets [][]byte) {
	tb.Helper()
	const most = 1200
	var payloads [][]byte
	for _, n := range bitstream.SplitAnnexB(nil, u.Data) {
		if len(n) <= most {
			payloads = append(payloads, n)
			continue
		}
		head, first, n := n[0], byte(0x80), n[1:]
		for len(n) > 0 {
			size, last := min(len(n), most), byte(0)
			if size == len(n) {
				last = 0x40
			}
			payloads = append(payloads, append([]byte{head&0xe0 | 28, first | last | head&0x1f}, n[:size]...))
			n, first = n[size:], 0
		}
	}
	for i, payload := range payloads {
		r.packets++
		p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: payloadType, SequenceNumber: r.packets, SSRC: 1,
			Timestamp: uint32(u.PTS * 90 / time.Millisecond), Marker: i == len(payloads)-1}, Payload: payload}
		b, err := p.Marshal()
		if err != nil {
			tb.Fatal(err)
		}
		packets = append(packets, b)
	}
	return packets
}

// interleave returns packets as they are sent over TCP, RFC 2326 section 10.12.
func interleave(packets ...[]byte) (out []byte) {
	for _, p := range packets {
		out = append(append(out, '$', 0, byte(len(p)>>8), byte(len(p))), p...)
	}
	return out
}

// send sends units over TCP.
func (r *raw) send(tb testing.TB, units ...frame.AccessUnit) {
	tb.Helper()
	for _, u := range units {
		if _, err := r.Write(interleave(r.packetize(tb, u)...)); err != nil {
			tb.Fatal(err)
		}
	}
}

// closed waits until the server has closed the connection.
func (r *raw) closed(tb testing.TB) {
	tb.Helper()
	_, _ = io.Copy(io.Discard, r.in)
}

// small is a clip for tests that look at something else.
func small(tb testing.TB) []frame.AccessUnit {
	tb.Helper()
	return frametest.Clip{}.Units(tb)
}

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
