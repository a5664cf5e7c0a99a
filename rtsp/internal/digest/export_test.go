package digest

import "net/url"

// Answer answers the first challenge of a header, to a request that is the first to do so.
func Answer(header string, user *url.Userinfo, method, uri, cnonce string) string {
	return challenges([]string{header})[0].answer(user, method, uri, cnonce, 1)
}
