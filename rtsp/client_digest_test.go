package rtsp_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtsp"
)

// A doorman lets those in who know the password, by Digest as the test has it.
type doorman struct {
	ask     []string       // headers of the challenges; %s is a nonce
	want    *regexp.Regexp // of the answer; nil if that is not looked at
	rotates bool           // each request needs a new nonce
	stale   bool           // and it says so
	closes  bool           // it hangs up after each challenge

	asked  *atomic.Bool // and will hang up on what comes next
	nonces *atomic.Int32
}

const digestRealm = "cam, of mine"

func (d *doorman) respond(req *base.Request) (status, header, body string) {
	if req.Method == base.Options || req.Method == base.Teardown || req.Method == base.GetParameter {
		return "", "", ""
	}
	answered := req.Header["Authorization"]
	nonce := fmt.Sprintf("nonce%d", d.nonces.Load())
	if d.closes && d.asked.Swap(false) {
		return "hang up", "", ""
	}
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
	d.asked.Store(true)
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
		{"a new connection after each challenge", doorman{ask: []string{realm + `, qop="auth"`}, closes: true}},
		{"a new nonce for each request, and it says so", doorman{ask: []string{realm}, rotates: true, stale: true}},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			c := streaming(t, units)
			test.door.nonces, test.door.asked = new(atomic.Int32), new(atomic.Bool)
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
