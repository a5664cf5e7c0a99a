package rtsp

import (
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/url"
	"strings"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"
	"github.com/livestill/livestill/internal/ingest"
	"github.com/livestill/livestill/internal/retry"
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

// authenticate asks Authenticate. The answer to who has shown credentials waits if others of its address, or it itself, showed many wrong
// ones. A publisher with right ones need not give way to others meanwhile.
func (r *recorder) authenticate(c *conn, l *Login, shown bool) error {
	err := r.contain(l.Remote, func() error { return r.Authenticate(c.life, l) })
	switch {
	case !shown:
		return err
	case err == nil:
		c.Reach(ingest.Publishing)
	default:
		r.guesses.Wrong(l.Remote)
	}
	retry.Wait(c.life, min(r.guesses.Wait(l.Remote), r.PublishTimeout/3)) // so that there is time left to go on
	return err
}

// login reads the credentials of a request, RFC 2326 section 12.5, that come with the request for a stream.
func login(lib *gortsplib.ServerConn, req *base.Request) (l Login) {
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
		l.digest = func(password string) bool { return lib.VerifyCredentials(req, proof.Username, password) }
	}
	return l
}
