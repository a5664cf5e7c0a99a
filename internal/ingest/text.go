package ingest

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable returns a text that may have come from a peer, fit for logs and terminals: whatever does not print stands there as Go
// escapes it, such as \n and \x1b.
func Printable(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text
	}
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// Excerpt is Printable, but of the beginning of a text that is long: it has at most that many bytes, and ends with an ellipsis then.
func Excerpt(text string, most int) string {
	const ellipsis = "..."
	shown := Printable(text[:prefix(text, most)]) // which can be ten times as long
	if len(text) <= most && len(shown) <= most {
		return shown
	}
	return shown[:prefix(shown, most-len(ellipsis))] + ellipsis
}

// prefix returns how many of the first bytes of a text, at most, are whole characters.
func prefix(text string, most int) int {
	if len(text) <= most {
		return len(text)
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return most
}

// IsText reports whether the name of a stream can be logged and compared: it is valid UTF-8 without control characters, marks that turn
// the direction of text around, and line separators. With these a name can look like another, or like two lines.
func IsText(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
	})
}
