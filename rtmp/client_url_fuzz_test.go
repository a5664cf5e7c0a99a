package rtmp_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"unicode"

	"github.com/livestill/livestill/rtmp"
)

// FuzzAddress reads URLs. One that is taken can be dialled, and what is shown of it, Stream.URL, has no credentials and no query, and
// leads to the same stream.
func FuzzAddress(f *testing.F) {
	for _, url := range []string{
		"rtmp://127.0.0.1/live/cam?token=1", "rtmps://me:p%40ss@host:8443/live/east/cam", "rtmp://[fe80::1%25eth0]/vod/mp4:a/b.mp4?x",
		"rtmp://host/app?only", "rtmp://me@host//a//b/", "RTMP://host/a/b:c/d", "rtmp://a@b@c/d", "rtmp://host:/a", "rtmp://h\u009b/a/b",
	} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		at, err := rtmp.ParseAddress(url)
		if err != nil {
			if !errors.Is(err, rtmp.ErrURL) || err.Error() != rtmp.ErrURL.Error() {
				t.Errorf("%v says more than that it is no URL", err)
			}
			return
		}
		dialled(t, at)
		if at.Name == "" || strings.ContainsFunc(at.Name+at.URL, unicode.IsControl) {
			t.Errorf("name %q, URL %q", at.Name, at.URL)
		}
		shown, err := rtmp.ParseAddress(at.URL)
		if err != nil {
			t.Fatalf("%q is shown as %q, which is none", url, at.URL)
		}
		if shown.User != "" || shown.Password != "" || strings.Contains(at.URL, "?") {
			t.Errorf("%q shows too much", at.URL)
		}
		if shown.Scheme != at.Scheme || shown.Addr != at.Addr || shown.Name != at.Name || shown.URL != at.URL {
			t.Errorf("%+v is shown as %+v", at, shown)
		}
	})
}

// dialled checks that at can be dialled.
func dialled(t *testing.T, at rtmp.Address) {
	t.Helper()
	host, port, err := net.SplitHostPort(at.Addr)
	if err != nil || host == "" || port == "" || at.Scheme != "rtmp" && at.Scheme != "rtmps" {
		t.Errorf("%s %q cannot be dialled: %v", at.Scheme, at.Addr, err)
	}
}

// FuzzRedirect has servers redirect twice. Credentials stay with the host of the URL, what went over TLS goes on over TLS, and the
// stream keeps its name.
func FuzzRedirect(f *testing.F) {
	for _, to := range [][2]string{
		{"rtmp://elsewhere/live", "rtmp://host/live"}, {"rtmps://host/live/cam", "rtmp://host/live"}, {"rtmp://you:word@host:1935/x?y", ""},
		{"rtmp://host/", "rtmp://host?a"}, {"http://host/live", "rtmp://[::1/a"}, {"rtmp://HOST/cam", "rtmp://host\u009b/"},
	} {
		f.Add(to[0], to[1], false)
		f.Add(to[0], to[1], true)
	}
	f.Fuzz(func(t *testing.T, first, second string, tls bool) {
		url := "rtmp://me:secret@host/live/cam?token=1"
		if tls {
			url = strings.Replace(url, "rtmp", "rtmps", 1)
		}
		origin, err := rtmp.ParseAddress(url)
		if err != nil {
			t.Fatal(err)
		}
		at := origin
		for _, to := range []string{first, second} {
			there, err := at.Redirect(to)
			if err != nil {
				if strings.ContainsFunc(err.Error(), unicode.IsControl) {
					t.Errorf("%q", err)
				}
				return
			}
			dialled(t, there)
			if tls && there.Scheme != "rtmps" {
				t.Errorf("redirected from TLS to %+v", there)
			}
			home := at.User != "" && there.Addr == origin.Addr && there.Scheme == origin.Scheme
			if (there.User == "me" && there.Password == "secret") != home || (there.User+there.Password == "") == home || there.Redirected == home {
				t.Errorf("from %+v to %+v", at, there)
			}
			if there.Name != origin.Name || there.URL != origin.URL || there.Key != origin.Key || there.App == "" {
				t.Errorf("%+v became %+v", origin, there)
			}
			at = there
		}
	})
}

// FuzzRefusal has a server say anything in a refusal. What is shown of it repeats no secret, and can be printed.
func FuzzRefusal(f *testing.F) {
	f.Add("NetStream.Play.StreamNotFound", "No such stream: cam?token=Zok%20en")
	f.Add("NetConnection.Connect.Rejected", "\x1b[2J\x07bell\u009b31m\u202e \xff\r\nlevel=ERROR")
	f.Add("pass-word", "me:pass-word@host")
	f.Add("Zok%20en", "Zok en")
	f.Add("", strings.Repeat("long ", 100))
	f.Fuzz(func(t *testing.T, code, description string) {
		at, err := rtmp.ParseAddress("rtmp://me:pass-word@host/live/cam?token=Zok%20en")
		if err != nil {
			t.Fatal(err)
		}
		text := at.Refusal(code, description).Error()
		for _, secret := range []string{"pass-word", "Zok en", "Zok%20en"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q of %q and %q", text, code, description)
			}
		}
		if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || len(text) > 2000 {
			t.Errorf("%q", text)
		}
	})
}
