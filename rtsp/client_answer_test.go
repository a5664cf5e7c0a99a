package rtsp_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtsp"
)

// streaming returns a camera that sends units over TCP for as long as the Client takes them.
func streaming(t *testing.T, units []frame.AccessUnit) camera {
	t.Helper()
	return alone(general+ofH264+"a=control:trackID=1\r\n", func(r *raw) {
		r.pour(t, units...)
		_, _ = io.Copy(io.Discard, r.in)
	})
}

// to answers one method in its own way.
func to(method base.Method, status, header string) func(*base.Request) (string, string, string) {
	return func(req *base.Request) (string, string, string) {
		if req.Method == method {
			return status, header, ""
		}
		return "", "", ""
	}
}

// TestAnswersAsTheyAre pulls from cameras that answer in their own ways.
func TestAnswersAsTheyAre(t *testing.T) {
	units := small(t)
	sdp := general + ofH264 + "a=control:trackID=1\r\n"
	described := func(header string) func(*base.Request) (string, string, string) {
		return func(req *base.Request) (status, h, body string) {
			switch {
			case req.Method == base.Describe:
				return "200 OK", header, sdp
			case req.Method == base.Setup && !strings.HasSuffix(req.URL.String(), "/trackID=1"):
				return "404 Not Found", "", ""
			}
			return "", "", ""
		}
	}
	set := func(header string) func(*base.Request) (string, string, string) {
		return to(base.Setup, "200 OK", header)
	}
	const session, sdpType, tcp = "Session: 1\r\n", "Content-Type: application/sdp\r\n", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
	for _, test := range []struct {
		about   string
		respond func(*base.Request) (status, header, body string)
	}{
		{"OPTIONS is not found", to(base.Options, "404 Not Found", "")},
		{"OPTIONS is not allowed", to(base.Options, "405 Method Not Allowed", "")},
		{"OPTIONS is not implemented", to(base.Options, "501 Not Implemented", "")},
		{"OPTIONS is bad", to(base.Options, "400 Bad Request", "")},
		{"OPTIONS is forbidden", to(base.Options, "403 Forbidden", "")},
		{"OPTIONS is answered with another success", to(base.Options, "201 Created", "")},
		{"Content-Base without a scheme", described(sdpType + "Content-Base: 127.0.0.1:554/cam/\r\n")},
		{"Content-Base that is a path", described(sdpType + "Content-Base: /cam/\r\n")},
		{"Content-Base that is relative", described(sdpType + "Content-Base: cam/\r\n")},
		{"Content-Base of another scheme", described(sdpType + "Content-Base: http://127.0.0.1/cam/\r\n")},
		{"Content-Base without a host", described(sdpType + "Content-Base: rtsp:///cam/\r\n")},
		{"Content-Base of a host of its own", described(sdpType + "Content-Base: rtsp://192.168.1.64:554/cam/\r\n")},
		{"Content-Base in quotes", described(sdpType + "Content-Base: \"rtsp://192.168.1.64/cam/\" \r\n")},
		{"Content-Base that is empty", described(sdpType + "Content-Base: \r\n")},
		{"Content-Base that is no text", described(sdpType + "Content-Base: \x01%zz\r\n")},
		{"Content-Base twice", described(sdpType + "Content-Base: cam\r\nContent-Base: rtsp://192.168.1.64/cam/\r\n")},
		{"no Content-Type", described("")},
		{"a Content-Type in other letters", described("Content-Type: Application/SDP; charset=utf-8\r\n")},
		{"no Transport", set(session)},
		{"an empty one", set(session + "Transport: \r\n")},
		{"no channels", set(session + "Transport: RTP/AVP/TCP;unicast\r\n")},
		{"channels that are none", set(session + "Transport: RTP/AVP/TCP;unicast;interleaved=\r\n")},
		{"the first channel alone", set(session + "Transport: RTP/AVP/TCP;unicast;interleaved=0\r\n")},
		{"one channel twice", set(session + "Transport: RTP/AVP/TCP;unicast;interleaved=0-0\r\n")},
		{"no profile", set(session + "Transport: unicast;interleaved=0-1\r\n")},
		{"a profile that says nothing of TCP", set(session + "Transport: RTP/AVP;unicast;interleaved=0-1\r\n")},
		{"a profile in other letters", set(session + "Transport: rtp/avp/tcp; unicast; interleaved=0-1\r\n")},
		{"a source that cannot be", set(session + "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;source=no.such.host.invalid;ssrc=x\r\n")},
		{"a mode and a time to live that are none", set(session + "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=live;ttl=\r\n")},
		{"two transports", set(session + "Transport: RTP/AVP/TCP;unicast;interleaved=0-1,RTP/AVP;unicast\r\n")},
		{"Transport twice", set(session + tcp + tcp)},
		{"no Session", set(tcp)},
		{"a Session without a right timeout", set(tcp + "Session: 1;timeout=\r\n")},
		{"a Session with a timeout of its own", set(tcp + "Session: 1 ; Timeout = 60s; x\r\n")},
		{"Session twice", set(tcp + session + session)},
		{"SETUP is answered with another success", to(base.Setup, "201 Created", session+tcp)},
		{"PLAY is answered with another success", to(base.Play, "250 Low on Storage Space", session)},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			c := streaming(t, units)
			c.respond = test.respond
			_, got := collect(t, &rtsp.Client{URL: c.start(t), Transport: rtsp.TCP, Once: true}, 20)
			check(t, got, units)
		})
	}
}

