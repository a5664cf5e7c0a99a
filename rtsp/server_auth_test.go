package rtsp_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtsp"
)

// known lets in me with the password, and says what it saw.
func known(seen chan<- rtsp.Login) func(context.Context, *rtsp.Login) error {
	return func(_ context.Context, l *rtsp.Login) error {
		seen <- *l
		if !l.Knows(map[string]string{"me": "right", "odd": "a:b"}[l.User]) {
			return rtsp.ErrUnauthorized
		}
		return nil
	}
}

func TestAuthentication(t *testing.T) {
	for _, test := range []struct {
		about     string
		basicOnly bool
		publish   func(t *testing.T, addr string, got taker) error
		ok        bool
		clear     string // the password that Authenticate sees
	}{
		{"ffmpeg, Digest", false, publishAs("me:right@"), true, ""},
		{"ffmpeg, Basic", true, publishAs("me:right@"), true, "right"},
		{"ffmpeg, Digest, wrong", false, publishAs("me:wrong@"), false, ""},
		{"ffmpeg, Basic, wrong", true, publishAs("me:wrong@"), false, "wrong"},
		{"ffmpeg, unknown user", false, publishAs("you:right@"), false, ""},
		{"ffmpeg, no credentials", false, publishAs(""), false, ""},
		{"GStreamer, Digest or Basic", false, sinkAs("me", "right"), true, ""},
		{"GStreamer, Basic", true, sinkAs("me", "right"), true, "right"},
		{"GStreamer, wrong", false, sinkAs("me", "wrong"), false, ""},
		{"a colon in the password", true, announceAs("Basic " + base64.StdEncoding.EncodeToString([]byte("odd:a:b"))), true, "a:b"},
		{"malformed Basic", true, announceAs("Basic !"), false, ""},
		{"malformed Digest", true, announceAs("Digest realm"), false, ""},
		{"a Digest of another nonce", false, announceAs(`Digest username="me", realm="ipcam", nonce="1", uri="/", response="2"`), false, ""},
		{"an empty password for nobody", true, announceAs("Basic " + base64.StdEncoding.EncodeToString([]byte("x:"))), false, ""},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			seen, got := make(chan rtsp.Login, 10), make(taker, 1)
			addr, _ := listen(t, &rtsp.Server{Handler: takeSome{got, 20}, Authenticate: known(seen), BasicOnly: test.basicOnly})
			if err := test.publish(t, addr, got); err == nil && !test.ok {
				t.Error("the publisher is not told")
			}
			var last rtsp.Login
			for len(seen) > 0 {
				last = <-seen
			}
			if last.Stream != "live/cam" || last.Query.Get("key") != "val" || last.Remote == nil ||
				!strings.HasPrefix(test.about, "GStreamer, D") && last.Password != test.clear {
				t.Errorf("it was seen as %+v", last)
			}
			if !test.ok {
				if len(got) > 0 {
					t.Error("it was let in")
				}
				return
			}
			if r := <-got; r.stream.URL != "rtsp://"+addr+"/live/cam?key=val" {
				t.Errorf("URL %s", r.stream.URL)
			}
		})
	}
}

// publishAs returns what publishes with ffmpeg and credentials.
func publishAs(credentials string) func(*testing.T, string, taker) error {
	return func(t *testing.T, addr string, _ taker) error {
		t.Helper()
		output, err := ffmpeg(t, frametest.Clip{}, "rtsp://"+credentials+addr+"/live/cam?key=val", "-c", "copy", "-rtsp_transport", "tcp")
		if err != nil {
			err = fmt.Errorf("%w: %s", err, output)
		}
		return err
	}
}

func sinkAs(user, password string) func(*testing.T, string, taker) error {
	return func(t *testing.T, addr string, got taker) error {
		t.Helper()
		return gstreamer(t, got, "rtspclientsink name=sink location=rtsp://%s/live/cam?key=val protocols=tcp user-id=%s user-pw=%s "+
			"filesrc location=%s ! flvdemux ! h264parse ! sink.", addr, user, password, frametest.Clip{}.File(t))
	}
}

// announceAs returns what announces with an Authorization header.
func announceAs(authorization string) func(*testing.T, string, taker) error {
	return func(t *testing.T, addr string, _ taker) error {
		t.Helper()
		r := dial(t, addr, nil)
		response, err := r.request("ANNOUNCE", r.url+"?key=val", "Authorization: "+authorization+"\r\n", describe(small(t)))
		if err == nil && response.StatusCode != base.StatusOK {
			err = fmt.Errorf("%d", response.StatusCode)
		}
		_ = r.Close()
		return err
	}
}

