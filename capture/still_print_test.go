package capture_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/livestill/livestill/capture"
)

// TestLinesOfStrangers has text of strangers in all that is printed: each is one line, in which nothing moves a terminal.
func TestLinesOfStrangers(t *testing.T) {
	const bad = "a\nb\x1b[2Jc\u202ed\xff\x00"
	still := &capture.Still{ID: bad, Stream: bad, Type: bad, Variant: bad, Location: bad, Instead: errors.New(bad), Err: errors.New(bad)}
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
	for _, a := range still.LogValue().Group() {
		if text := a.Value.String(); strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%s of Still.LogValue: %q", a.Key, text)
		}
	}
	plain := capture.Still{Type: "image/jpeg"}
	if got := plain.String(); !strings.Contains(got, ", image/jpeg of 0 bytes") {
		t.Error(got)
	}
}

// TestVariantInALine: a Variant says which it is, and why it is not there.
func TestVariantInALine(t *testing.T) {
	why := &capture.Error{Step: capture.StepEncode, Stream: "live", Variant: "new", Err: capture.ErrUnsupported}
	for _, test := range []struct {
		still     capture.Still
		says, log []string
	}{
		{capture.Still{ID: "id"}, []string{`still "id" of`}, nil},
		{capture.Still{ID: "id", Request: capture.Request{Variants: []string{"thumb"}}, Variants: make([]*capture.Still, 1)},
			[]string{`still "id" of "", not asked for itself, shown `, ", with 1 variants"}, nil},
		{capture.Still{ID: "id", Variant: "thumb", Request: capture.Request{Variants: []string{"thumb"}}}, []string{` of 0 bytes, `}, []string{"variant=thumb"}},
		{capture.Still{ID: "id", Variant: "thumb"}, []string{`variant "thumb" of still "id" of`}, []string{"variant=thumb"}},
		{capture.Still{ID: "id", Variant: "new", Err: why}, []string{`variant "new" of still "id" of`, ", is not there: " + why.Error()}, []string{"variant=new", "err=" + why.Error()}},
	} {
		line := test.still.String()
		for _, want := range test.says {
			if !strings.Contains(line, want) {
				t.Errorf("%s: want %s", line, want)
			}
		}
		var log []string
		for _, a := range test.still.LogValue().Group() {
			if a.Key == "variant" || a.Key == "err" {
				log = append(log, a.String())
			}
		}
		if !slices.Equal(log, test.log) {
			t.Errorf("logged %q, want %q", log, test.log)
		}
	}
}
