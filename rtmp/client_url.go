package rtmp

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/livestill/livestill/internal/ingest"
)

const (
	maxURL         = 8 << 10 // bytes
	defaultPort    = "1935"
	defaultPortTLS = "443"
	schemeTLS      = "rtmps"
)

var (
	errDowngrade   = errors.New("redirected from rtmps to a URL without TLS")
	errElsewhere   = errors.New("the server that it was redirected to wants credentials; they are for the host of the URL only")
	errBadRedirect = errors.New("redirected to what is no URL of RTMP")
)

// A target is what a Client's URL, or a redirection, tells.
type target struct {
	scheme         string
	host           string // host or host:port, as in the URL
	app            string // as it is sent, with the query if there is no key
	key            string // as it is sent, with the query
	user, password string
	redirected     bool // to where the credentials must not go

	name  string     // of the stream: that of the Client's URL, wherever it is played from
	url   string     // the Client's URL, without credentials and query
	query url.Values // of the Client's URL
}

// parseTarget reads the URL of a stream. Its error does not say what is wrong where, for that may be a part of the password.
func parseTarget(s string) (target, error) {
	t, path, query, ok := parseURL(s)
	if !ok {
		return target{}, ErrURL
	}
	app, key := splitPath(path)
	t.name, t.query = strings.Trim(app+"/"+key, "/"), parseQuery(query)
	if app == "" || !ingest.IsText(t.name) {
		return target{}, ErrURL
	}
	t.url = (&url.URL{Scheme: t.scheme, Host: t.host}).String() + "/" + t.name
	if _, _, _, ok := parseURL(t.url); !ok { // a zone that cannot be written
		return target{}, ErrURL
	}
	if t.app, t.key = app, key; query != "" && key != "" {
		t.key += "?" + query
	} else if query != "" {
		t.app += "?" + query
	}
	return t, nil
}

// parseURL takes a URL apart. Path and query are as they stand there, for no server decodes what encoders do not encode.
func parseURL(s string) (t target, path, query string, ok bool) {
	scheme, rest, _ := strings.Cut(s, "://")
	host, rest, _ := strings.Cut(rest, "/")
	path, query, _ = strings.Cut(rest, "?")
	path = strings.TrimRight(path, "/")
	u, err := url.Parse(scheme + "://" + host)
	if err != nil || len(s) > maxURL || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || !ingest.IsText(s) || !ingest.IsText(u.Host) {
		return target{}, "", "", false
	}
	t = target{scheme: u.Scheme, host: u.Host, user: u.User.Username()}
	t.password, _ = u.User.Password()
	if _, _, err := net.SplitHostPort(t.addr()); err != nil {
		return target{}, "", "", false
	}
	return t, path, query, u.Scheme == "rtmp" || u.Scheme == schemeTLS
}

// splitPath splits a path without its leading slash into app and key, by the rules of ffmpeg that Client tells.
func splitPath(path string) (app, key string) {
	app, key, _ = strings.Cut(path, "/")
	instance, rest, more := strings.Cut(key, "/")
	if more && !strings.Contains(instance, ":") {
		return app + "/" + instance, rest
	}
	return app, key
}

// redirect returns where a server that answers connect with the given URL wants the stream to be played from. The path of that URL is
// the app there, RTMP has no word for another key. Some send the key all the same.
func (t target) redirect(to string) (target, error) {
	there, path, query, ok := parseURL(to)
	switch {
	case !ok:
		return target{}, errBadRedirect
	case t.scheme == schemeTLS && there.scheme != schemeTLS:
		return target{}, errDowngrade
	}
	if there.addr() != t.addr() || there.scheme != t.scheme {
		t.user, t.password, t.redirected = "", "", true
	}
	t.scheme, t.host = there.scheme, there.host
	key, _, _ := strings.Cut(t.key, "?")
	if path = strings.Trim(path, "/"); key != "" {
		path = strings.TrimSuffix(path, "/"+key)
	}
	if path != "" {
		t.app = path
		if query != "" {
			t.app += "?" + query
		}
	}
	return t, nil
}

// addr returns what to dial.
func (t target) addr() string {
	u := url.URL{Host: t.host}
	p := u.Port()
	switch {
	case p != "":
	case t.scheme == schemeTLS:
		p = defaultPortTLS
	default:
		p = defaultPort
	}
	return net.JoinHostPort(u.Hostname(), p)
}

// tls tells whether the connection is to be encrypted, and under what name the server is to show itself.
func (t target) tls() (name string, ok bool) {
	return (&url.URL{Host: t.host}).Hostname(), t.scheme == schemeTLS
}

// shows tells whether a text of the server's repeats something that is not for logs: the password, or the value of a parameter, decoded
// or as it is sent.
func (t target) shows(text string) bool {
	secrets := []string{t.password}
	for _, values := range t.query {
		secrets = append(secrets, values...)
	}
	_, query, _ := strings.Cut(t.app+t.key, "?")
	for pair := range strings.SplitSeq(query, "&") {
		_, value, _ := strings.Cut(pair, "=")
		secrets = append(secrets, value)
	}
	return slices.ContainsFunc(secrets, func(s string) bool { return s != "" && strings.Contains(text, s) })
}