// TestRefusal is of publishers that must not come, and of what they are told.
func TestRefusal(t *testing.T) {
	units := small(t)
	h264 := describe(units)
	for _, test := range []struct {
		about   string
		server  *rtsp.Server
		handler func(context.Context, *frame.Stream) error
		method  string
		path    string
		header  string
		sdp     string
		status  base.StatusCode
		reason  string // with the status; empty: not looked at
		log     string
	}{
		{"the Handler says no", &rtsp.Server{}, func(context.Context, *frame.Stream) error { return errors.New("not\r\nyou") },
			"ANNOUNCE", "/live/cam", "", h264, base.StatusForbidden, "not  you", "announce live/cam from"},
		{"the Handler says nothing", &rtsp.Server{}, func(context.Context, *frame.Stream) error { return nil },
			"ANNOUNCE", "/live/cam", "", h264, base.StatusForbidden, "", "refused by the Handler"},
		{"the Handler knows of no such stream", &rtsp.Server{}, func(context.Context, *frame.Stream) error { return fs.ErrNotExist },
			"ANNOUNCE", "/live/cam", "", h264, base.StatusNotFound, "", "file does not exist"},
		{"the Handler panics", &rtsp.Server{}, func(context.Context, *frame.Stream) error { panic("what") },
			"ANNOUNCE", "/live/cam", "", h264, base.StatusInternalServerError, "", "stack="},
		{"what the Handler calls panics", &rtsp.Server{}, (&capture.Hub{NewCamera: func(*frame.Stream) (*capture.Camera, error) { panic("what") }}).ServeStream,
			"ANNOUNCE", "/live/cam", "", h264, base.StatusInternalServerError, "", "stack="},
		{"authentication panics", &rtsp.Server{Authenticate: func(context.Context, *rtsp.Login) error { panic("what") }}, nil,
			"ANNOUNCE", "/live/cam", "", h264, base.StatusInternalServerError, "", "stack="},
		{"by address", &rtsp.Server{Authenticate: func(_ context.Context, l *rtsp.Login) error { return errors.New("from " + l.Remote.Network()) }},
			nil, "ANNOUNCE", "/live/cam", "", h264, base.StatusForbidden, "from tcp", "from tcp"},
		{"no name", &rtsp.Server{}, nil, "ANNOUNCE", "//", "", h264, base.StatusBadRequest, "", "the path is empty"},
		{"a name that is no text", &rtsp.Server{}, nil, "ANNOUNCE", "/a%00b", "", h264, base.StatusBadRequest, "", "not text"},
		{"a name that turns text around", &rtsp.Server{}, nil, "ANNOUNCE", "/a%E2%80%AEb", "", h264, base.StatusBadRequest, "", "not text"},
		{"no video", &rtsp.Server{}, nil, "ANNOUNCE", "/live/cam", "",
			"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n", base.StatusUnsupportedMediaType, "", "G711"},
		{"no description", &rtsp.Server{}, nil, "ANNOUNCE", "/live/cam", "", "what", base.StatusBadRequest, "", "SDP"},
		{"a large description", &rtsp.Server{}, nil, "ANNOUNCE", "/live/cam", "", h264 + strings.Repeat("a=x\r\n", 4000),
			base.StatusRequestEntityTooLarge, "", "limit exceeded: a description of 20"},
		{"PLAY", &rtsp.Server{}, nil, "SETUP", "/live/cam/trackID=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n", "",
			base.StatusMethodNotValidInThisState, "", "does not play"},
		{"DESCRIBE", &rtsp.Server{}, nil, "DESCRIBE", "/live/cam", "", "", base.StatusNotImplemented, "", ""},
		{"RECORD of nothing", &rtsp.Server{}, nil, "RECORD", "/live/cam", "", "", base.StatusNotImplemented, "", ""},
		{"someone else's session", &rtsp.Server{}, nil, "RECORD", "/live/cam", "Session: 1234\r\n", "", base.StatusNotImplemented, "", ""},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			log := make(transcript, 100)
			s := test.server
			s.Logger, s.Handler = textLogger(log), ingesttest.Refuse(t)
			if test.handler != nil {
				s.Handler = frame.HandlerFunc(test.handler)
			}
			addr, _ := listen(t, s)
			r := dial(t, addr, nil)
			response := r.want(t, test.status, test.method, "rtsp://"+addr+test.path, test.header, test.sdp)
			if test.reason != "" && response.StatusMessage != test.reason {
				t.Errorf("the publisher is told %q", response.StatusMessage)
			}
			if test.log != "" {
				r.closed(t)
				log.await(t, test.log)
			}
		})
	}
}

// TestHub publishes twice under one name to a capture.Hub, which refuses the second or lets it take over.
func TestHub(t *testing.T) {
	units := small(t)
	for _, takeOver := range []bool{false, true} {
		cameras := make(chan *capture.Camera, 2)
		log := make(transcript, 100)
		addr, _ := listen(t, &rtsp.Server{Logger: textLogger(log), Handler: &capture.Hub{TakeOver: takeOver,
			NewCamera: func(*frame.Stream) (*capture.Camera, error) {
				c := new(capture.Camera)
				cameras <- c
				return c, nil
			}}})
		first, second := dial(t, addr, nil), dial(t, addr, nil)
		first.record(t, describe(units))
		remembers := func(c *capture.Camera, r *raw) {
			changed := c.History.Changed()
			r.send(t, units[0])
			<-changed
		}
		camera := <-cameras
		remembers(camera, first)
		if !takeOver {
			response := second.want(t, base.StatusForbidden, "ANNOUNCE", second.url, "", describe(units))
			if !strings.Contains(response.StatusMessage, capture.ErrLive.Error()) {
				t.Errorf("the second is told %q", response.StatusMessage)
			}
			second.closed(t)
			remembers(camera, first)
			first.want(t, base.StatusOK, "TEARDOWN", first.url, "", "")
			continue
		}
		second.record(t, describe(units))
		<-cameras // which is not used: the second goes on with that of the first
		remembers(camera, second)
		first.send(t, units[0])
		log.await(t, capture.ErrTakenOver.Error())
		if _, err := io.Copy(io.Discard, first.in); err != nil {
			t.Logf("the first was hung up on: %v", err)
		}
	}
}
