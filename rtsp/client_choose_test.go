package rtsp_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/auth"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtsp"
)

// TestBackChannels offers medias that are for the Client to send, a video among them, as some cameras do without being asked for them.
func TestBackChannels(t *testing.T) {
	const audio = "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendonly\r\na=control:track=2\r\n"
	const backs = "m=video 0 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\na=sendonly\r\na=control:track=1\r\n" + audio
	units := small(t)
	url := alone(general+backs+ofH264+"a=recvonly\r\n", func(r *raw) {
		r.pour(t, units...)
		_, _ = io.Copy(io.Discard, r.in)
	}).start(t)
	for _, media := range []int{0, 1} { // back-channels do not count
		_, got := collect(t, &rtsp.Client{URL: url, Transport: rtsp.TCP, Media: media}, 30)
		check(t, got, units)
	}
	url = alone(general+audio, func(*raw) {}).start(t)
	if err := (&rtsp.Client{URL: url, Handler: ingesttest.Refuse(t)}).Run(context.Background()); !errors.Is(err, rtsp.ErrCodec) {
		t.Errorf("nothing but back-channels: %v", err)
	}
}

func TestClientAuthenticates(t *testing.T) {
	for _, test := range []struct {
		method auth.VerifyMethod
		about  string
	}{
		{auth.VerifyMethodBasic, "Basic"},
		{auth.VerifyMethodDigestMD5, "Digest"},
		{auth.VerifyMethodDigestSHA256, "Digest with SHA-256"},
	} {
		s := server{password: secret}
		s.AuthMethods = []auth.VerifyMethod{test.method}
		s.start(t, "", true)
		s.publish(t, frametest.Clip{})
		collect(t, &rtsp.Client{URL: "rtsp://me:se%2Fcr%25et@" + s.addr + "/cam"}, 1)
		for _, user := range []string{"me:wrong@", "you:se%2Fcr%25et@", "me@", ""} {
			err := (&rtsp.Client{URL: "rtsp://" + user + s.addr + "/cam", Handler: ingesttest.Refuse(t)}).Run(context.Background())
			if !errors.Is(err, rtsp.ErrUnauthorized) {
				t.Errorf("%s: as %q: %v", test.about, user, err)
			}
		}
	}
}
