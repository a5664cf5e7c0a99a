package blobstore

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/livestill/livestill/capture"
)

// maxText is how many bytes of metadata a text takes at most. S3 has 2 KB for all names and values; there are four texts, and the rest is
// below 500.
const maxText = 350

// sumName is the metadatum that tells the object's bytes from others: the SHA-256, by which what was told of them is found.
const sumName = "sha256"

// metadata tells what is known about s, of which sum is the SHA-256. Zero values are left out.
func metadata(s *capture.Still, sum string) map[string]string {
	m := map[string]string{sumName: sum}
	add := func(name, value string, is bool) {
		if is {
			m[name] = value
		}
	}
	add("id", header(s.ID), true)
	add("stream", header(s.Stream), s.Stream != "")
	add("variant", header(s.Variant), s.Variant != "")
	add("time", s.Time.UTC().Format(time.RFC3339Nano), !s.Time.IsZero())
	add("wanted", s.Wanted.UTC().Format(time.RFC3339Nano), !s.Wanted.IsZero())
	add("pts", s.PTS.String(), s.PTS != 0)
	add("off", strconv.Itoa(s.Off), s.Off != 0)
	add("keypicture", "true", s.Key)
	add("qp", strconv.FormatFloat(float64(s.QP), 'g', 4, 32), s.QP != 0)
	add("frozen", s.Frozen.String(), s.Frozen != 0)
	add("blank", "true", s.Blank)
	add("merged", strconv.Itoa(s.Merged), s.Merged != 0)
	add("refined", "true", s.Refined)
	if s.Instead != nil {
		add("instead", header(s.Instead.Error()), true)
	}
	return m
}

// header makes of any text one that can be a header: of ASCII, with %XX for other bytes, as url.PathUnescape reads it. What is too long,
// once that s3blob has escaped it again, is cut, and ends in "...".
func header(text string) string {
	const more = "..."
	var b strings.Builder
	size := len(more)
	for i := range len(text) {
		c := (&url.URL{Path: text[i : i+1]}).EscapedPath()
		if size += len(url.PathEscape(c)); size > maxText {
			return b.String() + more
		}
		b.WriteString(c)
	}
	return b.String()
}
