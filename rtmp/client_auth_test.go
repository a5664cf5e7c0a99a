package rtmp_test

import (
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtmp"
)

// reject answers connect with an error, and hangs up as servers do.
func (p *player) reject(description string, ex any) {
	p.call(0, "_error", 1, nil, map[string]any{
		"level": "error", "code": "NetConnection.Connect.Rejected", "description": description, "ex": ex,
	})
}

// guarded is a server with Adobe's authentication, of user "me" and the password "pass-word". What it expects for the fixed salt and
// opaque was computed outside of this package.
func guarded(t *testing.T, opaque bool, after func(p *player)) func(n int, p *player) {
	t.Helper()
	return func(_ int, p *player) {
		if !p.greet() {
			return
		}
		app, _ := p.object["app"].(string)
		if tcURL, _ := p.object["tcUrl"].(string); !strings.HasSuffix(tcURL, "/"+app) {
			t.Errorf("app %q and tcUrl %q differ", app, tcURL)
		}
		_, query, _ := strings.Cut(app, "?")
		params, _ := url.ParseQuery(strings.ReplaceAll(query, "+", "%2B"))
		switch {
		case !params.Has("authmod"):
			p.reject("[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ", nil)
		case params.Get("user") != "me":
			p.reject("[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=nosuchuser", nil)
		case !params.Has("response"):
			more := ""
			if opaque {
				more = "&opaque=b3BhcXVl"
			}
			p.reject("[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=me&salt=salt&challenge=Y2hhbA=="+more, nil)
		case params.Get("response") != expected(params.Get("challenge"), opaque):
			p.reject("[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed", nil)
		default:
			after(p)
		}
	}
}

