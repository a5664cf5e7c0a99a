package rtmp

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// A login is Adobe's authentication by challenge and response, as publishers and players have it from librtmp. It takes three
// connections: the server answers the first connect with
//
//	[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] :
//
// a second, which tells the user, with
//
//	[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=u&salt=s&challenge=c&opaque=o
//
// and hangs up after both. The response in the third proves the password. It is made with MD5, and so does not protect a weak
// password from who listens; rtmps does.
type login struct {
	user, password string
	query          string // what connect carries behind the app
	answered       bool   // it is a response to a challenge
}

// wanted tells whether a server that gives this reason for a refusal wants authentication.
func wanted(reason string) bool {
	return strings.Contains(reason, "authmod=") || strings.Contains(reason, "code=403 need auth")
}

// next prepares the next connect. The error is an ErrUnauthorized: there is no use in another.
func (l *login) next(reason string) error {
	_, params, challenged := strings.Cut(reason, "?reason=needauth")
	switch {
	case !strings.Contains(reason, "authmod=adobe"):
		return fmt.Errorf("%w, by a method other than Adobe's", ErrUnauthorized)
	case l.user == "" || l.password == "":
		return fmt.Errorf("%w, and the URL has no user or no password", ErrUnauthorized)
	case l.answered, !challenged && l.query != "":
		return ErrUnauthorized
	case !challenged:
		l.query = "authmod=adobe&user=" + l.user
		return nil
	}
	salt, challenge := param(params, "salt"), param(params, "challenge")
	opaque := param(params, "opaque")
	secret := hash(l.user + salt + l.password)
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	ours := hex.EncodeToString(random[:])
	l.query = "authmod=adobe&user=" + l.user + "&challenge=" + ours
	if opaque != "" {
		l.query += "&response=" + hash(secret+opaque+ours) + "&opaque=" + opaque
	} else {
		l.query += "&response=" + hash(secret+challenge+ours)
	}
	l.answered = true
	return nil
}

// param returns a parameter of what looks like a query but is not encoded: base64 stands there as it is.
func param(query, name string) string {
	for pair := range strings.SplitSeq(query, "&") {
		if k, v, _ := strings.Cut(pair, "="); k == name {
			return v
		}
	}
	return ""
}

func hash(s string) string {
	sum := md5.Sum([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}
