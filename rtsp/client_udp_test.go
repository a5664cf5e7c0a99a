package rtsp_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"
	"github.com/livestill/livestill/rtsp"
)

// A sender sends over UDP to a Client that a camera has told of one.
type sender struct {
	conn   *net.UDPConn
	client atomic.Pointer[net.UDPAddr]
}

// setup answers SETUP over UDP.
func (s *sender) setup(req *base.Request) (status, header, body string) {
	var asked headers.Transport
	if req.Method != base.Setup || asked.Unmarshal(req.Header["Transport"]) != nil || asked.ClientPorts == nil {
		return "", "", ""
	}
	s.client.Store(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: asked.ClientPorts[0]})
	return "200 OK", "Session: 1\r\nTransport: RTP/AVP;unicast\r\n", ""
}

// TestUDPAsItIs pulls from cameras that do UDP in their own ways, or not at all.
func TestUDPAsItIs(t *testing.T) {
	units := small(t)
	setup := func(status, header string) func(*sender, *base.Request) (string, string) {
		return func(s *sender, _ *base.Request) (string, string) {
			return status, strings.NewReplacer("$S", fmt.Sprint(s.conn.LocalAddr().(*net.UDPAddr).Port)).Replace(header)
		}
	}
	const ok, session = "200 OK", "Session: 1\r\n"
	for _, test := range []struct {
		about string
		setup func(s *sender, req *base.Request) (status, header string) // answers SETUP over UDP
		play  string                                                     // answers PLAY over UDP, if it is refused
		udp   bool                                                       // wanted
	}{
		{"ports of the server's", setup(ok, session+"Transport: RTP/AVP;unicast;client_port=1-2;server_port=$S-65535\r\n"), "", true},
		{"no ports of the server's", setup(ok, session+"Transport: RTP/AVP/UDP;unicast;client_port=1-2\r\n"), "", true},
		{"ports that are zero", setup(ok, session+"Transport: RTP/AVP;unicast;server_port=0-0\r\n"), "", true},
		{"ports that are none", setup(ok, session+"Transport: RTP/AVP;unicast;server_port=any\r\n"), "", true},
		{"no Transport", setup(ok, session), "", true},
		{"one port", setup(ok, session+"Transport: RTP/AVP;unicast;server_port=$S\r\n"), "", true},
		{"a source that is nobody's", setup(ok, session+"Transport: RTP/AVP;unicast;source=0.0.0.0;server_port=$S-65535\r\n"), "", true},
		{"a source that is no address", setup(ok, session+"Transport: RTP/AVP;unicast;source=camera.invalid;server_port=$S-65535\r\n"), "", true},
		{"other ports than it said", setup(ok, session+"Transport: RTP/AVP;unicast;server_port=6000-6001\r\n"), "", false},
		{"multicast", setup(ok, session+"Transport: RTP/AVP;multicast;destination=239.1.1.1;port=5000-5001\r\n"), "", false},
		{"not supported", setup("461 Unsupported Transport", ""), "", false},
		{"a bad request", setup("400 Bad Request", ""), "", false},
		{"forbidden", setup("403 Forbidden", ""), "", false},
		{"not found", setup("404 Not Found", ""), "", false},
		{"not enough bandwidth", setup("453 Not Enough Bandwidth", ""), "", false},
		{"an error of its own", setup("500 Internal Server Error", ""), "", false},
		{"not implemented", setup("501 Not Implemented", ""), "", false},
		{"not available", setup("503 Service Unavailable", ""), "", false},
		{"PLAY is refused", setup(ok, session+"Transport: RTP/AVP;unicast;server_port=6000-6001\r\n"), "461 Unsupported Transport", false},
		{"PLAY fails", setup(ok, session+"Transport: RTP/AVP;unicast;server_port=6000-6001\r\n"), "500 Internal Server Error", false},
		{"it hangs up", setup("hang up", ""), "", false},
		{"it does not answer", setup("none", ""), "", false},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			s := &sender{conn: conn}
			c := streaming(t, units)
			overTCP := c.play
			c.play = func(n int, r *raw) {
				to := s.client.Load()
				if to == nil {
					overTCP(n, r)
					return
				}
				for _, p := range r.packetize(t, units[0]) {
					_, _ = conn.WriteTo(p, to)
				}
				_, _ = io.Copy(io.Discard, r.in)
			}
			c.respond = func(req *base.Request) (status, header, body string) {
				var asked headers.Transport
				switch {
				case req.Method == base.Play && s.client.Load() != nil:
					return test.play, "", ""
				case req.Method != base.Setup:
					return "", "", ""
				}
				if err := asked.Unmarshal(req.Header["Transport"]); err != nil || asked.ClientPorts == nil {
					s.client.Store(nil)
					return "", "", ""
				}
				status, header = test.setup(s, req)
				s.client.Store(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: asked.ClientPorts[0]})
				return status, header, ""
			}
			_, got := collect(t, &rtsp.Client{URL: c.start(t), Timeout: 20 * time.Second, Retry: time.Millisecond}, 1)
			check(t, got, units)
			if udp := s.client.Load() != nil; udp != test.udp {
				t.Errorf("over UDP: %v", udp)
			}
		})
	}
}
