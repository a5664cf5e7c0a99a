package store

import (
	"regexp"
	"strings"
	"time"

	"github.com/livestill/livestill/capture"
)

// A parsedName has the parts of a still's name as they stand there, and the time.
type parsedName struct {
	stream, id, variant, by, extension string
	time                               time.Time // zero if names do not have it
}

// parseName takes a name of a Template to pieces, of which layout and pattern are. It is not ok if the name is none that Key makes.
func parseName(key, layout string, pattern *regexp.Regexp) (n parsedName, ok bool) {
	m := pattern.FindStringSubmatch(key)
	if m == nil {
		return n, false
	}
	part := func(name string) string { return m[pattern.SubexpIndex(name)] }
	n = parsedName{stream: part("stream"), id: part("id"), variant: part("variant"), by: part("by"), extension: part("extension")}
	if layout != "" {
		var digits []string
		for i, name := range pattern.SubexpNames() {
			if layouts[name] != "" {
				digits = append(digits, m[i])
			}
		}
		var err error
		if n.time, err = time.Parse(layout, strings.Join(digits, " ")); err != nil {
			return n, false
		}
	}
	return n, made(n.stream, segmentName) && made(n.id, idName) && made(n.variant, variantName) &&
		(extension(mediaType(n.extension)) == "."+n.extension || hashed.MatchString(n.extension))
}

// stored is what the name tells of the still.
func (n *parsedName) stored() capture.Stored {
	return capture.Stored{
		Stream: original(n.stream), ID: original(n.id), Variant: original(n.variant),
		Type: mediaType(n.extension), By: n.by, Time: n.time,
	}
}

// selectedBy reports whether w selects the still.
func (n *parsedName) selectedBy(w capture.Selection) bool {
	since, before := w.Since.Truncate(time.Millisecond), w.Before.Truncate(time.Millisecond) // as times in names are
	return (w.Stream == "" || n.stream == streamName(w.Stream)) &&
		(w.ID == "" || n.id == idName(w.ID)) &&
		(w.By == "" || n.by == who(w.By)) &&
		(w.Since.IsZero() || !n.time.Before(since)) && (w.Before.IsZero() || n.time.Before(before))
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

// hashed is what names of parts look like that end in a hash.
var hashed = regexp.MustCompile(`^[A-Za-z0-9%_-][A-Za-z0-9%_.-]*%-[0-9a-f]{32}$`)
