package rtsp

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"

	"github.com/livestill/livestill/internal/ingest"
)

// A Login is what a publisher shows of itself when it announces a stream.
//
//	server.Authenticate = func(_ context.Context, l *rtsp.Login) error {
//		if !l.Knows(passwords[l.User]) {
//			return rtsp.ErrUnauthorized
//		}
//		return nil
//	}
type Login struct {
	// Stream is the name of the stream, as in frame.Stream.
	Stream string

	// Query is what followed the ? in the publisher's URL; it may be nil.
	Query url.Values

	// Remote is the publisher.
	Remote net.Addr

	// User is empty if there are no credentials.
	User string

	// Password is in clear text. It is empty if there is none, as with
	// Digest, which only proves that it is known.
	Password string

	digest func(password string) bool // checks the proof; nil if there is none
}

// Knows reports whether the publisher knows a password, by Basic or by Digest. Nobody knows the empty one, so that the password of an
// unknown user may be looked up in a map.
func (l *Login) Knows(password string) bool {
	switch {
	case password == "":
		return false
	case l.digest != nil:
		return l.digest(password)
	}
	return subtle.ConstantTimeCompare([]byte(l.Password), []byte(password)) == 1
}

// ask asks Authenticate and the Handler whether a publisher may come. Those of an address that showed many wrong passwords, tokens or
// names are asked about one after the other.
func (p *publisher) ask(l *Login, shown bool) error {
	server, guesses := p.recorder.server, &p.recorder.guesses
	bare := !shown && len(l.Query) == 0 && server.Authenticate != nil // most encoders show nothing until they are asked for it
	if bare && guesses.Slow(l.Remote) {
		return ErrUnauthorized // whatever its name is
	}
	// A third: time is left for the publisher to go on.
	decided, err := guesses.Begin(p.conn.connected, l.Remote, server.PublishTimeout/3)
	if err != nil {
		return err
	}
	if server.Authenticate != nil {
		err = p.recorder.contain(l.Remote, func() error { return server.Authenticate(p.conn.connected, l) })
	}
	if err != nil {
		wrong := !bare || !errors.Is(err, ErrUnauthorized)
		p.conn.asked = wrong && !shown
		decided(wrong)
		return err
	}
	refused, err := p.offer()
	decided(refused && ingest.IsGuess(err))
	if p.conn.asked && err == nil {
		guesses.Forgive(l.Remote) // it was right, once it was asked
		p.conn.asked = false      // else it would have guesses of others forgiven, too
	}
	return err
}

// login reads the credentials of a request, RFC 2326 section 12.5, that come with the request for a stream.
func login(conn *gortsplib.ServerConn, req *base.Request) (l Login) {
	value := req.Header["Authorization"]
	if len(value) != 1 {
		return l
	}
	if encoded, ok := strings.CutPrefix(value[0], "Basic "); ok {
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
		if err == nil {
			l.User, l.Password, _ = strings.Cut(string(decoded), ":")
		}
		return l
	}
	var proof headers.Authorization
	if proof.Unmarshal(value) == nil && proof.Method == headers.AuthMethodDigest {
		l.User = proof.Username
		l.digest = func(password string) bool { return conn.VerifyCredentials(req, proof.Username, password) }
	}
	return l
}