// expected returns the response to the challenge. The first step is printf mesaltpass-word | openssl md5 -binary | base64.
func expected(ours string, opaque bool) string {
	theirs := "Y2hhbA=="
	if opaque {
		theirs = "b3BhcXVl"
	}
	sum := md5.Sum([]byte("VlgVhOt7ztkTjp7uXxy5xQ==" + theirs + ours))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// plays serves a stream after connect.
func plays(p *player) {
	if !p.connected() {
		return
	}
	if _, ok := p.command("play"); ok {
		p.start()
		p.media(3)
		p.gone()
	}
}

func TestAdobeAuthentication(t *testing.T) {
	for _, c := range []struct {
		about  string
		login  string
		serve  func(n int, p *player)
		refuse string // text of the error; empty if the stream comes
	}{
		{"right, with opaque", "me:pass-word@", guarded(t, true, plays), ""},
		{"right, without", "me:pass-word@", guarded(t, false, plays), ""},
		{"right, percent-encoded", "me:%70ass-word@", guarded(t, true, plays), ""},
		{"not asked for", "me:pass-word@", func(_ int, p *player) {
			if p.greet() {
				plays(p)
			}
		}, ""},
		{"a wrong password", "me:guess@", guarded(t, true, plays), "connect live/cam: "},
		{"a wrong user", "you:pass-word@", guarded(t, true, plays), "connect live/cam: "},
		{"none", "", guarded(t, true, plays), "the URL has no user or no password"},
		{"no password", "me@", guarded(t, true, plays), "the URL has no user or no password"},
		{"another method", "me:pass-word@", func(_ int, p *player) {
			if p.greet() {
				p.reject("[ AccessManager.Reject ] : [ code=403 need auth; authmod=llnw ] : ", nil)
			}
		}, "by a method other than Adobe's"},
		{"a server that challenges for ever", "me:pass-word@", func(_ int, p *player) {
			if p.greet() {
				p.reject("[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=me&salt=s&challenge=c", nil)
			}
		}, "the server refuses the credentials"},
		{"a server that wants to know the user for ever", "me:pass-word@", func(_ int, p *player) {
			if p.greet() {
				p.reject("[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ", nil)
			}
		}, "the server refuses the credentials"},
	} {
		t.Run(c.about, func(t *testing.T) {
			addr := fake(t, c.serve)
			client := &rtmp.Client{URL: "rtmp://" + c.login + addr + "/live/cam?token=1"}
			if c.refuse == "" {
				got := make(events)
				client.Handler = got
				run(t, client)
				if s := got.begun(t); strings.Contains(s.URL, "me") || s.Name != "live/cam" {
					t.Errorf("stream %s, URL %s", s.Name, s.URL)
				}
				got.units(t, 3)
				return
			}
			client.Handler = ingesttest.Refuse(t)
			err := client.Run(t.Context())
			if !errors.Is(err, rtmp.ErrUnauthorized) || !strings.Contains(err.Error(), c.refuse) || strings.Contains(err.Error(), secret) {
				t.Errorf("Run returned %v", err)
			}
		})
	}
}

func TestRedirection(t *testing.T) {
	apps := make(chan string, 1)
	good := fake(t, func(_ int, p *player) {
		if p.greet() {
			apps <- fmt.Sprint(p.object["app"])
			plays(p)
		}
	})
	for _, c := range []struct {
		about, to string
		app       string // where it ends
	}{
		{"to an app", "rtmp://" + good + "/other", "other"},
		{"to a server", "rtmp://" + good, "live"},
		{"to an app with a query", "rtmp://" + good + "/other?vhost=h", "other?vhost=h"},
		{"to a stream", "rtmp://" + good + "/other/cam", "other"},
		{"to the instance of an app", "rtmp://" + good + "/a/b", "a/b"},
	} {
		t.Run(c.about, func(t *testing.T) {
			ex := map[string]any{"code": 302, "redirect": c.to}
			for about, serve := range map[string]func(int, *player){
				"of connect": func(_ int, p *player) {
					if p.greet() {
						p.reject("moved", ex)
					}
				},
				"of play": func(_ int, p *player) {
					if _, ok := p.asked(); ok {
						p.call(0, "onStatus", 0, nil, map[string]any{"level": "error", "code": "NetConnection.Connect.Rejected", "ex": ex})
					}
				},
			} {
				got := make(events)
				stop := run(t, &rtmp.Client{URL: "rtmp://" + fake(t, serve) + "/live/cam?token=1", Handler: got})
				s := got.begun(t)
				if app := <-apps; app != c.app || s.Name != "live/cam" || s.Remote.String() != good {
					t.Errorf("%s: app %s, stream %s of %v", about, app, s.Name, s.Remote)
				}
				got.units(t, 3)
				stop()
			}
		})
	}
}

// Redirections that are not followed, or not for ever. The Client tries again, for the server may know better then.
func TestRedirectionsToNowhere(t *testing.T) {
	elsewhere := fake(t, guarded(t, true, plays))
	away := func(to string) func(int, *player) {
		return func(_ int, p *player) {
			if p.greet() {
				if to == "" {
					to = fmt.Sprint(p.object["tcUrl"])
				}
				p.reject("", map[string]any{"code": 302, "redirect": to})
			}
		}
	}
	for _, c := range []struct{ about, to, text string }{
		{"in a circle", "", "more than 8 redirections"},
		{"to no URL", "over there", "no URL of RTMP"},
		{"to HTTP", "http://" + elsewhere + "/live", "no URL of RTMP"},
		{"with credentials to a server that wants some", "rtmp://" + elsewhere + "/live", "for the host of the URL only"},
	} {
		t.Run(c.about, func(t *testing.T) {
			awaitLog(t, &rtmp.Client{URL: "rtmp://me:" + secret + "@" + fake(t, away(c.to)) + "/live/cam", Handler: ingesttest.Refuse(t)}, c.text)
		})
	}
	t.Run("from TLS to none", func(t *testing.T) {
		port, trust := tlsProxy(t, fake(t, away("rtmp://"+elsewhere+"/live")))
		awaitLog(t, &rtmp.Client{URL: "rtmps://localhost:" + port + "/live/cam", Handler: ingesttest.Refuse(t), TLSConfig: trust}, "to a URL without TLS")
	})
}