// A doorman lets those in who know the password, by Digest as the test has it.
type doorman struct {
	ask     []string       // headers of the challenges; %s is a nonce
	want    *regexp.Regexp // of the answer; nil if that is not looked at
	rotates bool           // each request needs a new nonce
	stale   bool           // and it says so

	nonces *atomic.Int32
}

const digestRealm = "cam, of mine"

func (d *doorman) respond(req *base.Request) (status, header, body string) {
	if req.Method == base.Options || req.Method == base.Teardown || req.Method == base.GetParameter {
		return "", "", ""
	}
	answered := req.Header["Authorization"]
	nonce := fmt.Sprintf("nonce%d", d.nonces.Load())
	if len(answered) == 1 && d.proves(answered[0], nonce, string(req.Method)) {
		if d.rotates {
			d.nonces.Add(1)
		}
		return "", "", ""
	}
	for _, ask := range d.ask {
		if d.stale && len(answered) > 0 {
			ask += ", stale=true"
		}
		header += "WWW-Authenticate: " + strings.ReplaceAll(ask, "%s", nonce) + "\r\n"
	}
	return "401 Unauthorized", header, ""
}

// proves checks an answer as RFC 7616 section 3.4 has it.
func (d *doorman) proves(answer, nonce, method string) bool {
	if d.want != nil && !d.want.MatchString(answer) {
		return false
	}
	p := make(map[string]string)
	for _, m := range regexp.MustCompile(`(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^ ,]+))`).FindAllStringSubmatch(answer, -1) {
		p[m[1]] = m[2] + m[3]
	}
	sum := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
	if strings.HasPrefix(p["algorithm"], "SHA-256") {
		sum = func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	}
	secret, request := sum("me:"+digestRealm+":"+secret), method+":"+p["uri"]
	if strings.HasSuffix(p["algorithm"], "-sess") {
		secret = sum(secret + ":" + nonce + ":" + p["cnonce"])
	}
	if p["qop"] == "auth-int" {
		request += ":" + sum("")
	}
	proof := nonce
	if p["qop"] != "" {
		proof += ":" + p["nc"] + ":" + p["cnonce"] + ":" + p["qop"]
	}
	return p["nonce"] == nonce && p["realm"] == digestRealm && p["response"] == sum(secret+":"+proof+":"+sum(request))
}

