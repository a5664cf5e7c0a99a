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

// An address is what a Client's URL, or a redirection, tells.
type address struct {
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

// parseAddress reads the URL of a stream. Its error does not say what is wrong where, for that may be a part of the password.
func parseAddress(s string) (address, error) {
	a, path, query, ok := parseURL(s)
	if !ok {
		return address{}, ErrURL
	}
	app, key := splitPath(path)
	a.name, a.query = strings.Trim(app+"/"+key, "/"), parseQuery(query)
	if app == "" || !ingest.IsText(a.name) {
		return address{}, ErrURL
	}
	a.url = (&url.URL{Scheme: a.scheme, Host: a.host}).String() + "/" + a.name
	if _, _, _, ok := parseURL(a.url); !ok { // a zone that cannot be written
		return address{}, ErrURL
	}
	if a.app, a.key = app, key; query != "" && key != "" {
		a.key += "?" + query
	} else if query != "" {
		a.app += "?" + query
	}
	return a, nil
}

// parseURL takes a URL apart. Path and query are as they stand there, for no server decodes what encoders do not encode.
func parseURL(s string) (a address, path, query string, ok bool) {
	scheme, rest, _ := strings.Cut(s, "://")
	host, rest, _ := strings.Cut(rest, "/")
	path, query, _ = strings.Cut(rest, "?")
	path = strings.TrimRight(path, "/")
	u, err := url.Parse(scheme + "://" + host)
	if err != nil || len(s) > maxURL || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || !ingest.IsText(s) || !ingest.IsText(u.Host) {
		return address{}, "", "", false
	}
	a = address{scheme: u.Scheme, host: u.Host, user: u.User.Username()}
	a.password, _ = u.User.Password()
	if _, _, err := net.SplitHostPort(a.hostPort()); err != nil {
		return address{}, "", "", false
	}
	return a, path, query, u.Scheme == "rtmp" || u.Scheme == schemeTLS
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
func (a address) redirect(to string) (address, error) {
	there, path, query, ok := parseURL(to)
	switch {
	case !ok:
		return address{}, errBadRedirect
	case a.scheme == schemeTLS && there.scheme != schemeTLS:
		return address{}, errDowngrade
	}
	if there.hostPort() != a.hostPort() || there.scheme != a.scheme {
		a.user, a.password, a.redirected = "", "", true
	}
	a.scheme, a.host = there.scheme, there.host
	key, _, _ := strings.Cut(a.key, "?")
	if path = strings.Trim(path, "/"); key != "" {
		path = strings.TrimSuffix(path, "/"+key)
	}
	if path != "" {
		a.app = path
		if query != "" {
			a.app += "?" + query
		}
	}
	return a, nil
}

// hostPort returns what to dial.
func (a address) hostPort() string {
	u := url.URL{Host: a.host}
	p := u.Port()
	switch {
	case p != "":
	case a.scheme == schemeTLS:
		p = defaultPortTLS
	default:
		p = defaultPort
	}
	return net.JoinHostPort(u.Hostname(), p)
}

// tls tells whether the connection is to be encrypted, and under what name the server is to show itself.
func (a address) tls() (name string, ok bool) {
	return (&url.URL{Host: a.host}).Hostname(), a.scheme == schemeTLS
}

// shows tells whether a text of the server's repeats something that is not for logs: the password, or the value of a parameter, decoded
// or as it is sent.
func (a address) shows(text string) bool {
	secrets := []string{a.password}
	for _, values := range a.query {
		secrets = append(secrets, values...)
	}
	_, query, _ := strings.Cut(a.app+a.key, "?")
	for pair := range strings.SplitSeq(query, "&") {
		_, value, _ := strings.Cut(pair, "=")
		secrets = append(secrets, value)
	}
	return slices.ContainsFunc(secrets, func(s string) bool { return s != "" && strings.Contains(text, s) })
}
