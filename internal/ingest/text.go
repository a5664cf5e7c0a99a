package ingest

import (
	"strconv"
	"strings"
	"unicode"
)

// Printable returns a text that may have come from a peer, fit for logs and terminals: whatever does not print stands there as Go
// escapes it, such as \n and \x1b.
func Printable(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		return text
	}
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
