package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
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
// buckets, which take 255 bytes for a part and 1024 in all, or has more than 16 parts, ends in a hash. On file systems that take A for a so do the stores.
type Template string

const defaultTemplate = "{stream}/{date}_{time}_{id}"

const (
	maxKey     = 1024 // bytes; S3's limit, the lowest
	maxPart    = 255  // bytes of a path's part
	maxStream  = 500  // bytes of {stream} as a whole
	maxFolders = 16   // parts of it; a disk flushes each folder for each still
	maxSegment = 100  // bytes of each of its parts, so that the last can be followed by a hash, who, variant and extension
	maxID      = 100
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
			return "", capture.Reject(fmt.Errorf("store: template %q makes names of %d bytes, file systems take %d", t, len(part), maxPart))
		}
	}
	if len(key) > maxKey {
		return "", capture.Reject(fmt.Errorf("store: template %q makes keys of %d bytes, buckets take %d", t, len(key), maxKey))
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
	layout := t.layout()
	for _, at := range []time.Time{w.Since, w.Before} {
		switch unit := precision(layout); {
		case at.IsZero():
		case layout == "":
			return "", nil, fmt.Errorf("store: template %q keeps no date to select by", t)
		case unit > time.Millisecond && !at.Equal(at.Truncate(unit)):
			return "", nil, fmt.Errorf("store: template %q keeps times to %v, and cannot select by %v", t, unit, at)
		}
	}
	since, before := w.Since.Truncate(time.Millisecond), w.Before.Truncate(time.Millisecond) // as times in names are
	if before, rest, _ := strings.Cut(t.text(), "{"); w.Stream != "" && strings.HasPrefix(rest, "stream}/") {
		prefix = before + streamName(w.Stream) + "/"
	}
	pattern := t.pattern()
	return prefix, func(key string) (s capture.Stored, ok bool) {
		m := pattern.FindStringSubmatch(key)
		if m == nil {
			return s, false
		}
		group := func(name string) string { return m[pattern.SubexpIndex(name)] }
		s = capture.Stored{
			Stream: original(group("stream")), ID: original(group("id")), Variant: original(group("variant")),
			Type: mediaType(group("extension")), By: group("by"),
		}
		if !made(group("stream"), segmentName) || !made(group("id"), idName) || !made(group("variant"), variantName) ||
			extension(s.Type) != "."+group("extension") && !hashed.MatchString(group("extension")) {
			return s, false // somebody else's file
		}
		if layout != "" {
			var digits []string
			for i, name := range pattern.SubexpNames() {
				if layouts[name] != "" {
					digits = append(digits, m[i])
				}
			}
			var err error
			if s.Time, err = time.Parse(layout, strings.Join(digits, " ")); err != nil {
				return s, false
			}
		}
		return s, (w.Stream == "" || group("stream") == streamName(w.Stream)) &&
			(w.ID == "" || group("id") == idName(w.ID)) &&
			(w.By == "" || group("by") == who(w.By)) &&
			(w.Since.IsZero() || !s.Time.Before(since)) && (w.Before.IsZero() || s.Time.Before(before))
	}, nil
}

// made reports whether part of a name was made by name of anything, as far as that can be known if it ends in a hash.
func made(part string, name func(string) string) bool {
	for segment := range strings.SplitSeq(part, "/") {
		hash := strings.Contains(segment, "%-")
		if part != "" && (hash && !hashed.MatchString(segment) || !hash && name(original(segment)) != segment) {
			return false
		}
	}
	return true
}

var hashed = regexp.MustCompile(`^[A-Za-z0-9%_-][A-Za-z0-9%_.-]*%-[0-9a-f]{32}$`)

// makes reports whether a folder within may have that name, as far as its bytes tell.
func (t Template) makes(folder string) bool {
	return !strings.HasPrefix(folder, ".") && strings.Trim(folder, alphabet+t.text()) == ""
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.%~"

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

// streamName makes a path of a stream's name, empty of an empty one.
func streamName(stream string) string {
	if stream == "" {
		return ""
	}
	var parts []string
	for part := range strings.SplitSeq(stream, "/") {
		parts = append(parts, segmentName(part))
	}
	if len(parts) > maxFolders {
		return hashedName(strings.Join(parts[:maxFolders], "/"), maxStream, stream)
	}
	return cut(strings.Join(parts, "/"), maxStream, stream)
}

// segmentName makes a name of a part of a stream's.
func segmentName(part string) string {
	if part == "" {
		return "%"
	}
	return clean(part, maxSegment, "_")
}

func idName(id string) string { return clean(id, maxID, "") }

func variantName(variant string) string { return clean(variant, maxVariant, "") }

// clean makes of any string one of letters, digits, dashes, dots within, the marks in also, and %XX for each other byte. No mark stands
// twice in a row: gocloud's drivers take __0x2f__ for an escape of their own.
func clean(s string, most int, also string) string {
	var b strings.Builder
	for i, c := range []byte(s) {
		plain := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' ||
			c == '.' && i > 0 && i < len(s)-1 || strings.IndexByte(also, c) >= 0 && (i == 0 || s[i-1] != c)
		if plain {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
		if b.Len() > most {
			break
		}
	}
	made := b.String()
	if reserved.MatchString(made) {
		made = fmt.Sprintf("%%%02X%s", made[0], made[1:])
	}
	return cut(made, most, s)
}

// reserved are names that Windows takes for devices, whatever stands behind a dot.
var reserved = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$`)

// cut cuts what was made of a string down to most bytes, with the string's hash at its end. No other string's has that: a "%-"
// stands nowhere else.
func cut(made string, most int, of string) string {
	if len(made) <= most {
		return made
	}
	return hashedName(made, most, of)
}

// hashedName is what is left of a name with a hash at its end.
func hashedName(made string, most int, of string) string {
	sum := sha256.Sum256([]byte(of))
	hash := "%-" + hex.EncodeToString(sum[:16])
	return strings.TrimRight(made[:min(len(made), most-len(hash))], "/") + hash
}

// original is the string that clean or streamName made s of; s itself if it ends in a hash.
func original(s string) string {
	if strings.Contains(s, "%-") {
		return s
	}
	return escape.ReplaceAllStringFunc(s, func(e string) string {
		if e == "%" {
			return "" // an empty part of a stream's name
		}
		c, _ := strconv.ParseUint(e[1:], 16, 8)
		return string([]byte{byte(c)})
	})
}

var escape = regexp.MustCompile(`%([0-9A-F]{2})?`)

// who is the hash that stands for a user in names; empty for none.
func who(by string) string {
	if by == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(by))
	return hex.EncodeToString(sum[:8])
}

// extension makes a file's extension, with its dot, of a media type: the usual one of pictures, else the type itself.
func extension(mediaType string) string {
	sub, image := strings.CutPrefix(mediaType, "image/")
	switch {
	case mediaType == "image/jpeg":
		return ".jpg"
	case mediaType == "":
		return ".bin"
	case image && sub != "" && sub != "jpg" && sub != "bin" && clean(sub, maxType, "") == sub && !strings.Contains(sub, "."):
		return "." + sub
	}
	ext := strings.ReplaceAll(clean(mediaType, maxType, ""), ".", "%2E")
	if !strings.Contains(ext, "%") {
		ext += "%" // no media type, and none that looks like a picture's
	}
	return "." + ext
}

// mediaType is what extension made ext of, which has no dot.
func mediaType(ext string) string {
	switch {
	case ext == "jpg":
		return "image/jpeg"
	case ext == "bin":
		return ""
	case strings.Contains(ext, "%"):
		return original(ext)
	default:
		return "image/" + ext
	}
}
