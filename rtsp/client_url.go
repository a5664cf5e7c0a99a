package rtsp

import (
	"net/url"
	"strings"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
)

// An address is what a Client's URL tells.
type address struct {
	url   *base.URL
	name  string // of the stream
	query url.Values
}

// parseAddress reads the URL of a stream. Its error does not say what is wrong where, for that may be a part of the password.
func parseAddress(s string) (address, error) {
	u, err := base.ParseURL(s)
	if err != nil || u.Hostname() == "" {
		return address{}, &Error{Step: "configure", Err: ErrURL}
	}
	return address{u, strings.TrimPrefix(u.Path, "/"), (*url.URL)(u).Query()}, nil
}

// fail returns the error of a step that failed.
func (a address) fail(step string, err error) error {
	return &Error{Step: step, Stream: a.name, Server: a.url.Host, Err: err}
}
