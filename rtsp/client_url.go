package rtsp

import (
	"net/url"
	"strings"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
)

// A target is what a Client's URL tells.
type target struct {
	url   *base.URL
	name  string // of the stream
	query url.Values
}

// parseTarget reads the URL of a stream. Its error does not say what is wrong where, for that may be a part of the password.
func parseTarget(s string) (target, error) {
	u, err := base.ParseURL(s)
	if err != nil || u.Hostname() == "" {
		return target{}, &Error{Step: "configure", Err: ErrURL}
	}
	return target{u, strings.TrimPrefix(u.Path, "/"), (*url.URL)(u).Query()}, nil
}

// fail returns the error of a step that failed.
func (t target) fail(step string, err error) error {
	return &Error{Step: step, Stream: t.name, Server: t.url.Host, Err: err}
}