func TestClientAnswersChallenges(t *testing.T) {
	units := small(t)
	realm := `Digest realm="` + digestRealm + `", nonce="%s"`
	old := regexp.MustCompile(`^Digest [^q]*$`) // without qop
	for _, test := range []struct {
		about string
		door  doorman
	}{
		{"as RFC 2069 has it", doorman{ask: []string{realm}, want: old}},
		{"MD5 by name", doorman{ask: []string{realm + `, algorithm="MD5"`}, want: regexp.MustCompile(`algorithm=MD5`)}},
		{"qop", doorman{ask: []string{realm + `, qop="auth"`}, want: regexp.MustCompile(`qop=auth, nc=0000000[1-9]`)}},
		{"qop without quotes", doorman{ask: []string{realm + `,qop=auth`}, want: regexp.MustCompile(`qop=auth,`)}},
		{"qop of two kinds", doorman{ask: []string{realm + `, qop="auth-int, auth"`}, want: regexp.MustCompile(`qop=auth,`)}},
		{"qop of the other kind", doorman{ask: []string{realm + `, qop="auth-int"`}, want: regexp.MustCompile(`qop=auth-int,`)}},
		{"qop of a kind that nobody knows", doorman{ask: []string{realm + `, qop="own"`}, want: old}},
		{"qop that is empty", doorman{ask: []string{realm + `, qop=""`}, want: old}},
		{"SHA-256", doorman{ask: []string{realm + `, algorithm=SHA-256, qop="auth"`}, want: regexp.MustCompile(`algorithm=SHA-256`)}},
		{"SHA-256 without qop", doorman{ask: []string{realm + `, algorithm="SHA-256"`}, want: regexp.MustCompile(`algorithm=SHA-256`)}},
		{"both, the weaker first", doorman{ask: []string{realm + `, algorithm=MD5, qop="auth"`, realm + `, algorithm=SHA-256, qop="auth"`},
			want: regexp.MustCompile(`algorithm=SHA-256`)}},
		{"both, the stronger first", doorman{ask: []string{realm + `, algorithm=SHA-256, qop="auth"`, realm + `, algorithm=MD5, qop="auth"`},
			want: regexp.MustCompile(`algorithm=SHA-256`)}},
		{"both in one header", doorman{ask: []string{realm + `, algorithm=MD5, qop="auth", ` + realm + `, algorithm=SHA-256, qop="auth"`},
			want: regexp.MustCompile(`algorithm=SHA-256`)}},
		{"one that nobody knows, and MD5", doorman{ask: []string{realm + `, algorithm=own`, realm}, want: old}},
		{"MD5-sess", doorman{ask: []string{realm + `, algorithm=MD5-sess, qop="auth"`}, want: regexp.MustCompile(`algorithm=MD5-sess`)}},
		{"SHA-256-sess", doorman{ask: []string{realm + `, algorithm=SHA-256-sess, qop="auth"`}, want: regexp.MustCompile(`algorithm=SHA-256-sess`)}},
		{"opaque", doorman{ask: []string{realm + `, opaque="x,y=z", qop="auth"`}, want: regexp.MustCompile(`opaque="x,y=z"`)}},
		{"Basic too", doorman{ask: []string{`Basic realm="cam"`, realm + `, qop="auth"`}, want: regexp.MustCompile(`^Digest .*qop=auth`)}},
		{"Basic too, in one header", doorman{ask: []string{`Basic realm="cam", ` + realm}, want: old}},
		{"in other letters and spaces", doorman{ask: []string{`digest  Realm = "` + digestRealm + `" ,Nonce="%s" , QOP="auth", charset=UTF-8`},
			want: regexp.MustCompile(`qop=auth`)}},
		{"a new nonce for each request", doorman{ask: []string{realm + `, qop="auth"`}, rotates: true}},
		{"a new nonce for each request, and it says so", doorman{ask: []string{realm}, rotates: true, stale: true}},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			c := streaming(t, units)
			test.door.nonces = new(atomic.Int32)
			c.respond = test.door.respond
			url := c.start(t)
			_, got := collect(t, &rtsp.Client{URL: strings.Replace(url, "//", "//me:se%2Fcr%25et@", 1), Transport: rtsp.TCP, Once: true}, 20)
			check(t, got, units)
			asked := test.door.nonces.Load()
			err := (&rtsp.Client{URL: strings.Replace(url, "//", "//me:wrong@", 1), Handler: ingesttest.Refuse(t)}).Run(context.Background())
			if !errors.Is(err, rtsp.ErrUnauthorized) || test.door.nonces.Load() != asked {
				t.Errorf("a wrong password: %v", err)
			}
		})
	}
}

// TestWrongPasswordIsTriedOnce counts what is tried of a server that has a new nonce for each answer: many lock out who tries on.
func TestWrongPasswordIsTriedOnce(t *testing.T) {
	var tried, nonces atomic.Int32
	c := streaming(t, nil)
	c.respond = func(req *base.Request) (string, string, string) {
		if req.Method != base.Describe {
			return "", "", ""
		}
		if len(req.Header["Authorization"]) > 0 {
			tried.Add(1)
		}
		return "401 Unauthorized", fmt.Sprintf("WWW-Authenticate: Digest realm=\"cam\", nonce=\"%d\"\r\n", nonces.Add(1)), ""
	}
	url := strings.Replace(c.start(t), "//", "//me:wrong@", 1)
	if err := (&rtsp.Client{URL: url, Handler: ingesttest.Refuse(t)}).Run(t.Context()); !errors.Is(err, rtsp.ErrUnauthorized) || tried.Load() != 1 {
		t.Errorf("%v, after %d tries", err, tried.Load())
	}
}

// A sender sends over UDP to a Client that a camera has told of one.
type sender struct {
	conn   *net.UDPConn
	client atomic.Pointer[net.UDPAddr]
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
