package store

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"github.com/livestill/livestill/capture"
)

// A Template makes of a still the name, a path with slashes, under which a store keeps it. It has literal text and, each once at most:
//
//	{stream}   the stream's name, a folder for each of its parts; stands
//	           between slashes, or at an end
//	{id}       the still's ID
//	{date}     20060102, of Still.Time, in UTC as all times
//	{time}     150405.000
//	{year} {month} {day} {hour}
//
// {stream} and {id} must be there. The empty Template is "{stream}/{date}_{time}_{id}", of which stills are called
// live/alice/20260506_070809.123_KXW3B4TM2J.jpg, and more, if there is more to tell: ID~BY~VARIANT.EXT. BY is a hash of who asked, so that
// the stills of a user are found again, yet the link to a picture does not name who took it; who guesses the name can tell that it is right.
//
// Whatever a stream or a still is called, the name is a relative path within, without hidden parts or such as "..", of ASCII letters, digits
// and the marks -_.%~. Different stills have different names: other bytes stand there as %XX, and what is too long for file systems and
// buckets, which take 255 bytes for a part and 1024 in all, or has more than 16 parts, ends in a hash. If a file system treats A
// and a as the same, so do the stores.
type Template string

const defaultTemplate = "{stream}/{date}_{time}_{id}"

const (
	maxKey     = 1024 - 82 // bytes; the limit of S3, the lowest, less what blobstore has in the name of what is told of a still
	maxPart    = 250       // bytes of a part of a path; the limit is 255, of which the suffix of what is told of a still is five
	maxStream  = 500       // bytes of {stream} as a whole
	maxFolders = 16        // parts of it; a disk flushes each folder for each still
	maxSegment = 100       // bytes of each of its parts, so that the last can be followed by a hash, who, variant and extension
	maxID      = 100       // bytes, as the two below; chosen, not measured
	maxVariant = 40
	maxType    = 40
)

// layouts are the placeholders for times.
var layouts = map[string]string{
	"date": "20060102", "time": "150405.000", "year": "2006", "month": "01", "day": "02", "hour": "15",
}

var (
	placeholder = regexp.MustCompile(`\{[a-z]+\}`)
	literal     = regexp.MustCompile(`^[A-Za-z0-9._/ -]*$`)
)

// Key returns the name of s. A still that can have none is rejected: one without an ID, or of a year of five digits.
func (t Template) Key(s *capture.Still) (string, error) {
	if err := t.check(); err != nil {
		return "", err
	}
	if s.ID == "" {
		return "", capture.Reject(errors.New("still without an ID"))
	}
	at := s.Time.UTC()
	if at.Year() < 0 || at.Year() > 9999 {
		return "", capture.Reject(fmt.Errorf("still of the year %d", at.Year()))
	}
	key := placeholder.ReplaceAllStringFunc(t.text(), func(name string) string {
		switch name = name[1 : len(name)-1]; name {
		case "stream":
			return streamName(s.Stream)
		case "id":
			return idName(s.ID)
		default:
			return at.Format(layouts[name])
		}
	})
	key = strings.Trim(strings.ReplaceAll(key, "//", "/"), "/") // no stream, no folder
	if s.Request.By != "" || s.Variant != "" {
		key += "~" + who(s.Request.By)
	}
	if s.Variant != "" {
		key += "~" + variantName(s.Variant)
	}
	key += extension(s.Type)
	for part := range strings.SplitSeq(key, "/") {
		if len(part) > maxPart {
			return "", capture.Reject(fmt.Errorf("store: template %q makes names of %d bytes, stores take %d", t, len(part), maxPart))
		}
	}
	if len(key) > maxKey {
		return "", capture.Reject(fmt.Errorf("store: template %q makes keys of %d bytes, stores take %d", t, len(key), maxKey))
	}
	return key, nil
}

// Select returns what finds the stills that w selects among a store's names: what all of these begin with, and a function that reads a
// name, and tells whether it is of such a still. Location and Size are left to the store. Of a name that ends in a hash, Stored has
// what is left of it.
func (t Template) Select(w capture.Selection) (prefix string, read func(key string) (s capture.Stored, ok bool), err error) {
	if err := t.check(); err != nil {
		return "", nil, err
	}
	if err := t.checkTimes(w); err != nil {
		return "", nil, err
	}
	if before, rest, _ := strings.Cut(t.text(), "{"); w.Stream != "" && strings.HasPrefix(rest, "stream}/") {
		prefix = before + streamName(w.Stream) + "/"
	}
	layout, pattern := t.layout(), t.pattern()
	return prefix, func(key string) (capture.Stored, bool) {
		n, ok := parseName(key, layout, pattern)
		if !ok {
			return capture.Stored{}, false
		}
		return n.stored(), n.selectedBy(w)
	}, nil
}

