package rtsp_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtsp"
	"github.com/pion/rtp"
)

const secret = "se/cr%et"

func TestClientGivesUp(t *testing.T) {
	guarded := server{password: "right"}
	guarded.start(t, "", false)
	guarded.publish(t, frametest.Clip{})
	var other server
	other.start(t, "", false)
	other.offer(t,
		&description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{&format.Opus{PayloadTyp: 97, ChannelCount: 2}}},
		&description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{&format.MPEG1Video{}}})
	for _, test := range []struct {
		about string
		url   string
		want  error
		text  string
	}{
		{"no URL", "", rtsp.ErrURL, "configure"},
		{"another scheme", "http://me:" + secret + "@127.0.0.1/cam", rtsp.ErrURL, "rtsp://"},
		{"a password that is not encoded", "rtsp://me:" + secret + "@127.0.0.1/cam", rtsp.ErrURL, "rtsp://"},
		{"no host", "rtsp:///cam", rtsp.ErrURL, "rtsp://"},
		{"a wrong password", "rtsp://me:se%2Fcr%25et@" + guarded.addr + "/cam", rtsp.ErrUnauthorized, "describe cam from " + guarded.addr},
		{"no password", guarded.url(), rtsp.ErrUnauthorized, "401"},
		{"other codecs", other.url(), rtsp.ErrCodec, "audio of Opus, video of MPEG-1/2 Video"},
	} {
		c := rtsp.Client{URL: test.url, Handler: ingesttest.Refuse(t)}
		err := c.Run(context.Background())
		var e *rtsp.Error
		if !errors.Is(err, test.want) || !errors.As(err, &e) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v, want %q", test.about, err, test.text)
		}
		if strings.Contains(err.Error(), "cr%") {
			t.Errorf("%s: the error shows the password: %v", test.about, err)
		}
	}
	err := (&rtsp.Client{URL: "rtsp://127.0.0.1/cam"}).Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "no Handler") {
		t.Errorf("without a Handler: %v", err)
	}
	if _, units := collect(t, &rtsp.Client{URL: "rtsp://me:right@" + guarded.addr + "/cam"}, 1); len(units) != 1 {
		t.Error("the right password does not help")
	}
}

func TestHandlerRefuses(t *testing.T) {
	played := make(chan struct{}, 1)
	s := server{pass: func(_ *rtp.Packet, players []gortsplib.Transport) bool {
		if len(players) > 0 {
			played <- struct{}{}
		}
		return true
	}}
	s.start(t, "", true)
	s.publish(t, frametest.Clip{})
	err := (&rtsp.Client{URL: s.url(), Handler: frame.HandlerFunc(func(context.Context, *frame.Stream) error {
		return errEnough
	})}).Run(context.Background())
	if !errors.Is(err, errEnough) {
		t.Errorf("Run returned %v, want what the Handler did", err)
	}
	select {
	case <-played:
		t.Error("a refused stream was played")
	default:
	}
}

// TestOnce has Clients pull once, from what others would try again.
func TestOnce(t *testing.T) {
	var empty server
	empty.start(t, "", false)
	units := small(t)
	short := alone(describe(units), func(r *raw) { r.pour(t, units...) })
	for _, test := range []struct {
		about, url, step, text string
		told                   []frame.PullState
	}{
		{"nobody listens", "rtsp://" + frametest.FreeAddr(t) + "/cam", "describe", "connection refused", nil},
		{"nobody publishes", empty.url(), "describe", "404", nil},
		{"a stream that ends", short.start(t), "receive", "cam", []frame.PullState{frame.PullConnected}},
	} {
		var told []frame.PullState
		c := rtsp.Client{URL: test.url, Handler: drain, Transport: rtsp.TCP, Once: true, OnPull: func(p frame.Pull) { told = append(told, p.State) }}
		err := c.Run(t.Context())
		var e *rtsp.Error
		if !errors.As(err, &e) || e.Step != test.step || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v, want %s in step %s", test.about, err, test.text, test.step)
		}
		if !slices.Equal(told, test.told) {
			t.Errorf("%s: told %v, want %v", test.about, told, test.told)
		}
	}
}

// TestSilence is of servers that say nothing more from a certain point on, each of which the Client must leave and try again.
func TestSilence(t *testing.T) {
	mute, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 100)
	go func() {
		defer close(accepted)
		for {
			conn, err := mute.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	t.Cleanup(func() {
		_ = mute.Close()
		for conn := range accepted {
			_ = conn.Close()
		}
	})
	var idle server
	idle.start(t, "", true)
	h264 := &format.H264{PayloadTyp: 96, PacketizationMode: 1}
	idle.offer(t, &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{h264}})
	away := server{redirect: "rtsp://" + mute.Addr().String() + "/cam"}
	away.start(t, "", false)
	var empty server
	empty.start(t, "", false)
	for _, test := range []struct {
		about string
		url   string
		text  string // of the log
	}{
		{"after accepting", "rtsp://me:se%2Fcr%25et@" + mute.Addr().String() + "/cam",
			"describe cam from " + mute.Addr().String() + ": the server is silent"},
		{"in the TLS handshake", "rtsps://me:se%2Fcr%25et@" + mute.Addr().String() + "/cam", "the server is silent"},
		{"after PLAY", idle.url(), "receive cam from " + idle.addr + ": the server is silent"},
		{"where it redirects to", away.url(), "the server is silent"},
		{"with credentials a redirect is not followed", "rtsp://me:se%2Fcr%25et@" + away.addr + "/cam", "redirected"},
		{"not silent: nobody publishes yet", empty.url(), "404"},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			log := make(transcript, 1000)
			c := rtsp.Client{URL: test.url, Timeout: time.Second, Retry: time.Millisecond, MaxRetry: 50 * time.Millisecond,
				Logger: slog.New(slog.NewTextHandler(log, nil)),
				Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
					for _, err := range s.Units {
						return err
					}
					return nil
				})}
			ctx, cancel := context.WithCancelCause(context.Background())
			done := make(chan error)
			go func() { done <- c.Run(ctx) }()
			log.await(t, test.text)
			log.await(t, test.text)
			cancel(errStop)
			if err := <-done; !errors.Is(err, errStop) {
				t.Errorf("Run returned %v, want the cause of its context", err)
			}
		})
	}
}
