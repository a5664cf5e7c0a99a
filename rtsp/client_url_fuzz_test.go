package rtsp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/livestill/livestill/rtsp"
)

// FuzzAddress reads URLs. What an error says of one that is taken can be printed, and has no credentials.
func FuzzAddress(f *testing.F) {
	for _, url := range []string{
		"rtsp://me:se%2Fcret@192.0.2.7:554/stream1?channel=1", "rtsps://host", "rtsp://[fe80::1%25eth0]/a", "rtsp://me:secret@/cam",
		"rtsp://me:secret@host/%1b%5b2J/\u009b", "rtsp://a@b@c/d", "rtsp:opaque", "rtsp://host/#x",
	} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		shown, err := rtsp.ParseAddress(url)
		if err != nil {
			if !errors.Is(err, rtsp.ErrURL) || strings.Contains(err.Error(), "secret") {
				t.Error(err)
			}
			return
		}
		if strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q", shown)
		}
		if u, err := base.ParseURL(url); err == nil && u.User != nil && strings.Contains(u.User.String(), "secret") &&
			!strings.Contains(u.Host+u.Path, "secret") && strings.Contains(shown, "secret") {
			t.Errorf("%q shows the credentials of %q", shown, url)
		}
	})
}

// FuzzRedirect has a server that knows the credentials redirect to anywhere. They go nowhere else, with credentials neither does the
// Client, and it comes to an end.
func FuzzRedirect(f *testing.F) {
	for _, to := range []string{
		"rtsp://elsewhere/cam", "rtsp://host:554/other", "rtsp://you:word@host/cam", "rtsp://me:secret@elsewhere:554/", "http://host/", "",
		"rtsp://host:555", "rtsp://[::1/", "rtsp://host\x1b[2J/", "//host/cam", "rtsp://HOST/cam", "rtsp:cam", "rtsps://host:554/cam",
	} {
		f.Add(to, "Found", true)
		f.Add(to, "\x1b[2J\x07", false)
	}
	f.Fuzz(func(t *testing.T, to, reason string, login bool) {
		lines := strings.NewReplacer("\r", "", "\n", "")
		to, reason = lines.Replace(to), lines.Replace(reason)
		c := &rtsp.Client{URL: "rtsp://host/cam"}
		if login {
			c.URL = "rtsp://me:secret@host/cam"
		}
		var opened []string
		var serving sync.WaitGroup
		defer serving.Wait()
		err := c.Pull(t.Context(), func(_ context.Context, _, addr string) (net.Conn, error) {
			opened = append(opened, addr)
			ours, theirs := net.Pipe()
			serving.Go(func() { redirects(theirs, to, reason, login) })
			return ours, nil
		})
		var e *rtsp.Error
		text := fmt.Sprint(err)
		if !errors.As(err, &e) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) ||
			strings.Contains(text, "secret") && !strings.Contains(to+reason, "secret") {
			t.Errorf("%q", text)
		}
		if len(opened) > 20 || login && slices.ContainsFunc(opened, func(addr string) bool { return addr != "host:554" }) {
			t.Errorf("redirected to %q it dials %q", to, opened)
		}
	})
}

// redirects serves a connection: it asks for credentials if it should, and redirects, or says no.
func redirects(conn net.Conn, to, reason string, login bool) {
	defer func() { _ = conn.Close() }()
	for in := bufio.NewReader(conn); ; {
		var req base.Request
		if req.Unmarshal(in) != nil {
			return
		}
		answer := "302 " + reason
		if to != "" {
			answer += "\r\nLocation: " + to
		}
		switch {
		case req.Method != base.Describe:
			answer = "200 OK"
		case login && req.Header["Authorization"] == nil:
			answer = "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\""
		}
		if _, err := fmt.Fprintf(conn, "RTSP/1.0 %s\r\nCSeq: %s\r\n\r\n", answer, req.Header["CSeq"][0]); err != nil {
			return
		}
	}
}
