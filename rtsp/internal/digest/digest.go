// Package digest answers the challenges of RTSP servers that want credentials.
//
// The protocol library answers by Digest as it was in RFC 2069, without qop. Many cameras take no other than that of RFC 7616, so that the
// answers are made here, and take the place of the library's.
package digest

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
)

// A challenge is what a server asks for credentials with, RFC 7616 section 3.3.
type challenge struct {
	scheme     string            // in lower case
	parameters map[string]string // by names in lower case; values are as they came, without their quotes
}

// challenges reads the values of WWW-Authenticate, of which each may have several challenges:
//
//	Digest realm="cam", nonce="abc", algorithm=MD5, qop="auth", Basic realm="cam"
func challenges(values base.HeaderValue) (found []challenge) {
	for _, rest := range values {
		for {
			if rest = strings.TrimLeft(rest, " \t,"); rest == "" {
				break
			}
			end := strings.IndexAny(rest+" ", " \t,=")
			name, after := strings.ToLower(rest[:end]), strings.TrimLeft(rest[end:], " \t")
			value, isParameter := strings.CutPrefix(after, "=")
			if rest = after; !isParameter {
				found = append(found, challenge{name, make(map[string]string)})
				continue
			}
			value, rest = unquote(strings.TrimLeft(value, " \t"))
			if len(found) > 0 {
				found[len(found)-1].parameters[name] = value
			}
		}
	}
	return found
}

// unquote returns the token or the quoted string that a text begins with, and what follows.
func unquote(s string) (value, rest string) {
	quoted, isQuoted := strings.CutPrefix(s, `"`)
	if !isQuoted {
		end := strings.IndexByte(s+",", ',')
		return strings.TrimSpace(s[:end]), s[end:]
	}
	for end := 0; end < len(quoted); end++ {
		switch quoted[end] {
		case '\\':
			end++
		case '"':
			return quoted[:end], quoted[end+1:]
		}
	}
	return quoted, ""
}

// hash returns the function of a challenge's algorithm in hex digits, and how strong it is; zero if it is not known here.
func (c challenge) hash() (sum func(string) string, strength int) {
	algorithm, _ := strings.CutSuffix(strings.ToLower(c.parameters["algorithm"]), "-sess")
	switch algorithm {
	case "", "md5":
		return func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }, 2
	case "sha-256":
		return func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }, 3
	case "sha-512-256":
		return func(s string) string { return fmt.Sprintf("%x", sha512.Sum512_256([]byte(s))) }, 4
	}
	return nil, 0
}

// strength returns which of several challenges is to be answered: the one with most. One with zero cannot be.
func (c challenge) strength() (s int) {
	switch {
	case c.scheme == "basic":
		return 1
	case c.scheme == "digest" && c.parameters["nonce"] != "":
		_, s = c.hash()
	}
	return s
}

// Credentials answer the challenges of one server. One goroutine at a time may use them.
type Credentials struct {
	User *url.Userinfo // nil if there is none

	challenge challenge // the newest; the zero challenge before the first
	count     int       // of requests that answered it
	sent      bool      // the newest request had credentials
	accepted  bool      // some were accepted
	asked     bool      // for, over this connection
	refused   bool      // some were, over this connection
	renewed   bool      // the newest request was refused, maybe for an old nonce alone
}

// Authorize gives a request the credentials that were asked for.
func (c *Credentials) Authorize(req *base.Request) {
	delete(req.Header, "Authorization")
	if c.sent = c.User != nil && c.challenge.strength() > 0; c.sent {
		c.count++
		req.Header["Authorization"] = base.HeaderValue{
			c.challenge.answer(c.User, string(req.Method), req.URL.CloneWithoutCredentials().String(), rand.Text(), c.count),
		}
	}
}

// Answered takes note of an answer, and has the library ask once more if that can help.
func (c *Credentials) Answered(asked base.Method, res *base.Response) {
	c.renewed = false
	if res.StatusCode != base.StatusUnauthorized {
		c.accepted = c.accepted || c.sent && asked != base.Options // which many let everybody ask
		return
	}
	var best challenge
	for _, offered := range challenges(res.Header["WWW-Authenticate"]) {
		if offered.strength() > best.strength() {
			best = offered
		}
	}
	if c.User == nil || best.strength() == 0 {
		return
	}
	stale := strings.EqualFold(best.parameters["stale"], "true")
	c.renewed = c.sent && (c.accepted || stale) && best.parameters["nonce"] != c.challenge.parameters["nonce"]
	c.refused = c.refused || c.sent && !c.accepted
	c.challenge, c.count, c.asked = best, 0, true
	res.Header["WWW-Authenticate"] = base.HeaderValue{`Basic realm=""`} // has the library ask once more
}

// Renewed reports whether the newest request was refused, but maybe since its nonce was too old: it may be made once more.
func (c *Credentials) Renewed() bool { return c.renewed }

// Challenged reports whether the server has asked for credentials, and has not taken any.
func (c *Credentials) Challenged() bool { return c.asked && c.sent && !c.accepted }

// Refused reports whether the server has refused credentials, and has not taken any.
func (c *Credentials) Refused() bool { return c.refused && !c.accepted }

// Next returns what is known for another connection to the server.
func (c *Credentials) Next() Credentials {
	return Credentials{User: c.User, challenge: c.challenge, count: c.count}
}

// answer returns the value of Authorization for a request, RFC 7616 section 3.4, which is the count'th that answers the challenge.
func (c challenge) answer(user *url.Userinfo, method, uri, cnonce string, count int) string {
	name := user.Username()
	password, _ := user.Password()
	if c.scheme == "basic" {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
	}
	sum, _ := c.hash()
	realm, nonce, algorithm, qop := c.parameters["realm"], c.parameters["nonce"], c.parameters["algorithm"], c.qop()
	secret := sum(name + ":" + realm + ":" + password)
	session := strings.HasSuffix(strings.ToLower(algorithm), "-sess")
	if session {
		secret = sum(secret + ":" + nonce + ":" + cnonce)
	}
	request, proof := method+":"+uri, nonce
	if qop == "auth-int" {
		request += ":" + sum("") // no request has a body
	}
	if qop != "" {
		proof += fmt.Sprintf(":%08x:%s:%s", count, cnonce, qop)
	}
	b := fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s"`,
		quoter.Replace(name), realm, nonce, uri, sum(secret+":"+proof+":"+sum(request)))
	if algorithm != "" {
		b += ", algorithm=" + algorithm
	}
	if opaque, ok := c.parameters["opaque"]; ok {
		b += `, opaque="` + opaque + `"`
	}
	if qop != "" || session { // else RFC 2617 section 3.2.2 forbids it
		b += `, cnonce="` + cnonce + `"`
	}
	if qop != "" {
		b += fmt.Sprintf(", qop=%s, nc=%08x", qop, count)
	}
	return b
}

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// qop returns the quality of protection to use; empty if the server knows none.
func (c challenge) qop() (best string) {
	for _, offered := range strings.Split(c.parameters["qop"], ",") {
		switch offered = strings.ToLower(strings.TrimSpace(offered)); {
		case offered == "auth", offered == "auth-int" && best == "":
			best = offered
		}
	}
	return best
}
