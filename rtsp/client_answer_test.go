package rtsp_test

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
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

// numbered describes a stream, and answers all requests with numbers of its own.
func numbered(sdp string, number func(asked int) string) func(*base.Request) (string, string, string) {
	return func(req *base.Request) (status, header, body string) {
		asked, _ := strconv.Atoi(req.Header["CSeq"][0])
		header = "CSeq: " + number(asked) + "\r\n"
		switch req.Method {
		case base.Describe:
			return "200 OK", header + "Content-Type: application/sdp\r\n", sdp
		case base.Setup:
			header += "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
		default:
		}
		return "200 OK", header, ""
	}
}

// sharing asks for credentials at DESCRIBE; its answer to who brings them has the number of the challenge, and later ones are behind as well.
func sharing(sdp string) func(*base.Request) (string, string, string) {
	behind := numbered(sdp, func(asked int) string { return strconv.Itoa(asked - 1) })
	return func(req *base.Request) (status, header, body string) {
		switch {
		case req.Method == base.Options:
			return "", "", ""
		case len(req.Header["Authorization"]) == 0:
			return "401 Unauthorized", "WWW-Authenticate: Basic realm=\"cam\"\r\n", ""
		}
		return behind(req)
	}
}

// moved redirects whoever asks for something without "other" in its URL.
func moved(to string) func(*base.Request) (string, string, string) {
	return func(req *base.Request) (string, string, string) {
		if req.Method == base.Describe && !strings.Contains(req.URL.String(), "other") {
			return "302 Moved", "Location: " + to + "\r\n", ""
		}
		return "", "", ""
	}
}

// offered describes a stream as of these formats.
func offered(formats string) func(*base.Request) (string, string, string) {
	return func(req *base.Request) (string, string, string) {
		if req.Method == base.Describe {
			sdp := general + ofH264 + "a=control:trackID=1\r\n"
			return "200 OK", "Content-Type: application/sdp\r\n", strings.Replace(sdp, "RTP/AVP 96", "RTP/AVP "+formats, 1)
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
		{"a Content-Type of any text", described("Content-Type: text/plain\r\n")},
		{"a Content-Type of none", described("Content-Type: \r\n")},
		{"an answer with a number that nobody gave", described(sdpType + "CSeq: 99\r\n")},
		{"an answer with a number before the first", described(sdpType + "CSeq: 0\r\n")},
		{"an answer with a number that is none", described(sdpType + "CSeq: x\r\n")},
		{"answers that are all first", numbered(sdp, func(int) string { return "0" })},
		{"answers that are counted from zero", numbered(sdp, func(asked int) string { return strconv.Itoa(asked - 1) })},
		{"answers that are counted ahead", numbered(sdp, func(asked int) string { return strconv.Itoa(asked + 100) })},
		{"answers that are all the first one", numbered(sdp, func(int) string { return "1" })},
		{"answers that are all the second one", numbered(sdp, func(int) string { return "2" })},
		{"answers that are one behind from the second on", numbered(sdp, func(asked int) string { return strconv.Itoa(max(asked-1, 1)) })},
		{"answers that are one behind from the third on", numbered(sdp, func(asked int) string { return strconv.Itoa(asked - asked/3) })},
		{"answers that are counted in twos", numbered(sdp, func(asked int) string { return strconv.Itoa((asked + 1) / 2) })},
		{"a challenge that shares its number with the next answer", sharing(sdp)},
		{"answers that are counted down", numbered(sdp, func(asked int) string { return strconv.Itoa(5 - asked) })},
		{"answers of which the first alone has a number", numbered(sdp, func(asked int) string { return strings.Repeat("1", 1/asked) })},
		{"an answer to SETUP with the number of another", set(session + tcp + "CSeq: 1\r\n")},
		{"an answer to PLAY with the number of another", to(base.Play, "200 OK", session+"CSeq: 2\r\n")},
		{"a redirection to a path", moved("/other/cam")},
		{"a redirection to a name", moved(" other ")},
		{"a redirection to a query", moved("?other=1")},
		{"a format that is not described", offered("96 97")},
		{"a format that is not described before the one that is", offered("97 35 96")},
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
		{"PLAY goes without a range", func(req *base.Request) (string, string, string) {
			if req.Method == base.Play && len(req.Header["Range"]) > 0 {
				return "457 Invalid Range", "", ""
			}
			return "", "", ""
		}},
		{"PLAY has the range of other players", func(req *base.Request) (string, string, string) {
			if req.Method == base.Play && req.Header["Range"][0] != "npt=0.000-" {
				return "400 Bad Request", "", ""
			}
			return "", "", ""
		}},
		{"PLAY is answered with another success", to(base.Play, "250 Low on Storage Space", session)},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			c := streaming(t, units)
			c.respond = test.respond
			_, got := collect(t, &rtsp.Client{URL: strings.Replace(c.start(t), "//", "//me:secret@", 1), Transport: rtsp.TCP, Once: true}, 20)
			check(t, got, units)
		})
	}
}

// TestAnswersThatComeTwice: the second is not taken for an answer to the next request, wherever credentials are not asked for.
func TestAnswersThatComeTwice(t *testing.T) {
	units := small(t)
	c := streaming(t, units)
	c.wire = func(answer string) string { return answer + answer }
	_, got := collect(t, &rtsp.Client{URL: c.start(t), Transport: rtsp.TCP, Once: true}, 20)
	check(t, got, units)
}

// TestRefusalsOfOneNumber refuses all credentials in the same words, under the same number: that is told, not that nothing is heard.
func TestRefusalsOfOneNumber(t *testing.T) {
	for _, method := range []base.Method{base.Options, base.Describe} {
		c := streaming(t, nil)
		c.respond = to(method, "401 Unauthorized", "CSeq: 1\r\nWWW-Authenticate: Basic realm=\"cam\"\r\n")
		url := strings.Replace(c.start(t), "//", "//me:wrong@", 1)
		if err := (&rtsp.Client{URL: url, Handler: ingesttest.Refuse(t)}).Run(t.Context()); !errors.Is(err, rtsp.ErrUnauthorized) {
			t.Errorf("%v: %v", method, err)
		}
	}
}
