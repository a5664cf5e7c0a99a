package rtsp_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtsp"
)

// A camera is a server that says what a test tells it to. Connections are counted from zero.
type camera struct {
	describe func(n int) (kind, body string) // what it answers to DESCRIBE; nothing at all means 404
	play     func(n int, r *raw)             // what it sends then; the connection ends with it

	// respond answers a request in its own way: header is of lines, with their ends. If the status is empty, the camera answers as usual;
	// if it is "hang up", it does that, and if it is "none", it says nothing. A header without a CSeq gets the right one.
	respond func(req *base.Request) (status, header, body string)

	wire func(answer string) string // makes what is sent of an answer; nil leaves it as it is
}

// start serves Clients until the test ends, and returns the URL for them.
func (c camera) start(t *testing.T) (url string) {
	t.Helper()
	addr := ingesttest.Serve(t, func(n int, conn net.Conn) {
		c.serve(n, wrap(t, conn, "rtsp://"+conn.LocalAddr().String()+"/cam"))
	})
	return "rtsp://" + addr + "/cam"
}

// inMemory returns a Run of the Client that pulls from the camera over connections in memory, which live on the fake clock of a synctest
// bubble. The camera's connections end with the Client's.
func (c camera) inMemory(t *testing.T, client *rtsp.Client) (run func(context.Context) error) {
	t.Helper()
	const host = "127.0.0.1:554"
	client.URL = "rtsp://me:se%2Fcr%25et@" + host + "/cam"
	var conns sync.WaitGroup
	t.Cleanup(conns.Wait)
	n := -1
	return func(ctx context.Context) error {
		return client.RunOver(ctx, func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			n++
			r := wrap(t, far, "rtsp://"+host+"/cam")
			conns.Go(func() { c.serve(n, r) })
			return asTCP{near}, nil
		})
	}
}

// asTCP is a connection that says that it is one of TCP, as the protocol library wants it.
type asTCP struct{ net.Conn }

func (asTCP) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50000} }
func (asTCP) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 554} }

func (c camera) serve(n int, r *raw) {
	defer func() { _ = r.Close() }()
	for {
		var req base.Request
		if req.Unmarshal(r.in) != nil {
			return
		}
		answer := func(status, header, body string) {
			if !strings.Contains(header, "CSeq: ") {
				header = "CSeq: " + req.Header["CSeq"][0] + "\r\n" + header
			}
			text := fmt.Sprintf("RTSP/1.0 %s\r\n%s\r\n%s", status, header, body)
			if c.wire != nil {
				text = c.wire(text)
			}
			_, _ = io.WriteString(r, text)
		}
		if c.respond != nil {
			switch status, header, body := c.respond(&req); status {
			case "hang up":
				return
			case "none":
				continue
			case "":
			default:
				if body != "" {
					header += fmt.Sprintf("Content-Length: %d\r\n", len(body))
				}
				if answer(status, header, body); req.Method != base.Play || status[0] != '2' {
					continue
				}
				c.play(n, r)
				return
			}
		}
		switch req.Method {
		case base.Describe:
			kind, body := c.describe(n)
			if kind == "" {
				answer("404 Not Found", "", "")
				continue
			}
			answer("200 OK", fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n", kind, len(body)), body)
		case base.Setup:
			answer("200 OK", "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n", "")
		case base.Play:
			answer("200 OK", "Session: 1\r\n", "")
			c.play(n, r)
			return
		default:
			answer("200 OK", "", "")
		}
	}
}

// pour sends units for as long as the Client takes them.
func (r *raw) pour(tb testing.TB, units ...frame.AccessUnit) {
	tb.Helper()
	for _, u := range units {
		if _, err := r.Write(interleave(r.packetize(tb, u)...)); err != nil {
			return
		}
	}
}

// deafen takes what the Client says, and does not care: a connection in memory has no buffer for it.
func (r *raw) deafen() { _, _ = io.Copy(io.Discard, r.in) }

// alone returns a camera with one description, which sends the same over every connection.
func alone(sdp string, play func(r *raw)) camera {
	return camera{describe: func(int) (kind, body string) { return "application/sdp", sdp }, play: func(_ int, r *raw) { play(r) }}
}

// pulls runs c until enough says so of what OnPull hears.
func pulls(t *testing.T, c *rtsp.Client, enough func(frame.Pull) bool) {
	t.Helper()
	pullsBy(t, c, c.Run, enough)
}

// pullsBy is pulls by a Run of the Client that may not be its own.
func pullsBy(t *testing.T, c *rtsp.Client, run func(context.Context) error, enough func(frame.Pull) bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.Timeout = cmp.Or(c.Timeout, ample)
	c.Transport, c.Retry, c.MaxRetry = rtsp.TCP, time.Millisecond, time.Millisecond
	told := false
	c.OnPull = func(p frame.Pull) {
		if told = told || enough(p); told {
			cancel()
		}
	}
	if c.Handler == nil {
		c.Handler = drain
	}
	if err := run(ctx); !told {
		t.Errorf("Run returned %v", err)
	}
}

// drain is a Handler that takes what comes.
var drain = frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
	for _, err := range s.Units {
		if err != nil {
			return err
		}
	}
	return nil
})
