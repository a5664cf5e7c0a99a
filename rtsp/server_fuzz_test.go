package rtsp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtsp"
)

// sessionID stands in the fuzzer's input for the session that the server has named.
const sessionID = "SESSION"

// FuzzServer sends arbitrary bytes to a Server as an encoder that closes its side behind them. Whatever they are, the server neither
// panics nor hangs, a stream begins with a key unit, and its decoding times do not decrease.
func FuzzServer(f *testing.F) {
	units := small(f)
	r := raw{url: "rtsp://127.0.0.1/live/cam"}
	announce := func(sdp string) string {
		return "ANNOUNCE " + r.url + " RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: " +
			strconv.Itoa(len(sdp)) + "\r\n\r\n" + sdp
	}
	begin := announce(describe(units)) + "SETUP " + r.url + "/streamid=0 RTSP/1.0\r\nCSeq: 2\r\n" + overTCP + "\r\n" +
		"RECORD " + r.url + " RTSP/1.0\r\nCSeq: 3\r\nSession: " + sessionID + "\r\n\r\n"
	var media []byte
	for _, u := range units[:3] {
		media = append(media, interleave(r.packetize(f, u)...)...)
	}
	end := "TEARDOWN " + r.url + " RTSP/1.0\r\nCSeq: 4\r\nSession: " + sessionID + "\r\n\r\n"
	f.Add([]byte("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"))
	f.Add([]byte("DESCRIBE " + r.url + " RTSP/1.0\r\nCSeq: 1\r\n\r\n"))
	f.Add([]byte(announce("v=0\r\nm=video 0 RTP/AVP 26\r\na=control:x\r\n")))
	f.Add([]byte(announce(describe(units)) + "SETUP " + r.url + "/streamid=0 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP;unicast;" +
		"client_port=1-2;mode=record\r\n\r\n"))
	f.Add([]byte(begin + string(media) + end))
	f.Add([]byte(begin + "$\x00\x00\x0c\x80\x60\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01$\x01\x00\x04\x80\xc8\x00\x00"))

	ln, err := new(net.ListenConfig).Listen(f.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	broken := make(chan string, 1)
	run(f, &rtsp.Server{UDPAddr: "127.0.0.1:0", Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		var last time.Duration
		begun := false
		for u, err := range s.Units {
			switch {
			case err != nil:
				return err
			case !begun && !u.Key, begun && u.DTS < last, len(u.Data) == 0:
				select {
				case broken <- fmt.Sprintf("first %v, key %v, DTS %v after %v, %d bytes", !begun, u.Key, u.DTS, last, len(u.Data)):
				default:
				}
			}
			begun, last = true, u.DTS
		}
		return nil
	})}, ln)
	f.Fuzz(func(t *testing.T, input []byte) {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if err := conn.SetDeadline(time.Now().Add(ample)); err != nil {
			t.Fatal(err)
		}
		before, after, found := bytes.Cut(input, []byte(sessionID))
		_, err = conn.Write(before)
		if found && err == nil {
			id := named(conn)
			_, _ = conn.Write(append(id, bytes.ReplaceAll(after, []byte(sessionID), id)...))
		}
		_ = conn.(*net.TCPConn).CloseWrite()
		var late net.Error
		if _, err := io.Copy(io.Discard, conn); errors.As(err, &late) && late.Timeout() {
			t.Fatal("the server hangs")
		}
		select {
		case what := <-broken:
			t.Fatal(what)
		default:
		}
	})
}

// named reads responses until the server names a session, which it does not always.
func named(conn net.Conn) []byte {
	const soon, length = 50 * time.Millisecond, 32
	_ = conn.SetReadDeadline(time.Now().Add(soon))
	defer func() { _ = conn.SetReadDeadline(time.Now().Add(ample)) }()
	var responses []byte
	for {
		_, id, found := bytes.Cut(responses, []byte("Session: "))
		if found && len(id) >= length {
			return bytes.Clone(id[:length])
		}
		var b [512]byte
		n, err := conn.Read(b[:])
		if err != nil {
			return nil
		}
		responses = append(responses, b[:n]...)
	}
}
