package rtsp_test

import (
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"
	"github.com/livestill/livestill/rtsp"
)

// FuzzAnswer has any answers mended. What succeeded, the library can read; what was refused for want of credentials is answered by the
// challenge, if that can be, and never with the password in clear text unless the server knows nothing else.
func FuzzAnswer(f *testing.F) {
	const tcp, udp = "RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP;unicast;client_port=5000-5001"
	f.Add(byte(0), 200, tcp, "RTP/AVP/TCP;unicast;interleaved=0", "1;timeout=60", "rtsp://h/cam/")
	f.Add(byte(0), 200, udp, "RTP/AVP;multicast;destination=239.0.0.1;port=5000;source=::1", "1;timeout=x", "cam")
	f.Add(byte(0), 403, udp, "", "", "")
	f.Add(byte(1), 401, "", `Digest realm="a\"b", nonce="c", qop="auth,auth-int", algorithm=MD5-sess, Basic realm=x`, "", "")
	f.Add(byte(1), 200, "", "", ";", "/cam")
	f.Add(byte(2), 501, "", "", "", "")
	u, err := base.ParseURL("rtsp://me:secret@127.0.0.1/cam")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method byte, status int, asked, value, session, contentBase string) {
		methods := []base.Method{base.Setup, base.Describe, base.Options, base.Play}
		m := methods[int(method)%len(methods)]
		if asked != tcp && asked != udp {
			asked = tcp
		}
		name := "Transport"
		if status == 401 {
			name = "WWW-Authenticate"
		}
		res := &base.Response{StatusCode: base.StatusCode(status), Header: base.Header{
			name: base.HeaderValue{value}, "Session": base.HeaderValue{session}, "Content-Base": base.HeaderValue{contentBase},
		}}
		again := rtsp.Exchange(u, m, asked, res)
		if new(headers.Session).Unmarshal(res.Header["Session"]) != nil {
			t.Errorf("session %q is %q", session, res.Header["Session"])
		}
		if at := res.Header["Content-Base"]; m == base.Describe && status == 200 && len(at) > 0 && !strings.HasPrefix(at[0], "/") {
			if _, err := base.ParseURL(at[0]); err != nil {
				t.Errorf("%q: %v", at, err)
			}
		}
		if m == base.Setup && res.StatusCode == base.StatusOK {
			if new(headers.Transport).Unmarshal(res.Header["Transport"]) != nil {
				t.Errorf("transport %q is %q", value, res.Header["Transport"])
			}
		}
		for _, sent := range again.Header["Authorization"] {
			if strings.HasPrefix(sent, "Basic ") == strings.Contains(strings.ToLower(value), "digest") && !strings.Contains(strings.ToLower(value), "basic") {
				t.Errorf("%q is answered with %q", value, sent)
			}
			var read headers.Authorization
			if strings.HasPrefix(sent, "Digest ") && !strings.Contains(value, "-") && read.Unmarshal(base.HeaderValue{sent}) != nil && !strings.ContainsAny(value, `"\`) {
				t.Errorf("%q is answered with %q", value, sent)
			}
		}
	})
}