// makes reports whether a folder within may have that name, as far as its bytes tell.
func (t Template) makes(folder string) bool {
	return !strings.HasPrefix(folder, ".") && strings.Trim(folder, alphabet+t.text()) == ""
}

const (
	alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	alphabet     = alphanumeric + "-_.%~" // of names
)

func (t Template) text() string {
	if t == "" {
		return defaultTemplate
	}
	return string(t)
}

// check tells what is wrong with t.
func (t Template) check() error {
	text := t.text()
	seen := make(map[string]bool)
	for _, name := range placeholder.FindAllString(text, -1) {
		if name != "{stream}" && name != "{id}" && layouts[name[1:len(name)-1]] == "" {
			return fmt.Errorf("store: template %q has the unknown placeholder %s", t, name)
		}
		if seen[name] {
			return fmt.Errorf("store: template %q has %s twice", t, name)
		}
		seen[name] = true
	}
	rest := placeholder.ReplaceAllString(text, "x")
	switch {
	case !seen["{stream}"] || !seen["{id}"]:
		return fmt.Errorf("store: template %q lacks {stream} or {id}, by which stills are told apart", t)
	case !strings.Contains("/"+text+"/", "/{stream}/"):
		return fmt.Errorf("store: template %q has {stream} beside other text, where a slash has to be", t)
	case !literal.MatchString(rest) || strings.Contains(rest, "__"):
		return fmt.Errorf("store: template %q has text other than letters, digits, spaces, the marks .- and single _", t)
	case !fs.ValidPath(rest) || strings.Contains("/"+rest, "/."):
		return fmt.Errorf("store: template %q is no path of visible folders", t)
	}
	return nil
}

// checkTimes tells if names do not have the time as exactly as w selects by it.
func (t Template) checkTimes(w capture.Selection) error {
	layout := t.layout()
	unit := precision(layout)
	for _, at := range []time.Time{w.Since, w.Before} {
		switch {
		case at.IsZero():
		case layout == "":
			return fmt.Errorf("store: template %q keeps no date to select by", t)
		case unit > time.Millisecond && !at.Equal(at.Truncate(unit)):
			return fmt.Errorf("store: template %q keeps times to %v, and cannot select by %v", t, unit, at)
		}
	}
	return nil
}

// layout is that of all the times in a name, with a space between them; empty if they do not tell the day.
func (t Template) layout() string {
	text := t.text()
	has := func(name string) bool { return strings.Contains(text, name) }
	if !has("{date}") && (!has("{year}") || !has("{month}") || !has("{day}")) {
		return ""
	}
	var parts []string
	for _, name := range placeholder.FindAllString(text, -1) {
		if l := layouts[name[1:len(name)-1]]; l != "" {
			parts = append(parts, l)
		}
	}
	return strings.Join(parts, " ")
}

// precision is the unit that times in names of a layout are cut to.
func precision(layout string) time.Duration {
	switch {
	case strings.Contains(layout, layouts["time"]):
		return time.Millisecond
	case strings.Contains(" "+layout, " "+layouts["hour"]):
		return time.Hour
	default:
		return 24 * time.Hour
	}
}

// pattern is what a name looks like. It has one reading: an ID has no slash, all else but the stream is of a known length.
func (t Template) pattern() *regexp.Regexp {
	text := regexp.QuoteMeta(t.text())
	// In the quoted text braces have backslashes; a stream without a name takes no slash.
	text = strings.NewReplacer(
		`\{stream\}/`, `(?:(?P<stream>[^~]+)/)?`, `/\{stream\}`, `(?:/(?P<stream>[^~]+))?`, `\{id\}`, `(?P<id>[^/~]+)`,
	).Replace(text)
	for name, layout := range layouts {
		digits := regexp.MustCompile(`[0-9]`).ReplaceAllString(regexp.QuoteMeta(layout), "[0-9]")
		text = strings.ReplaceAll(text, `\{`+name+`\}`, "(?P<"+name+">"+digits+")")
	}
	return regexp.MustCompile("^" + text + `(?:~(?P<by>(?:[0-9a-f]{16})?)(?:~(?P<variant>[^~/]+))?)?\.(?P<extension>[^./~]+)$`)
}
