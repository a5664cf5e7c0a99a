package capture_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/livestill/livestill/capture"
)

// TestLinesOfStrangers has text of strangers in all that is printed: each is one line, in which nothing moves a terminal.
func TestLinesOfStrangers(t *testing.T) {
	const bad = "a\nb\x1b[2Jc\u202ed\xff\x00"
	still := &capture.Still{ID: bad, Stream: bad, Type: bad, Location: bad, Instead: errors.New(bad)}
	var text strings.Builder // as a Handler has it that escapes nothing
	for _, a := range still.LogValue().Group() {
		text.WriteString(a.Value.String())
	}
	for about, line := range map[string]string{
		"Still.String":    still.String(),
		"Still.LogValue":  text.String(),
		"Denied.Error":    capture.Denied{Reason: bad}.Error(),
		"Error of Denied": (&capture.Error{Step: capture.StepPolicy, Stream: bad, Err: capture.Deny(bad)}).Error(),
	} {
		if !strings.Contains(line, `a\nb\x1b[2Jc\u202ed\xff\x00`) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%s: %q", about, line)
		}
	}
	if deny := (capture.Denied{Reason: bad}); deny.Reason != bad {
		t.Errorf("the reason itself has become %q", deny.Reason)
	}
	plain := capture.Still{Type: "image/jpeg"}
	if got := plain.String(); !strings.Contains(got, ", image/jpeg of 0 bytes") {
		t.Error(got)
	}
}
